package editor

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

func TestRenames(t *testing.T) {
	disk := func() model {
		return model{"a": file("A"), "b": file("B"), "c": file("C"), "d/f": file("F"), "d/e/g": file("G")}.parents()
	}
	swap := disk()
	swap["a"], swap["b"] = swap["b"], swap["a"]
	requireAfter(t, disk(), swap, Rename{From: "a", To: "t/t"}, Rename{From: "b", To: "a"}, Rename{From: "t/t", To: "b"})

	cycle := disk()
	cycle["b"], cycle["c"], cycle["a"] = cycle["a"], cycle["b"], cycle["c"]
	got := requireAfter(t, disk(), cycle, Rename{From: "c", To: "t"}, Rename{From: "b", To: "c"}, Rename{From: "a",
		To: "b"}, Rename{From: "t", To: "a"})
	for _, c := range got.changes {
		require.Equal(t, sourceLink, c.source)
		require.False(t, c.HasBefore || c.HasAfter, "neither image of %s is lost", c.Path)
	}

	chain := disk()
	chain["n/x"] = file("A!")
	delete(chain, "a")
	got = requireAfter(t, disk(), chain, Rename{From: "a", To: "m"}, editOf("m", locator.Edit{Start: 1, End: 1,
		Text: []byte("!")}), Rename{From: "m", To: "n/x"})
	require.Equal(t,
		[]FileReport{{Path: "n/x", From: "a", Op: "rename", Before: hashing.Raw([]byte("A")).String(),
			After: hashing.Raw([]byte("A!")).String(), Edits: 1,
			Anchor: "none"}}, withoutPerm(got.files))

	moved := disk()
	delete(moved, "d/f")
	delete(moved, "d/e/g")
	delete(moved, "d/e")
	delete(moved, "d")
	moved["x/y/f"], moved["x/y/e/h"], moved["x/y/a"] = file("f"), file("G"), file("A")
	delete(moved, "a")
	got = requireAfter(t, disk(), moved, Rename{From: "d", To: "x/y"}, Write{Path: "x/y/f", Content: []byte("f")},
		Rename{From: "x/y/e/g", To: "x/y/e/h"}, Rename{From: "a", To: "x/y/a"})
	require.Equal(t, []string{"x", "x/y"}, []string{got.changes[0].Path, got.changes[1].Path})
	require.Equal(t, "d", got.changes[1].DirFrom)

	for _, ops := range [][]Op{
		{Rename{From: "d", To: "x"}, Mkdir{Path: "d"}},
		{Delete{Path: "a"}, Rename{From: "d", To: "a"}},
		{Rename{From: "d", To: "x"}, Rename{From: "x/e", To: "x/f2"}},
		{Rename{From: "d", To: "x"}, Chmod{Path: "x", Mode: 0o700}},
	} {
		_, err := prepareOn(t, disk(), prepareOptions{}, ops...)
		require.Equal(t, fail.Unsupported, fail.KindOf(err), "%v", err)
	}
	_, err := prepareOn(t, disk(), prepareOptions{}, Rename{From: "d", To: "d/e/x"})
	requireKind(t, err, fail.Conflict, "rename", "d/e/x")
}

func TestRenameAndChmodLeavesTheOldInodeAlone(t *testing.T) {
	got, err := prepareOn(t, model{"a": file("A")}, prepareOptions{}, Rename{From: "a", To: "b"}, Chmod{Path: "b",
		Mode: 0o600})
	require.NoError(t, err)
	b := got.changes[0]
	require.Equal(t, "b", b.Path)
	require.Equal(t, sourceSplice, b.source)
	require.Empty(t, b.edits)
	require.True(t, b.HasAfter)
	require.Equal(t, -1, b.LinkOf)
	require.True(t, got.changes[1].HasBefore)
	require.Equal(t, "0600", got.files[0].Mode)
}

func TestPruneDirs(t *testing.T) {
	disk := model{"a/b/c/f": file("f"), "a/b/g": file("g"), "k/f": file("f"), "k/other": dir(),
		"top": file("t")}.parents()
	plan := Plan{PruneDirs: true, Ops: []Op{Delete{Path: "a/b/c/f"}, Rename{From: "a/b/g", To: "g"},
		Delete{Path: "k/f"}, Delete{Path: "top"}}}
	got, err := prepare(t.Context(), disk.tree(t), plan, prepareOptions{})
	require.NoError(t, err)
	after := maps.Clone(disk)
	after.publish(t, got.changes)
	require.Equal(t, model{"g": file("g"), "k": dir(), "k/other": dir()}, after)
	require.Len(t, got.files, 4, "directories that go are not listed")

	becomes := Plan{PruneDirs: true, Ops: []Op{Delete{Path: "a/b/c/f"}, Delete{Path: "a/b/g"}, Create{Path: "a",
		Content: []byte("now a file")}}}
	got, err = prepare(t.Context(), disk.tree(t), becomes, prepareOptions{})
	require.NoError(t, err)
	last := got.changes[len(got.changes)-1]
	require.Equal(t, "a", last.Path, "a directory becomes a file after all beneath it has gone")
	require.Equal(t, vfs.Directory, last.Before.Kind)
}

func TestCopyTakesWhatStandsThere(t *testing.T) {
	disk := model{"a": {vfs.Regular, "old", 0o755}, "l": link("a")}
	want := model{"a": {vfs.Regular, "older", 0o755}, "b": {vfs.Regular, "old", 0o755}, "l": link("b"), "l2": link("a"),
		"c": {vfs.Regular, "Older", 0o755}, "n": {vfs.Regular, "new", 0o600}, "m": {vfs.Regular, "new", 0o600}}
	requireAfter(t, disk, want, Copy{From: "a", To: "b"}, Copy{From: "l", To: "l2"}, Symlink{Path: "l", Target: "b"},
		editOf("a", replaced("old", "d", "der")), Copy{From: "a", To: "c"}, editOf("c", replaced("older", "o", "O")),
		Create{Path: "n", Content: []byte("new"), Mode: 0o600}, Copy{From: "n", To: "m"})
}

// Lesson 13: rolled-back creates left the directories that they had made. Each
// is a step of its own.
func TestLesson13MadeDirectoriesAreSteps(t *testing.T) {
	got, err := prepareOn(t, model{"a": dir()}, prepareOptions{}, Create{Path: "a/b/c/f"})
	require.NoError(t, err)
	require.Len(t, got.changes, 3)
	for i, path := range []string{"a/b", "a/b/c", "a/b/c/f"} {
		require.Equal(t, path, got.changes[i].Path)
		require.Equal(t, vfs.Absent, got.changes[i].Before.Kind)
	}
	require.Equal(t, wal.StepNone, got.changes[1].Op)
}

func TestDirectoriesOpenFirstAndShutLast(t *testing.T) {
	disk := model{"shut": {vfs.Directory, "", 0o555}, "open": dir(), "open/f": file("f")}
	got, err := prepareOn(t, disk, prepareOptions{}, Chmod{Path: "open", Mode: 0o555}, Write{Path: "open/f"},
		Create{Path: "shut/new"}, Chmod{Path: "shut", Mode: 0o755})
	require.NoError(t, err)
	var order []string
	for _, c := range got.changes {
		order = append(order, c.Path)
	}
	require.Equal(t, []string{"shut", "open/f", "shut/new", "open"}, order)
}
