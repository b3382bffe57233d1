package editor_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
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
// mounted directories; what is mounted itself is not moved or removed.
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
		editor.Rename{From: "near", To: "dir/x"},
		editor.Rename{From: "tmpfs", To: "other"}, editor.Delete{Path: "dir", Recursive: true},
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

// onVolumes runs test with a directory of each volume that a workspace may have
// inside: other file systems, and another mount of its own.
func onVolumes(t *testing.T, test func(t *testing.T, root, dir string)) {
	t.Run("another mount", func(t *testing.T) { test(t, t.TempDir(), t.TempDir()) })
	onDisks(t, func(t *testing.T, dir string) { test(t, t.TempDir(), dir) })
}

// farAndNear dresses up a workspace: far is on another volume than .emend.
func farAndNear(t *testing.T, root string) {
	t.Helper()
	for _, d := range []string{"near", "far/sub", "far/goes"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	for _, f := range []string{"near/in", "near/shared", "far/out", "far/old", "far/sub/a", "far/sub/b", "far/sub/c", "far/goes/x", "far/kept", "far/held", "far/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, f), []byte(oldText+f+"\n"), 0o640))
		require.NoError(t, os.Chown(filepath.Join(root, f), 1234, 4321))
		require.NoError(t, os.Chmod(filepath.Join(root, f), 0o4751))
	}
	require.NoError(t, os.Symlink("kept", filepath.Join(root, "far/link")))
	require.NoError(t, os.Link(filepath.Join(root, "far/held"), filepath.Join(root, "far/other")))
}

// farPlan does there whatever can be done to files.
func farPlan() editor.Plan {
	return editor.Plan{PruneDirs: true, Ops: []editor.Op{
		editor.Create{Path: "far/new/deep/n", Content: []byte("new\n")},
		editor.Write{Path: "far/written", Content: []byte("new\n")},
		editor.Edit{Path: "far/kept", Edits: find("two", "2")},
		editor.Write{Path: "far/held", Content: []byte("both\n")},
		editor.Delete{Path: "far/goes/x"}, editor.Create{Path: "far/goes", Content: []byte("a file now\n")},
		editor.Delete{Path: "far/file"}, editor.Create{Path: "far/file/in", Content: []byte("a directory now\n")},
		editor.Rename{From: "far/sub/a", To: "far/sub/t"}, editor.Rename{From: "far/sub/b", To: "far/sub/a"}, editor.Rename{From: "far/sub/t", To: "far/sub/b"},
		editor.Rename{From: "far/sub/c", To: "far/c"}, editor.Edit{Path: "far/c", Edits: find("two", "2")},
		editor.Rename{From: "near/in", To: "far/in"},
		editor.Rename{From: "far/out", To: "near/out"}, editor.Edit{Path: "near/out", Edits: find("two", "2")},
		editor.Symlink{Path: "far/link", Target: "written"}, editor.Symlink{Path: "far/link2", Target: "kept"},
		editor.Chmod{Path: "far/old", Mode: 0o600},
		editor.Rename{From: "far/sub", To: "far/moved"}, editor.Create{Path: "far/moved/new", Content: []byte("new\n")},
		editor.Write{Path: "near/shared", Content: []byte("new\n")},
	}}
}

// TestOtherVolumesInTheTree: where no rename leads from .emend a plan does just
// what it does elsewhere, to metadata as well; undo brings everything back, and
// so does a rollback, whatever call of the commit fails. No slot is left.
func TestOtherVolumesInTheTree(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: mounts and owners need root")
	}
	model := t.TempDir()
	farAndNear(t, model)
	before := withoutInodes(lookAll(t, model))
	_, err := applyOnDisk(t, model, farPlan(), vfs.OS())
	require.NoError(t, err)
	after := withoutInodes(lookAll(t, model))
	works := func(t *testing.T, root string) { // and root/far is another volume
		farAndNear(t, root)
		unchanged := func(n int) {
			require.Equal(t, before, withoutInodes(lookAll(t, root)), "%d", n)
			noSlots(t, root)
		}
		unchanged(0)
		stride := 7
		if long() {
			stride = 1
		}
		publishesHere := func(o op.Op) bool {
			return !o.Kind.Looks() && !strings.Contains(o.Path, "/.emend/") && (strings.HasPrefix(o.Path, root) || strings.HasPrefix(o.To, root))
		}
		for n := 1; ; n += stride {
			faulty := faultfs.New(vfs.OS(), faultfs.Fault{Match: publishesHere, N: n, Err: syscall.EIO})
			res, err := applyOnDisk(t, root, farPlan(), faulty)
			if len(faulty.Delivered()) == 0 {
				require.NoError(t, err)
				require.Equal(t, "committed", res.State)
				break
			}
			if err == nil {
				_, err := applyOnDisk(t, root, editor.Plan{}, vfs.OS())
				require.NoError(t, err)
				undoOnDisk(t, root)
			} else if stateOf(t, err, "fault") != string(fail.Unchanged) {
				_, err = recovery.Run(context.Background(), root, recovery.Options{Policy: recovery.PolicyBack})
				require.NoError(t, err)
			}
			unchanged(n)
		}
		require.Equal(t, after, withoutInodes(lookAll(t, root)))
		noSlots(t, root)
		undoOnDisk(t, root)
		unchanged(0)
	}
	onVolumes(t, func(t *testing.T, root, dir string) {
		far := filepath.Join(dir, "inside")
		require.NoError(t, os.Mkdir(far, 0o755))
		require.NoError(t, os.Mkdir(root+"/far", 0o755))
		bound(t, far, root+"/far")
		works(t, root)
	})
	onDisks(t, func(t *testing.T, root string) {
		if out, err := exec.Command("btrfs", "subvolume", "create", root+"/far").CombinedOutput(); err != nil {
			t.Skipf("skipped: no subvolumes here: %v %s", err, out)
		}
		works(t, root)
	})
}

func applyOnDisk(t *testing.T, root string, plan editor.Plan, fs vfs.FS) (*editor.Result, error) {
	t.Helper()
	ed, err := editor.Open(context.Background(), root, editor.WithFS(fs))
	require.NoError(t, err)
	defer ed.Close()
	return ed.Apply(context.Background(), plan)
}

func undoOnDisk(t *testing.T, root string) {
	t.Helper()
	ed, err := editor.Open(context.Background(), root)
	require.NoError(t, err)
	defer ed.Close()
	_, err = ed.Undo(context.Background(), "")
	require.NoError(t, err)
}

// noSlots: neither a slot nor a sibling is left.
func noSlots(t *testing.T, root string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
		if strings.Contains(p, "/stage/") || strings.Contains(p, "/.emend-") {
			t.Errorf("%s is left", p)
		}
		return err
	}))
}

// TestDurabilityIsThatOfTheWeakestVolume: nothing on a tmpfs survives a power cut.
func TestDurabilityIsThatOfTheWeakestVolume(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 64<<20))
	mustRun(t, "ext4", "mkfs.ext4", "-q", image)
	root := mounted(t, "ext4", "-o", "loop", image)
	require.NoError(t, os.Mkdir(root+"/far", 0o755))
	bound(t, mounted(t, "tmpfs", "-t", "tmpfs", "none"), root+"/far")
	for _, c := range []struct{ path, want string }{{"near", "full"}, {"far/f", "degraded"}, {"near2", "full"}} {
		res, err := applyIn(root, editor.Create{Path: c.path, Content: []byte("x")})
		require.NoError(t, err)
		require.Equal(t, c.want, res.Durability, c.path)
	}
}
