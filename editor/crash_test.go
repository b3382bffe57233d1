package editor_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/recovery"
)

// long reports whether the exhaustive sweeps are wanted (make sweep).
func long() bool { return os.Getenv("EMEND_LONG") != "" }

const crashRoot = "/w"

// crashTree makes the workspace that the sweeps change: durable, as a user's
// files of yesterday are.
func crashTree(t testing.TB, o crashfs.Options) *crashfs.FS {
	t.Helper()
	fs := crashfs.New(o)
	require.NoError(t, fs.MkdirAll(crashRoot+"/dir/sub", 0o755))
	require.NoError(t, fs.MkdirAll(crashRoot+"/far", 0o755))
	require.NoError(t, fs.Mount(crashRoot+"/far"))
	require.NoError(t, fs.MkdirAll(crashRoot+"/far/sub", 0o755))
	for name, data := range map[string]string{
		"edit.txt":       strings.Repeat("one two three\n", 100),
		"delete.txt":     "to be deleted\n",
		"rename.txt":     "to be renamed\n",
		"mode.sh":        "#!/bin/sh\n",
		"write.txt":      "old content\n",
		"dir/moved.txt":  "renamed and edited\n",
		"dir/sub/a":      "swap a\n",
		"dir/sub/b":      "swap b\n",
		"dir/sub/c":      "#!/bin/sh\n",
		"untouched.txt":  "stays\n",
		"dir/other.text": "stays too\n",
		"far/delete":     "to be deleted, far away\n",
		"far/sub/a":      "to be renamed and edited, far away\n",
		"far/sub/b":      "to be renamed, far away\n",
		"far/sub/c":      "to come here\n",
	} {
		require.NoError(t, fs.WriteFile(crashRoot+"/"+name, []byte(data), 0o644))
	}
	require.NoError(t, fs.Symlink("edit.txt", crashRoot+"/link"))
	fs.Settle()
	return fs
}

// crashPlans are the plans that the sweeps apply, by name.
func crashPlans() map[string]editor.Plan {
	edit := editor.Edit{Path: "edit.txt", Edits: []locator.Edit{
		{Start: 0, End: 3, Text: []byte("ONE"), Old: []byte("one")}, {Start: 700, End: 703, Text: []byte("")}}}
	return map[string]editor.Plan{
		"five": {Ops: []editor.Op{
			edit,
			editor.Create{Path: "new/deep/n.txt", Content: []byte("created\n")},
			editor.Delete{Path: "delete.txt"},
			editor.Rename{From: "rename.txt", To: "dir/renamed.txt"},
			editor.Chmod{Path: "mode.sh", Mode: 0o755},
		}},
		"mix": {Ops: []editor.Op{
			editor.Write{Path: "write.txt", Content: []byte("whole new content\n")},
			editor.Rename{From: "dir/moved.txt", To: "moved.txt"},
			editor.Edit{Path: "moved.txt", Edits: []locator.Edit{{Find: []byte("edited"), Text: []byte("EDITED")}}},
			editor.Rename{From: "dir/sub/a", To: "dir/sub/t"},
			editor.Rename{From: "dir/sub/b", To: "dir/sub/a"},
			editor.Rename{From: "dir/sub/t", To: "dir/sub/b"},
			editor.Symlink{Path: "link", Target: "write.txt"},
			editor.Symlink{Path: "link2", Target: "nowhere"},
		}},
		"directory": {Ops: []editor.Op{
			editor.Rename{From: "dir/sub", To: "top"},
			editor.Edit{Path: "top/a", Edits: []locator.Edit{{Find: []byte("swap"), Text: []byte("SWAP")}}},
			editor.Mkdir{Path: "empty"},
			editor.Delete{Path: "top/b"},
			editor.Chmod{Path: "top/c", Mode: 0o755},
		}},
		"far": {Ops: []editor.Op{
			editor.Create{Path: "far/new/n.txt", Content: []byte("created\n")},
			editor.Delete{Path: "far/delete"},
			editor.Rename{From: "far/sub/a", To: "far/a"},
			editor.Edit{Path: "far/a", Edits: find("edited", "EDITED")},
			editor.Rename{From: "rename.txt", To: "far/renamed.txt"},
		}},
	}
}

// userTree is the workspace without what is emend's own.
func userTree(fs *crashfs.FS) map[string]crashfs.Node {
	tree := fs.Tree(crashRoot)
	maps.DeleteFunc(tree, func(p string, _ crashfs.Node) bool {
		p = strings.TrimPrefix(strings.TrimPrefix(p, crashRoot), "/")
		return p == ".emend" || strings.HasPrefix(p, ".emend/") || sibling(p)
	})
	return tree
}

// leftovers lists the slots that are still there.
func leftovers(fs *crashfs.FS) []string {
	var names []string
	for p := range fs.Tree(crashRoot) {
		if strings.Contains(p, ".emend/stage/") || strings.Contains(p, ".emend-") {
			names = append(names, p)
		}
	}
	return names
}

func applyPlan(fs *crashfs.FS, plan editor.Plan) (*editor.Result, error) {
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	if err != nil {
		return nil, err
	}
	defer ed.Close()
	return ed.Apply(context.Background(), plan)
}

