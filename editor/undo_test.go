package editor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

func openOn(t testing.TB, fs *crashfs.FS, o ...editor.Option) *editor.Editor {
	t.Helper()
	ed, err := editor.Open(context.Background(), crashRoot, append(o, editor.WithFS(fs))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ed.Close() })
	return ed
}

func apply(t testing.TB, ed *editor.Editor, ops ...editor.Op) string {
	t.Helper()
	res, err := ed.Apply(context.Background(), editor.Plan{Ops: ops})
	require.NoError(t, err)
	return res.ID
}

func findEdit(path, old, by string) editor.Edit {
	return editor.Edit{Path: path, Edits: []locator.Edit{{Find: []byte(old), Text: []byte(by)}}}
}

// undoPlans has every operation, and the mixes that are hard to take back.
func undoPlans() map[string]editor.Plan {
	plans := crashPlans()
	for name, ops := range map[string][]editor.Op{
		"file becomes dir": {editor.Delete{Path: "mode.sh"}, editor.Create{Path: "mode.sh/in/it", Content: []byte("x")}},
		"chain": {editor.Rename{From: "write.txt", To: "w2"}, editor.Rename{From: "edit.txt", To: "write.txt"},
			editor.Rename{From: "delete.txt", To: "edit.txt"}, editor.Edit{Path: "write.txt", Edits: []locator.Edit{{Start: 0, End: 3, Text: []byte("ONE")}}}},
		"dirs": {editor.Rename{From: "dir", To: "made/dir2"}, editor.Create{Path: "made/dir2/sub/new", Content: []byte("c")},
			editor.Rename{From: "made/dir2/moved.txt", To: "out.txt"}, editor.Chmod{Path: "made/dir2/other.text", Mode: 0o600}},
		"swap and edit": {editor.Rename{From: "dir/sub/a", To: "t"}, editor.Rename{From: "dir/sub/b", To: "dir/sub/a"},
			editor.Rename{From: "t", To: "dir/sub/b"}, findEdit("dir/sub/b", "swap a", "edited a")},
		"chmods": {editor.Chmod{Path: "mode.sh", Mode: 0o755}, editor.Chmod{Path: "dir", Mode: 0o700},
			editor.Chmod{Path: "write.txt", Mode: 0o444}},
		"link over": {editor.Delete{Path: "write.txt"}, editor.Symlink{Path: "write.txt", Target: "edit.txt"},
			editor.Delete{Path: "link"}, editor.Create{Path: "link", Content: []byte("a file now")}},
		"edit twice": {findEdit("untouched.txt", "stays", "goes"), findEdit("untouched.txt", "goes", "went"),
			editor.Chmod{Path: "untouched.txt", Mode: 0o600}, editor.Rename{From: "untouched.txt", To: "touched.txt"}},
		"mkdir":       {editor.Mkdir{Path: "p/q/r"}, editor.Create{Path: "p/f", Content: nil}},
		"rename over": {editor.Rename{From: "write.txt", To: "edit.txt", Overwrite: true}},
	} {
		plans[name] = editor.Plan{Label: name, Ops: ops}
	}
	plans["dir becomes file"] = editor.Plan{PruneDirs: true, Ops: []editor.Op{editor.Delete{Path: "own/one"},
		editor.Delete{Path: "own/two"}, editor.Rename{From: "mode.sh", To: "own"}}}
	pruned := editor.Plan{PruneDirs: true, Ops: []editor.Op{editor.Delete{Path: "dir/sub/a"}, editor.Delete{Path: "dir/sub/b"},
		editor.Rename{From: "dir/moved.txt", To: "x/moved.txt"}, editor.Delete{Path: "dir/other.text"}}}
	plans["pruned"] = pruned
	return plans
}

// Undo takes back every operation, to the last attribute, and redo brings it
// again, any number of times.
func TestUndoAndRedoOfEveryOperation(t *testing.T) {
	for name, plan := range undoPlans() {
		t.Run(name, func(t *testing.T) {
			fs := crashTree(t, crashfs.Options{})
			require.NoError(t, fs.MkdirAll(crashRoot+"/own", 0o750))
			require.NoError(t, fs.WriteFile(crashRoot+"/own/one", []byte("1"), 0o600))
			require.NoError(t, fs.WriteFile(crashRoot+"/own/two", []byte("2"), 0o644))
			setXattr(t, fs, "delete.txt", "user.kept", "yes")
			before := userTree(fs)
			ed := openOn(t, fs)
			res, err := ed.Apply(t.Context(), plan)
			require.NoError(t, err)
			after := userTree(fs)
			for range 2 {
				undone, err := ed.Undo(t.Context(), res.ID)
				require.NoError(t, err)
				require.Equal(t, res.ID, undone.Undoes)
				requireTree(t, before, userTree(fs), "undone")
				again, err := ed.Undo(t.Context(), res.ID)
				require.NoError(t, err)
				require.True(t, again.Already)
				require.Equal(t, undone.ID, again.ID)

				redone, err := ed.Redo(t.Context(), "")
				require.NoError(t, err)
				require.Equal(t, undone.ID, redone.Undoes)
				requireTree(t, after, userTree(fs), "redone")
			}
			_, err = ed.Undo(t.Context(), "")
			require.NoError(t, err)
			requireTree(t, before, userTree(fs), "undone without a name")
			_, err = ed.Undo(t.Context(), "")
			require.Equal(t, fail.NotFound, fail.KindOf(err))
			redone, err := ed.Redo(t.Context(), res.ID)
			require.NoError(t, err)
			requireTree(t, after, userTree(fs), "redone by name")
			// The undo of a redo is an undo.
			_, err = ed.Undo(t.Context(), redone.ID)
			require.NoError(t, err)
			requireTree(t, before, userTree(fs), "redo undone")
			require.Empty(t, leftovers(fs))
		})
	}
}

