package editor_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
)

const nobody = 65534

// TestMain lets a test run a transaction in a process of its own: see child.
func TestMain(m *testing.M) {
	if root := os.Getenv("EMEND_CHILD_ROOT"); root != "" {
		os.Exit(child(root))
	}
	os.Exit(m.Run())
}

// childOps are the plans that a child applies, by name.
var childOps = map[string][]editor.Op{
	"edit":   {editor.Edit{Path: "sub/f", Edits: find("two", "2")}, editor.Write{Path: "plain", Content: []byte(newText)}},
	"create": {editor.Create{Path: "sub/new", Content: []byte("x")}},
	"delete": {editor.Write{Path: "plain", Content: []byte(newText)}, editor.Delete{Path: "sub/f"}},
}

// child applies a plan and prints the kind of the error.
func child(root string) int {
	if os.Getenv("EMEND_CHILD_PLAN") == "hang" {
		hangInCommit(root)
		return 1
	}
	_, err := applyIn(root, childOps[os.Getenv("EMEND_CHILD_PLAN")]...)
	_, _ = io.WriteString(os.Stdout, string(fail.KindOf(err)))
	if err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error())
	}
	return 0
}

// asNobody applies the plan in the workspace at root as nobody.
func asNobody(t *testing.T, root, plan string) (fail.Kind, string) {
	t.Helper()
	binary := filepath.Join(filepath.Dir(root), "emend.test")
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, self, 0o755))
	cmd := exec.Command(binary)
	cmd.Dir = root
	cmd.Env = []string{"EMEND_CHILD_ROOT=" + root, "EMEND_CHILD_PLAN=" + plan}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	return fail.Kind(out), stderr.String()
}

// TestWithoutPrivilege: what cannot be reproduced is written in place, and what
// cannot be written so either is refused.
func TestWithoutPrivilege(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: making files of several owners needs root")
	}
	for _, c := range []struct {
		name string
		dir  [2]int // owner and mode of the directory
		file [3]int // owner, group and mode of the file in it
		plan string
		want fail.Kind
		same bool // the file is still the same inode
	}{
		{name: "mine", dir: [2]int{nobody, 0o755}, file: [3]int{nobody, nobody, 0o640}, plan: "edit"},
		{name: "another's, open to all", dir: [2]int{nobody, 0o755}, file: [3]int{0, 0, 0o666}, plan: "edit", same: true},
		{name: "another's", dir: [2]int{nobody, 0o755}, file: [3]int{0, 0, 0o644}, plan: "edit", want: fail.IdentityLost, same: true},
		{name: "another's, with privileges", dir: [2]int{nobody, 0o755}, file: [3]int{0, 0, 0o4777}, plan: "edit", want: fail.IdentityLost, same: true},
		{name: "a group of others", dir: [2]int{nobody, 0o755}, file: [3]int{nobody, 4321, 0o664}, plan: "edit", same: true},
		{name: "mine, setuid, a group of others", dir: [2]int{nobody, 0o755}, file: [3]int{nobody, 4321, 0o4755}, plan: "edit", same: true},
		{name: "mine in a directory of others", dir: [2]int{0, 0o755}, file: [3]int{nobody, nobody, 0o644}, plan: "edit", same: true},
		{name: "create in a directory of others", dir: [2]int{0, 0o755}, file: [3]int{nobody, nobody, 0o644}, plan: "create", want: fail.Permission, same: true},
		{name: "delete in a directory of others", dir: [2]int{0, 0o755}, file: [3]int{nobody, nobody, 0o644}, plan: "delete", want: fail.Permission, same: true},
		{name: "delete another's in a sticky directory", dir: [2]int{0, 0o1777}, file: [3]int{0, 0, 0o666}, plan: "delete", want: fail.Permission, same: true},
		{name: "another's in a sticky directory", dir: [2]int{0, 0o1777}, file: [3]int{0, 0, 0o666}, plan: "edit", same: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			top, err := os.MkdirTemp("", "emend-privilege-")
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(top) })
			root := filepath.Join(top, "root")
			require.NoError(t, os.MkdirAll(root+"/sub", 0o755))
			require.NoError(t, os.Chmod(top, 0o755))
			require.NoError(t, os.WriteFile(root+"/sub/f", []byte(oldText), 0o600))
			require.NoError(t, os.WriteFile(root+"/plain", []byte(oldText), 0o644))
			require.NoError(t, os.Chown(root+"/plain", nobody, nobody))
			require.NoError(t, os.Chown(root, nobody, nobody))
			require.NoError(t, os.Chown(root+"/sub/f", c.file[0], c.file[1]))
			require.NoError(t, syscall.Chmod(root+"/sub/f", uint32(c.file[2])))
			require.NoError(t, os.Chown(root+"/sub", c.dir[0], c.dir[0]))
			require.NoError(t, syscall.Chmod(root+"/sub", uint32(c.dir[1])))

			before := lookAll(t, root)
			kind, message := asNobody(t, root, c.plan)
			require.Equal(t, c.want, kind, message)
			after := lookAll(t, root)
			if c.same {
				require.Equal(t, before["sub/f"].Ino, after["sub/f"].Ino)
			}
			if c.want == "" {
				for _, p := range []string{"sub/f", "plain"} {
					change(before, p, setText)
				}
			}
			require.Equal(t, withoutInodes(before), withoutInodes(after))
		})
	}
}
