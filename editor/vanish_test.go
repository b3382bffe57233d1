package editor_test

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

// meddled is fs on which somebody does something to the file at p before the
// n-th time that it is looked at, and each time after.
func meddled(fs *crashfs.FS, p string, n int, do func(*crashfs.FS) error) (f *faultfs.FS, met *bool) {
	met = new(bool)
	looks := 0
	f = faultfs.New(fs, faultfs.Fault{N: 1, Match: func(o op.Op) bool {
		if o.Path == crashRoot+"/"+p && (o.Kind.Looks() || o.Kind.Syncs()) && o.Kind != op.Close {
			if looks++; looks >= n {
				*met = true
				_ = do(fs.Meddler()) // what is there already stays
			}
		}
		return false
	}})
	return f, met
}

// Somebody removes, replaces or makes a file at the very moment at which
// recovery, or a rollback, looks at it: that is no error, and nothing of theirs
// is lost.
func TestFilesThatChangeUnderTheLook(t *testing.T) {
	remove := func(p string) func(*crashfs.FS) error {
		return func(fs *crashfs.FS) error {
			d, err := fs.OpenRoot(crashRoot + "/" + path.Dir(p))
			if err != nil {
				return err
			}
			defer d.Close()
			return d.Remove(path.Base(p))
		}
	}
	for name, do := range map[string]func(p string) func(*crashfs.FS) error{
		"removed": remove,
		"made a link": func(p string) func(*crashfs.FS) error {
			return func(fs *crashfs.FS) error {
				_ = remove(p)(fs)
				d, err := fs.OpenRoot(crashRoot + "/" + path.Dir(p))
				if err != nil {
					return err
				}
				defer d.Close()
				return d.Symlink("nowhere", path.Base(p))
			}
		},
		"written": func(p string) func(*crashfs.FS) error {
			return func(fs *crashfs.FS) error {
				_ = remove(p)(fs)
				return fs.WriteFile(crashRoot+"/"+p, []byte(mine), 0o644)
			}
		},
	} {
		for _, p := range []string{"write.txt", "new/made.txt", "dir/moved.txt"} {
			t.Run(name+" "+strings.ReplaceAll(p, "/", "-"), func(t *testing.T) {
				for n := 1; ; n++ {
					if !lookAwry(t, p, n, do(p)) {
						require.Greater(t, n, 3)
						return
					}
				}
			})
		}
	}
}

// lookAwry recovers a crash and rolls a commit back while p is meddled with,
// from its n-th look on; false where there was none.
func lookAwry(t *testing.T, p string, n int, do func(*crashfs.FS) error) bool {
	t.Helper()
	plan := editor.Plan{Ops: []editor.Op{
		editor.Write{Path: "edit.txt", Content: []byte("new\n")}, editor.Write{Path: "dir/moved.txt", Content: []byte("new\n")},
		editor.Create{Path: "new/made.txt", Content: []byte("new\n")}, editor.Delete{Path: "write.txt"}}}

	f, recovering := meddled(killAt(t, crashTree(t, crashfs.Options{}), plan, "write.txt"), p, n, do)
	_, err := recoverOn(f)
	require.NoError(t, err, "recovery, look %d", n)

	f, committing := meddled(crashTree(t, crashfs.Options{}), p, n, do)
	if err := applyOn(f, plan); err != nil {
		require.Contains(t, []string{string(fail.Unchanged), string(fail.Parked)}, stateOf(t, err, "commit"), "commit, look %d: %v", n, err)
	}
	return *recovering || *committing
}
