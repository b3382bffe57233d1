package editor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
)

// bound mounts what, a file or a directory, at the path at.
func bound(t *testing.T, what, at string) {
	t.Helper()
	mustRun(t, "a bind mount", "mount", "--bind", what, at)
	t.Cleanup(func() {
		out, err := exec.Command("umount", at).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
}

// TestLesson42MountsInTheTree: a rename onto a bind-mounted file failed with
// EBUSY half way through. Mounted files are written in place, as are files in
// mounted directories; there nothing is made, moved or removed.
func TestLesson42MountsInTheTree(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	tmpfs := mounted(t, "tmpfs", "-t", "tmpfs", "none")
	for _, p := range []string{elsewhere + "/file", tmpfs + "/far", tmpfs + "/file", elsewhere + "/in", root + "/near", root + "/far", root + "/plain"} {
		require.NoError(t, os.WriteFile(p, []byte(oldText), 0o640))
	}
	for _, d := range []string{"tmpfs", "dir"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, d), 0o755))
	}
	bound(t, elsewhere+"/file", root+"/near") // the same device: only the publish finds out
	bound(t, tmpfs+"/far", root+"/far")
	bound(t, tmpfs, root+"/tmpfs")
	bound(t, elsewhere, root+"/dir") // the same device, and yet no rename across

	before := lookAll(t, root)
	edits := []editor.Op{editor.Write{Path: "plain", Content: []byte(newText)}}
	for _, p := range []string{"near", "far", "tmpfs/file", "dir/in"} {
		edits = append(edits, editor.Edit{Path: p, Edits: find("two", "2")})
	}
	for _, op := range []editor.Op{
		editor.Delete{Path: "near"}, editor.Delete{Path: "far"}, editor.Rename{From: "near", To: "x"},
		editor.Create{Path: "tmpfs/new", Content: []byte("x")}, editor.Delete{Path: "tmpfs/file"}, editor.Rename{From: "plain", To: "tmpfs/p"},
		editor.Create{Path: "dir/new", Content: []byte("x")}, editor.Delete{Path: "dir/in"}, editor.Rename{From: "dir/in", To: "in"},
		editor.Symlink{Path: "dir/link", Target: "in"}, editor.Rename{From: "tmpfs", To: "other"},
	} {
		_, err := applyIn(root, append(append([]editor.Op{}, edits[:1]...), op)...)
		require.Contains(t, []fail.Kind{fail.Busy, fail.Unsupported, fail.IdentityLost}, fail.KindOf(err), "%#v: %v", op, err)
		require.Equal(t, string(fail.Unchanged), stateOf(t, err, "mounts"), "%#v: %v", op, err)
		require.Equal(t, withoutInodes(before), withoutInodes(lookAll(t, root)), "%#v", op)
	}
	_, err := applyIn(root, edits...)
	require.NoError(t, err)
	after := lookAll(t, root)
	for _, p := range []string{"near", "far", "tmpfs/file", "dir/in", "plain"} {
		require.Equal(t, newText, after[p].Data, p)
		if p != "plain" {
			require.Equal(t, before[p].Ino, after[p].Ino, p)
		}
	}
	_, err = applyIn(root, editor.Edit{Path: "far", Edits: find("2", "3")}, editor.Edit{Path: "tmpfs/far", Edits: find("3", "4")})
	require.NoError(t, err)
	require.Equal(t, "one\n4\nthree\n", lookAll(t, root)["far"].Data, "two paths, one file")
}