func setXattr(t testing.TB, fs *crashfs.FS, path, name, value string) {
	t.Helper()
	d, err := fs.OpenRoot(crashRoot)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.SetXattr(path, name, []byte(value)))
	fs.Settle()
}

func TestUndoCarriesLaterEditsAlong(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	text := "alpha\nbeta\ngamma\ndelta\n"
	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte(text), 0o644))
	ed := openOn(t, fs)
	first := apply(t, ed, findEdit("f", "beta", "B"))
	second := apply(t, ed, findEdit("f", "delta", "D\nE"))
	third := apply(t, ed, findEdit("f", "alpha", "a long first line"))
	res, err := ed.Undo(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, "moved", res.Files[0].Anchor)
	require.Equal(t, 1, res.Files[0].Shifted)
	requireFile(t, fs, "f", "a long first line\nbeta\ngamma\nD\nE\n")
	_, err = ed.Undo(t.Context(), third)
	require.NoError(t, err)
	_, err = ed.Undo(t.Context(), second)
	require.NoError(t, err)
	requireFile(t, fs, "f", text)
	_, err = ed.Redo(t.Context(), first)
	require.NoError(t, err)
	requireFile(t, fs, "f", strings.Replace(text, "beta", "B", 1))
}

// What was undone itself is not in the way of an older transaction, wherever
// else the file has changed; what stands is, and is named.
func TestUndoPassesOverWhatIsUndone(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	text := "alpha\nbeta\ngamma\ndelta\n"
	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte(text), 0o644))
	ed := openOn(t, fs)
	undo := func(id string) error {
		_, err := ed.Undo(t.Context(), id)
		return err
	}
	first := apply(t, ed, findEdit("f", "alpha", "a"))
	second := apply(t, ed, findEdit("f", "gamma", "c, long"))
	undone := apply(t, ed, findEdit("f", "c, long", "C\nC"))
	require.NoError(t, undo(first))
	require.NoError(t, undo(undone))
	stands := apply(t, ed, findEdit("f", "long", "longer"))
	err := undo(second)
	require.Equal(t, fail.Conflict, fail.KindOf(err), "%v", err)
	require.ErrorContains(t, err, stands)
	require.NoError(t, undo(stands))
	require.NoError(t, undo(second))
	requireFile(t, fs, "f", text)

	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte("somebody's\n"), 0o644))
	_, err = ed.Redo(t.Context(), second)
	require.Equal(t, fail.Drift, fail.KindOf(err), "%v", err)
}

func requireFile(t testing.TB, fs *crashfs.FS, path, want string) {
	t.Helper()
	require.Equal(t, want, userTree(fs)[path].Data, path)
}

func TestUndoNamesTheLaterTransactionInTheWay(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	created := apply(t, ed, editor.Create{Path: "n/f", Content: []byte("one\n")})
	edited := apply(t, ed, findEdit("n/f", "one", "two"))
	edited2 := apply(t, ed, findEdit("n/f", "two", "three"))
	for id, by := range map[string]string{created: edited2, edited: edited2} {
		before := userTree(fs)
		_, err := ed.Undo(t.Context(), id)
		require.Equal(t, fail.Conflict, fail.KindOf(err), "%v", err)
		require.ErrorContains(t, err, by)
		requireTree(t, before, userTree(fs), "refused")
	}
	for _, id := range []string{edited2, edited, created} {
		_, err := ed.Undo(t.Context(), id)
		require.NoError(t, err)
	}
	require.NotContains(t, userTree(fs), "n")
}

