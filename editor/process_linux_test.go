package editor_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

// hangInCommit applies a plan and stops for ever between its two publishes,
// holding the lock.
func hangInCommit(root string) {
	disk := faultfs.New(vfs.OS(), faultfs.Fault{N: 2, Match: func(o op.Op) bool {
		if o.Kind == op.Exchange && strings.HasSuffix(o.To, "/plain") {
			_, _ = os.Stdout.WriteString("held\n")
			select {}
		}
		return false
	}})
	ed, err := editor.Open(context.Background(), root, editor.WithFS(disk))
	if err == nil {
		_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{
			editor.Write{Path: "f", Content: []byte("after")}, editor.Write{Path: "plain", Content: []byte("after")}}})
	}
	_, _ = os.Stderr.WriteString(err.Error())
}

// TestLesson45KilledHolder: a stale pid lock kept everyone out after kill -9.
// A second process waits as long as it is told to and names the holder; once
// the holder is killed it goes on at once, and finishes what that had begun.
func TestLesson45KilledHolder(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"f", "plain"} {
		require.NoError(t, os.WriteFile(root+"/"+name, []byte("before"), 0o644))
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"EMEND_CHILD_ROOT=" + root, "EMEND_CHILD_PLAN=hang"}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)

	apply := func(wait time.Duration) error {
		ed, err := editor.Open(context.Background(), root, editor.WithLockWait(wait))
		require.NoError(t, err, "opening does not wait")
		defer ed.Close()
		_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{editor.Create{Path: "new", Content: []byte("x")}}})
		return err
	}
	begun := time.Now()
	err = apply(200 * time.Millisecond)
	require.Equal(t, fail.Locked, fail.KindOf(err), err)
	require.Contains(t, err.Error(), strconv.Itoa(cmd.Process.Pid))
	require.GreaterOrEqual(t, time.Since(begun), 200*time.Millisecond)

	done := make(chan error)
	go func() { done <- apply(2 * hang) }()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	begun = time.Now()
	require.NoError(t, <-done)
	require.Less(t, time.Since(begun), hang)
	for _, name := range []string{"f", "plain"} {
		b, err := os.ReadFile(root + "/" + name)
		require.NoError(t, err)
		require.Equal(t, "after", string(b), "the dead process's intent is finished first")
	}
}

// TestNames: a name is any bytes that the system takes.
func TestNames(t *testing.T) {
	deep := strings.Repeat("d/", 150) + "f"
	names := []string{strings.Repeat("n", 255), "new\nline", "-rf", " spaces ", "caf\xe9", "\x01\x1b[31m", "*?[", "~", `back\slash`,
		"..dots", strings.Repeat("é", 127), deep}
	top := t.TempDir()
	require.NoError(t, os.Mkdir(top+"/real", 0o755))
	require.NoError(t, os.Symlink("real", top+"/root"))
	root := top + "/root"
	var create, change, remove []editor.Op
	for _, name := range names {
		create = append(create, editor.Create{Path: name, Content: []byte(oldText)})
		change = append(change, editor.Edit{Path: name, Edits: find("two", "2")}, editor.Chmod{Path: name, Mode: 0o600})
		remove = append(remove, editor.Delete{Path: name})
	}
	for _, ops := range [][]editor.Op{create, change} {
		_, err := applyIn(root, ops...)
		require.NoError(t, err)
	}
	all := lookAll(t, top+"/real")
	for _, name := range names {
		require.Equal(t, newText, all[name].Data, "%q", name)
	}
	_, err := applyIn(root, remove...)
	require.NoError(t, err)
	_, err = applyIn(root, editor.Create{Path: strings.Repeat("n", 256), Content: []byte("x")})
	require.Equal(t, fail.Unsupported, fail.KindOf(err), err)
}

// TestCaseOnlyRename: a and A are two names where the system says so.
func TestCaseOnlyRename(t *testing.T) {
	root := t.TempDir()
	_, err := applyIn(root, editor.Create{Path: "readme", Content: []byte("x")})
	require.NoError(t, err)
	before := lookAll(t, root)["readme"]
	_, err = applyIn(root, editor.Rename{From: "readme", To: "README"})
	require.NoError(t, err)
	require.Equal(t, map[string]look{"README": before}, lookAll(t, root))
}

// TestCaseFoldingDisks does the same where the kernel itself folds case.
func TestCaseFoldingDisks(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: mounts disks")
	}
	image := filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 64<<20))
	for name, mount := range map[string]func(t *testing.T) string{
		"tmpfs": func(t *testing.T) string {
			return mounted(t, "a tmpfs with casefold", "-t", "tmpfs", "-o", "casefold", "none")
		},
		"ext4": func(t *testing.T) string {
			mustRun(t, "mkfs.ext4 with casefold", "mkfs.ext4", "-q", "-O", "casefold", image)
			return mounted(t, "an ext4 with casefold", "-o", "loop", image)
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := mount(t) + "/root"
			require.NoError(t, os.Mkdir(root, 0o755))
			mustRun(t, "chattr +F", "chattr", "+F", root)
			_, err := applyIn(root, editor.Create{Path: "readme", Content: []byte(oldText)})
			require.NoError(t, err)
			before := lookAll(t, root)["readme"]
			_, err = applyIn(root, editor.Rename{From: "readme", To: "README"})
			require.NoError(t, err)
			require.Equal(t, map[string]look{"README": before}, lookAll(t, root))
			_, err = applyIn(root, editor.Edit{Path: "ReadMe", Edits: find("two", "2")}, editor.Chmod{Path: "README", Mode: 0o600})
			require.NoError(t, err)
			all := lookAll(t, root)
			require.Len(t, all, 1)
			require.Equal(t, newText, all["README"].Data)
		})
	}
}
