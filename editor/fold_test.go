package editor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/recovery"
)

// folds is a file system like those of macOS and Windows, or ext4 with casefold.
var folds = crashfs.Options{FoldCase: true}

// foldPlans change names in case, and name files by other spellings than theirs.
func foldPlans() map[string]editor.Plan {
	return map[string]editor.Plan{
		"case only": {Ops: []editor.Op{
			editor.Rename{From: "rename.txt", To: "RENAME.txt"},
			editor.Edit{Path: "EDIT.txt", Edits: []locator.Edit{{Start: 0, End: 3, Text: []byte("1")}}},
			editor.Rename{From: "dir/sub/a", To: "Dir/Sub/A"}, findEdit("dir/sub/A", "swap", "SWAP"),
			editor.Rename{From: "link", To: "Link"},
		}},
		"gone and back": {Ops: []editor.Op{
			editor.Delete{Path: "Delete.txt"}, editor.Create{Path: "DELETE.TXT", Content: []byte("another\n")},
			editor.Rename{From: "write.txt", To: "tmp"}, editor.Rename{From: "TMP", To: "Write.txt"},
			editor.Chmod{Path: "MODE.sh", Mode: 0o755},
			editor.Rename{From: "dir/sub/a", To: "t"}, editor.Rename{From: "dir/sub/c", To: "dir/sub/A"}, editor.Rename{From: "T", To: "dir/sub/C"},
		}},
		"directories": {Ops: []editor.Op{
			editor.Rename{From: "dir", To: "DIR"}, findEdit("dir/moved.txt", "renamed", "RENAMED"),
			editor.Create{Path: "DIR/new", Content: []byte("new\n")}, editor.Delete{Path: "Dir/sub/a"},
			editor.Mkdir{Path: "empty"},
		}},
	}
}

// TestCrashWhileCaseChanges cuts the power at every operation of these plans.
func TestCrashWhileCaseChanges(t *testing.T) {
	for name, plan := range foldPlans() {
		t.Run(name, func(t *testing.T) { sweepPlan(t, plan, folds) })
		if long() {
			poor := crashfs.Options{FoldCase: true, NoExchange: true, NoRenameNoReplace: true}
			t.Run(name+" without exchange, noreplace", func(t *testing.T) { sweepPlan(t, plan, poor) })
		}
	}
}

// Names that differ in case only are one file where the system says so: a file
// keeps its name when it is edited by another, and gets a new one when it is
// renamed. All of it can be undone.
func TestNamesThatDifferInCase(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"case only":     {"RENAME.txt": "to be renamed\n", "dir/sub/A": "SWAP a\n", "edit.txt": "1 two"},
		"directories":   {"DIR/moved.txt": "RENAMED", "DIR/sub/b": "swap b\n"},
		"gone and back": {"DELETE.TXT": "another\n", "Write.txt": "old content\n", "dir/sub/A": "#!/bin/sh\n", "dir/sub/C": "swap a\n"},
	} {
		fs := crashTree(t, folds)
		before := userTree(fs)
		ed := openOn(t, fs)
		res, err := ed.Apply(t.Context(), foldPlans()[name])
		require.NoError(t, err)
		after := userTree(fs)
		if name != "directories" {
			require.Len(t, after, len(before), name)
		}
		for p, text := range want {
			require.Contains(t, after[p].Data, text, "%s: %s", name, p)
		}
		_, err = ed.Undo(t.Context(), res.ID)
		require.NoError(t, err)
		requireTree(t, before, userTree(fs), name)
		_, err = ed.Redo(t.Context(), res.ID)
		require.NoError(t, err)
		requireTree(t, after, userTree(fs), name)
	}
}