func TestUndoRefusesForeignBytes(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	id := apply(t, ed, findEdit("write.txt", "old", "new"), editor.Create{Path: "c", Content: []byte("c")}, editor.Delete{Path: "delete.txt"})
	for path, mine := range map[string]string{"write.txt": "mine\n", "c": "mine too", "delete.txt": "mine as well"} {
		was, stood := userTree(fs)[path]
		require.NoError(t, fs.WriteFile(crashRoot+"/"+path, []byte(mine), 0o644))
		_, err := ed.Undo(t.Context(), id)
		require.Equal(t, fail.Drift, fail.KindOf(err), "%s: %v", path, err)
		require.Equal(t, hashing.Raw([]byte(mine)).String(), fail.Of(err).Actual, path)
		requireFile(t, fs, path, mine)
		if stood {
			require.NoError(t, fs.WriteFile(crashRoot+"/"+path, []byte(was.Data), 0o644))
		} else {
			d, err := fs.OpenRoot(crashRoot)
			require.NoError(t, err)
			require.NoError(t, d.Remove(path))
		}
	}
	_, err := ed.Undo(t.Context(), id)
	require.NoError(t, err)
}

// With the policy, undo merges with what a person has edited since.
func TestUndoMergesWhenAsked(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte("a\nb\nc\nd\n"), 0o644))
	id := apply(t, openOn(t, fs), findEdit("f", "b", "B"))
	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte("a\nB\nc\nd\nmine\n"), 0o644))
	_, err := openOn(t, fs).Undo(t.Context(), id)
	require.Equal(t, fail.Drift, fail.KindOf(err))
	res, err := openOn(t, fs, editor.WithOnDrift(editor.MergeDrift)).Undo(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "merged", res.Files[0].Anchor)
	requireFile(t, fs, "f", "a\nb\nc\nd\nmine\n")
}

// A key is free again once its transaction is undone, and taken once redone.
func TestUndoFreesTheKey(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	plan := editor.Plan{Key: "K", Ops: []editor.Op{findEdit("write.txt", "old", "new")}}
	first, err := ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	again, err := ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.True(t, again.Already)
	_, err = ed.Undo(t.Context(), "")
	require.NoError(t, err)
	_, err = ed.Redo(t.Context(), "")
	require.NoError(t, err)
	again, err = ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.True(t, again.Already)
	require.Equal(t, first.ID, again.ID)
	_, err = ed.Undo(t.Context(), "")
	require.NoError(t, err)
	second, err := ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.False(t, second.Already)
}

func TestUndoOfWhatIsNotThere(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	for _, do := range []func(context.Context, string) (*editor.Result, error){ed.Undo, ed.Redo} {
		for _, id := range []string{"", "nonsense", "06FZ4W8SX1R3Q2T5V7Y9ABCDEF"} {
			_, err := do(t.Context(), id)
			require.Equal(t, fail.NotFound, fail.KindOf(err), "%q: %v", id, err)
		}
	}
	id := apply(t, ed, editor.Create{Path: "c"})
	_, err := ed.Redo(t.Context(), id)
	require.Equal(t, fail.Conflict, fail.KindOf(err))
}

// What compaction has dropped cannot be undone, and that is what the error says;
// its key is still used up.
func TestUndoOfWhatWasCompactedAway(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	log, err := wal.Open(t.Context(), crashRoot+"/.emend", wal.Options{FS: fs, HistoryIntents: 1}) // who opens first sets the bounds
	require.NoError(t, err)
	defer log.Close()
	ed := openOn(t, fs)
	keyed := editor.Plan{Key: "K", Ops: []editor.Op{editor.Create{Path: "first"}}}
	first, err := ed.Apply(t.Context(), keyed)
	require.NoError(t, err)
	last := apply(t, ed, editor.Create{Path: "last"})
	_, err = ed.GC(t.Context())
	require.NoError(t, err)
	_, err = ed.Undo(t.Context(), first.ID)
	require.Equal(t, fail.NotFound, fail.KindOf(err))
	require.ErrorContains(t, err, "compacted away")
	again, err := ed.Apply(t.Context(), keyed)
	require.NoError(t, err)
	require.True(t, again.Already)
	_, err = ed.Undo(t.Context(), last)
	require.NoError(t, err)
	require.Contains(t, userTree(fs), "first")
}

// The base of a plan may be what the log remembers.
func TestDriftFindsTheBaseInTheLog(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte("a\nb\nc\nd\n"), 0o644))
	ed := openOn(t, fs, editor.WithOnDrift(editor.MergeDrift))
	made := userTree(fs)["f"]
	apply(t, ed, findEdit("f", "d", "D"))
	e := editor.Edit{Path: "f", Expect: editor.RawHash(hashing.Raw([]byte(made.Data))), Edits: []locator.Edit{{Start: 0, End: 1, Text: []byte("A")}}}
	res, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{e}})
	require.NoError(t, err)
	require.Equal(t, "merged", res.Files[0].Anchor)
	requireFile(t, fs, "f", "A\nb\nc\nD\n")
}