func recoverFS(fs *crashfs.FS) (*recovery.Report, error) {
	return recovery.Run(context.Background(), crashRoot, recovery.Options{FS: fs})
}

// survivor is the disk after one crash, waiting to be recovered: the hooks
// that make it run inside an operation.
type survivor struct {
	name string
	fs   *crashfs.FS
}

// sweep is one run of a plan with a look at every survivor of every crash
// point.
type sweep struct {
	t             *testing.T
	before, after map[string]crashfs.Node
	every         int // every every-th survivor is looked at
	nested        int // every nested-th of those has its recovery crashed as well
	survivors     int
}

// check recovers one survivor, and holds its tree to before or after.
func (s *sweep) check(name string, fs *crashfs.FS, depth int) {
	s.survivors++
	var nested []survivor
	if depth > 0 && s.survivors%s.nested == 0 {
		fs.OnOp(func(o op.Op) {
			for inner, clone := range s.some(fs) {
				nested = append(nested, survivor{fmt.Sprintf("%s; then at %v: %s", name, o, inner), clone})
			}
		})
	}
	_, err := recoverFS(fs)
	require.NoError(s.t, err, name)
	fs.OnOp(nil)
	tree := userTree(fs)
	if !treesEqual(tree, s.before) {
		requireTree(s.t, s.after, tree, name)
	}
	require.Empty(s.t, leftovers(fs), name)
	again, err := recoverFS(fs)
	require.NoError(s.t, err, name)
	require.Empty(s.t, again.Intents, "%s: a second recovery finds nothing", name)
	for _, n := range nested {
		s.check(n.name, n.fs, depth-1)
	}
}

// some are the survivors that nested crashes look at.
func (s *sweep) some(fs *crashfs.FS) map[string]*crashfs.FS {
	out := map[string]*crashfs.FS{
		"killed":   fs.Killed(),
		"all lost": fs.Survive(crashfs.AllLost()),
	}
	seed := uint64(s.survivors)
	out[fmt.Sprintf("random %d", seed)] = fs.Survive(crashfs.Random(seed))
	return out
}

func treesEqual(a, b map[string]crashfs.Node) bool {
	return fmt.Sprint(comparable(a)) == fmt.Sprint(comparable(b))
}

// comparable keeps of a tree what a user can tell: inode numbers and times are
// not promised.
func comparable(tree map[string]crashfs.Node) map[string]string {
	out := make(map[string]string, len(tree))
	for p, n := range tree {
		out[p] = fmt.Sprintf("%v %o %d:%d %q %q %v", n.Kind, n.Mode, n.UID, n.GID, n.Data, n.Target, n.Xattrs)
	}
	return out
}

func requireTree(t *testing.T, want, got map[string]crashfs.Node, name string) {
	t.Helper()
	require.Equal(t, comparable(want), comparable(got), name)
}

// TestCrashAtEveryOperation cuts the power, and kills the process, before every
// operation of a commit, with many survivors each, and recovers: the tree is
// before or after, every time; once Apply has returned, only after. Recovery
// itself is crashed as well, and run again. Without EMEND_LONG (make sweep) it
// looks at a part of the survivors.
func TestCrashAtEveryOperation(t *testing.T) {
	for planName, plan := range crashPlans() {
		for optName, o := range map[string]crashfs.Options{
			"": {}, " without exchange": {NoExchange: true}, " without syncfs, noreplace": {NoSyncFS: true, NoRenameNoReplace: true},
		} {
			t.Run(planName+optName, func(t *testing.T) { sweepPlan(t, plan, o) })
		}
	}
}

func sweepPlan(t *testing.T, plan editor.Plan, o crashfs.Options) {
	fs := crashTree(t, o)
	s := &sweep{t: t, before: userTree(fs), every: 7, nested: 31}
	switch {
	case long():
		s.every, s.nested = 1, 3
	case testing.Short():
		s.every = 97
	}
	_, err := applyPlan(fs, plan)
	require.NoError(t, err)
	s.after = userTree(fs)
	require.False(t, treesEqual(s.before, s.after))
	require.Empty(t, leftovers(fs))

	fs = crashTree(t, o)
	var crashed []survivor
	fs.OnOp(func(at op.Op) {
		for name, clone := range fs.Survivors() {
			crashed = append(crashed, survivor{fmt.Sprintf("at %v: %s", at, name), clone})
		}
		crashed = append(crashed, survivor{fmt.Sprintf("at %v: killed", at), fs.Killed()})
	})
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	require.NoError(t, err)
	_, err = ed.Apply(context.Background(), plan)
	require.NoError(t, err)
	fs.OnOp(nil)
	requireTree(t, s.after, userTree(fs), "applied")
	for i, c := range crashed {
		if i%s.every == 0 {
			s.check(c.name, c.fs, 1)
		}
	}
	s.before = s.after
	for name, survivor := range fs.Survivors() {
		s.check("after success: "+name, survivor, 0)
	}
	require.NoError(t, ed.Close())
	t.Logf("%d survivors", s.survivors)
}