// What looks like two files is not written twice, clobbered or lost.
func TestSpellingsOfOneFileMeet(t *testing.T) {
	fs := crashTree(t, folds)
	ed := openOn(t, fs)
	refused := func(kind fail.Kind, ops ...editor.Op) {
		t.Helper()
		before := userTree(fs)
		_, err := ed.Apply(t.Context(), editor.Plan{Ops: ops})
		require.Equal(t, kind, fail.KindOf(err), "%v", err)
		requireTree(t, before, userTree(fs), string(kind))
	}
	refused(fail.Exists, editor.Create{Path: "EDIT.TXT"})
	refused(fail.Exists, editor.Rename{From: "delete.txt", To: "Write.TXT"})
	refused(fail.Exists, editor.Create{Path: "new"}, editor.Create{Path: "NEW"})
	refused(fail.Exists, editor.Create{Path: "x/y/new"}, editor.Create{Path: "x/Y/other"})
	refused(fail.Exists, editor.Rename{From: "delete.txt", To: "12/x"}, editor.Symlink{Path: "12/X", Target: "y"})
	refused(fail.PathEscape, editor.Create{Path: ".Git/hooks/x"})
	_, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{findEdit("write.txt", "old", "new"), findEdit("WRITE.txt", "content", "text"),
		editor.Rename{From: "delete.txt", To: "Mode.sh", Overwrite: true}, editor.Rename{From: "rename.txt", To: "Rename.txt", Overwrite: true}}})
	require.NoError(t, err)
	requireFile(t, fs, "write.txt", "new text\n")
	requireFile(t, fs, "mode.sh", "to be deleted\n")
	requireFile(t, fs, "Rename.txt", "to be renamed\n")
	require.NotContains(t, userTree(fs), "rename.txt")
}

// A directory that changes only the case of its name goes by a third name. Where
// somebody takes its new name meanwhile, it stays as it is, on the shelf.
func TestTheNewSpellingOfADirectoryIsTaken(t *testing.T) {
	fs := crashTree(t, folds)
	want := dataBeneath(fs, "dir")
	taken := false
	fs.OnOp(func(o op.Op) {
		if sibling(o.Path) && o.To == crashRoot+"/DIR" && !taken {
			taken = true
			if err := fs.WriteFile(crashRoot+"/DIR", []byte("theirs"), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	err := applyOn(fs, foldPlans()["directories"])
	require.True(t, taken)
	require.Equal(t, "parked", stateOf(t, err, "taken"))
	requireFile(t, fs, "DIR", "theirs")
	require.Empty(t, leftovers(fs))
	shelf := ""
	for p := range fs.Tree(crashRoot) {
		if strings.HasSuffix(p, ".slot-a") {
			shelf = p
		}
	}
	require.Equal(t, want, dataBeneath(fs, shelf))
}

// A plan that changes the case of a directory's name is parked half way; what is
// decided holds for the name as well.
func TestResolveOfADirectoryInAnotherSpelling(t *testing.T) {
	plan := foldPlans()["directories"]
	before, after := crashTree(t, folds), crashTree(t, folds)
	require.NoError(t, applyOn(after, plan))
	for use, want := range map[editor.Resolution]*crashfs.FS{editor.UseBefore: before, editor.UseAfter: after, editor.KeepCurrent: nil} {
		fs := killAt(t, crashTree(t, folds), plan, "DIR/new")
		for _, p := range []string{"DIR/moved.txt", "DIR/sub/a"} { // this has come, and that has not gone
			require.NoError(t, fs.WriteFile(crashRoot+"/"+p, []byte(mine), 0o644))
		}
		r, err := recoverFS(fs)
		require.NoError(t, err)
		require.Equal(t, recovery.ActionParked, r.Intents[0].Action)
		was := userTree(fs)
		ed := openOn(t, fs)
		d, err := ed.Resolve(t.Context(), r.Intents[0].ID, editor.ResolveOptions{Use: use})
		require.NoError(t, err)
		require.Empty(t, leftovers(fs))
		if want == nil {
			requireTree(t, was, userTree(fs), "kept")
			continue
		}
		requireTree(t, userTree(want), userTree(fs), fmt.Sprint("resolution ", use))
		_, err = ed.Undo(t.Context(), d.ID)
		require.NoError(t, err)
		requireTree(t, was, userTree(fs), "the decision is undone")
	}
}

// dataBeneath are the bytes of all files in a directory, by their paths there.
func dataBeneath(fs *crashfs.FS, dir string) map[string]string {
	found := map[string]string{}
	for p, n := range fs.Tree(crashRoot) {
		if rest, ok := strings.CutPrefix(p, dir+"/"); ok && n.Kind == vfs.Regular {
			found[rest] = n.Data
		}
	}
	return found
}
