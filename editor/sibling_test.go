package editor_test

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// apart gives .emend a file system of its own, so that the slots of the whole
// workspace are siblings.
func apart(t *testing.T, fs *crashfs.FS) *crashfs.FS {
	t.Helper()
	require.NoError(t, fs.MkdirAll(crashRoot+"/.emend", 0o700))
	require.NoError(t, fs.Mount(crashRoot+"/.emend"))
	fs.Settle()
	return fs
}

// TestEmendOnAFileSystemOfItsOwn: a plan does what it always does, and any crash
// is recovered from, undone or not.
func TestEmendOnAFileSystemOfItsOwn(t *testing.T) {
	pick := newSampler(t)
	for name, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			t.Run(name+optName, func(t *testing.T) {
				tr := treesOf(t, plan, o)
				fs := apart(t, crashTree(t, o))
				made := 0
				fs.OnOp(func(at op.Op) {
					if sibling(at.Path) && at.Kind != op.Stat {
						made++
					}
					for cut, survivor := range cuts(fs, pick.Uint64()) {
						if pick.chosen(9) {
							_, err := tr.recovered(survivor)
							if err != nil {
								t.Errorf("at %v, %s: %v", at, cut, err)
							}
						}
					}
				})
				require.NoError(t, applyOn(fs, plan))
				fs.OnOp(nil)
				require.Positive(t, made)
				requireTree(t, tr.after, userTree(fs), name)
				_, err := openOn(t, fs).Undo(context.Background(), "")
				require.NoError(t, err)
				requireTree(t, tr.before, userTree(fs), name)
				require.Empty(t, leftovers(fs))
			})
		}
	}
}

// TestSiblingsAreInFewPlaces: they are in the topmost directory of the file
// system that is ours to write to, and in none that the plan removes, shuts or
// makes.
func TestSiblingsAreInFewPlaces(t *testing.T) {
	create := editor.Create{Path: "far/a/b/new", Content: []byte("new\n")}
	for name, c := range map[string]struct {
		options crashfs.Options
		dress   func(root vfs.Dir) error
		ops     []editor.Op
		want    string
	}{
		"topmost":           {ops: []editor.Op{create}, want: "far"},
		"one for all":       {ops: []editor.Op{create, editor.Delete{Path: "far/a/f"}, editor.Rename{From: "far/g", To: "far/x/y/z"}}, want: "far"},
		"missing directory": {ops: []editor.Op{editor.Create{Path: "far/x/y/z", Content: []byte("z")}}, want: "far"},
		"removed directory": {ops: []editor.Op{editor.Delete{Path: "far/a", Recursive: true}}, want: "far"},
		"renamed directory": {ops: []editor.Op{editor.Rename{From: "far/a", To: "far/x"}, editor.Delete{Path: "far/x/f"}}, want: "far"},
		"not ours": {crashfs.Options{EUID: 1000}, func(root vfs.Dir) error { return root.Chmod("far", 0o555) },
			[]editor.Op{create}, "far/a"},
		"sticky, and somebody else's": {crashfs.Options{EUID: 1000}, func(root vfs.Dir) error {
			if err := root.Chown("far", 0, 0); err != nil {
				return err
			}
			return root.Chmod("far", 0o1777)
		}, []editor.Op{create}, "far/a"},
	} {
		t.Run(name, func(t *testing.T) {
			fs := crashfs.New(c.options)
			require.NoError(t, fs.MkdirAll(crashRoot+"/far", 0o755))
			require.NoError(t, fs.Mount(crashRoot+"/far"))
			require.NoError(t, fs.MkdirAll(crashRoot+"/far/a/b", 0o755))
			for _, f := range []string{"far/a/f", "far/g"} {
				require.NoError(t, fs.WriteFile(crashRoot+"/"+f, []byte(f), 0o644))
			}
			root, err := fs.Meddler().OpenRoot(crashRoot)
			require.NoError(t, err)
			if c.dress != nil {
				require.NoError(t, c.dress(root))
			}
			fs.Settle()
			var homes []string
			fs.OnOp(func(o op.Op) {
				for _, p := range namesOf(o) {
					if sibling(p) && !slices.Contains(homes, path.Dir(p)) {
						homes = append(homes, path.Dir(p))
					}
				}
			})
			require.NoError(t, applyOn(fs, editor.Plan{Ops: c.ops}))
			require.Equal(t, []string{crashRoot + "/" + c.want}, homes)
			require.Empty(t, leftovers(fs))
		})
	}
}

// TestADirectoryThatWasSwappedOutFarAway: somebody puts a directory into the
// place of a link that is just being changed, the process is killed, and somebody
// puts a file there. The directory cannot come to the shelf, and stays as well.
func TestADirectoryThatWasSwappedOutFarAway(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	require.NoError(t, fs.Symlink("delete", crashRoot+"/far/l"))
	fs.Settle()
	root, err := fs.Meddler().OpenRoot(crashRoot)
	require.NoError(t, err)
	far, err := root.OpenDir("far")
	require.NoError(t, err)
	var killed *crashfs.FS
	swapped := false
	fs.OnOp(func(o op.Op) {
		switch {
		case swapped && killed == nil:
			killed = fs.Killed()
		case o.Kind == op.Exchange && !swapped:
			swapped = true
			if err := far.Remove("l"); err != nil {
				t.Error(err)
			}
			if err := fs.MkdirAll(crashRoot+"/far/l/theirs", 0o755); err != nil {
				t.Error(err)
			}
		}
	})
	_ = applyOn(fs, editor.Plan{Ops: []editor.Op{editor.Symlink{Path: "far/l", Target: "sub/a"}, editor.Delete{Path: "delete.txt"}}})
	require.NotNil(t, killed)
	m, err := killed.Meddler().OpenRoot(crashRoot + "/far")
	require.NoError(t, err)
	require.NoError(t, m.Remove("l"))
	require.NoError(t, killed.WriteFile(crashRoot+"/far/l", []byte("theirs, too"), 0o644))
	_, err = recoverOn(killed)
	require.NoError(t, err)
	tree := killed.Tree(crashRoot)
	require.Equal(t, "theirs, too", tree["far/l"].Data)
	kept := 0
	for p := range tree {
		if strings.HasSuffix(p, "/theirs") {
			require.Contains(t, p, ".slot-a")
			kept++
		}
	}
	require.Equal(t, 1, kept, fmt.Sprint(tree))
	require.NoError(t, applyOn(killed, editor.Plan{Ops: []editor.Op{editor.Write{Path: "untouched.txt", Content: []byte("x")}}}))
}
