package editor

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// prepareOn prepares ops for the workspace disk.
func prepareOn(t *testing.T, disk model, o prepareOptions, ops ...Op) (*prepared, error) {
	t.Helper()
	o.Creator.Umask = 0o022
	return prepare(t.Context(), disk.parents().tree(t), Plan{Ops: ops}, o)
}

// requireAfter prepares ops, publishes the changes and compares.
func requireAfter(t *testing.T, disk, want model, ops ...Op) *prepared {
	t.Helper()
	got, err := prepareOn(t, disk, prepareOptions{}, ops...)
	require.NoError(t, err)
	after := maps.Clone(disk)
	after.publish(t, got.changes)
	require.Equal(t, want.parents(), after)
	after.unpublish(t, got.changes, disk)
	require.Equal(t, disk, after)
	return got
}

func requireKind(t *testing.T, err error, kind fail.Kind, op, path string) *fail.Error {
	t.Helper()
	var e *fail.Error
	require.True(t, errors.As(err, &e), "want %s, got %v", kind, err)
	require.Equal(t, kind, e.Kind, "%v", err)
	require.Equal(t, op, e.Op, "%v", err)
	require.Equal(t, path, e.Path, "%v", err)
	require.Equal(t, fail.Unchanged, e.State)
	return e
}

// replaced is an edit of the first place of old in text.
func replaced(text, old, by string) locator.Edit {
	i := strings.Index(text, old)
	return locator.Edit{Start: i, End: i + len(old), Text: []byte(by), Old: []byte(old)}
}

func editOf(path string, e ...locator.Edit) Edit { return Edit{Path: path, Edits: e} }

// everyOp is one operation of each kind on path.
func everyOp(path string) []Op {
	return []Op{
		editOf(path, locator.Edit{Text: []byte("x")}), Write{Path: path}, Create{Path: path}, Delete{Path: path},
		Rename{From: path, To: "to"}, Rename{From: "f", To: path}, Chmod{Path: path, Mode: 0o600},
		Symlink{Path: path, Target: "t"}, Mkdir{Path: path}, Copy{From: "f", To: path}, Copy{From: path, To: "to"},
		Rewrite{Path: path, Func: func(b []byte) ([]byte, error) { return append(b, 'x'), nil }},
	}
}

// TestOperationsMeetEveryKind: one row an operation, one column what stands at
// its path.
func TestOperationsMeetEveryKind(t *testing.T) {
	const ok = fail.Kind("")
	disk := model{"f": file("text"), "file": file("text"), "dir/in": file("i"), "empty": dir(), "link": link("file"),
		"dangling": link("nowhere"), "todir": link("dir")}
	columns := []string{"absent", "file", "dir", "link", "dangling", "todir", "file/beneath", "absent/beneath"}
	nf, nr, ex, sr := fail.NotFound, fail.NotRegular, fail.Exists, fail.SymlinkRefused
	rows := []struct {
		name string
		want []fail.Kind
	}{
		{"edit", []fail.Kind{nf, ok, nr, ok, sr, nr, nf, nf}},
		{"write", []fail.Kind{ok, ok, nr, ok, sr, nr, nr, ok}},
		{"create", []fail.Kind{ok, ex, ex, ex, ex, ex, nr, ok}},
		{"delete", []fail.Kind{nf, ok, nr, ok, ok, ok, nf, nf}},
		{"rename from", []fail.Kind{nf, ok, ok, ok, ok, ok, nf, nf}},
		{"rename to", []fail.Kind{ok, ex, ex, ex, ex, ex, nr, ok}},
		{"chmod", []fail.Kind{nf, ok, ok, ok, sr, ok, nf, nf}},
		{"symlink", []fail.Kind{ok, ex, ex, ok, ok, ok, nr, ok}},
		{"mkdir", []fail.Kind{ok, ex, ok, ex, ex, ex, nr, ok}},
		{"copy to", []fail.Kind{ok, ex, ex, ex, ex, ex, nr, ok}},
		{"copy from", []fail.Kind{nf, ok, nr, ok, ok, ok, nf, nf}},
		{"rewrite", []fail.Kind{nf, ok, nr, ok, sr, nr, nf, nf}},
	}
	for i, row := range rows {
		for j, path := range columns {
			t.Run(row.name+" "+path, func(t *testing.T) {
				op := everyOp(path)[i]
				_, err := prepareOn(t, disk, prepareOptions{}, op)
				if row.want[j] == ok {
					require.NoError(t, err)
					return
				}
				requireKind(t, err, row.want[j], op.op(), path)
			})
		}
	}
}

// Lesson 43: paths with .., absolute paths and links left the root.
func TestLesson43PathsStayInside(t *testing.T) {
	disk := model{"f": file("text"), "d/f": file("x"), "out": link("../secret"), "up": link(".."), "abs": link("/etc/passwd"),
		"in/abs": link(root + "/d/f"), "loop": link("loop"), "pool": link("loop"), "git": link(".git/config"),
		"here": link("."), "deep/up": link("../../w/f"), "nested/.emend/x": file(""), "nested/f": file(""), "tonested": link("nested"),
		"dotdot": link("d/../f"), ".git/config": file("c"), "sub/.Git/x": file("")}
	hostile := map[string]fail.Kind{
		"": fail.PathEscape, "/etc/passwd": fail.PathEscape, "..": fail.PathEscape, "../x": fail.PathEscape, "d/../../x": fail.PathEscape,
		"d/../f": fail.PathEscape, ".": fail.PathEscape, "./": fail.PathEscape, "a\x00b": fail.PathEscape,
		".git": fail.PathEscape, ".git/config": fail.PathEscape, "sub/.Git/x": fail.PathEscape, ".emend/wal.log": fail.PathEscape,
		".EMEND": fail.PathEscape, "new/.git/hooks/post-commit": fail.PathEscape, "out/x": fail.PathEscape, "up/x": fail.PathEscape, "abs/x": fail.PathEscape,
		"loop/x": fail.SymlinkRefused, "pool/x": fail.SymlinkRefused, "git/x": fail.PathEscape, "nested/f": fail.PathEscape,
		"nested/new": fail.PathEscape, "tonested/f": fail.PathEscape,
	}
	for path, kind := range hostile {
		for i, op := range everyOp(path) {
			_, err := prepareOn(t, disk, prepareOptions{}, op)
			require.Error(t, err, "%q %d", path, i)
			requireKind(t, err, kind, op.op(), path)
		}
	}
	for _, path := range []string{"out", "up", "abs", "loop", "git", "deep/up", "here"} {
		for _, op := range []Op{editOf(path, locator.Edit{}), Write{Path: path}, Chmod{Path: path, Mode: 0o600}} {
			_, err := prepareOn(t, disk, prepareOptions{}, op)
			require.Contains(t, []fail.Kind{fail.PathEscape, fail.SymlinkRefused}, fail.KindOf(err), "%s %v", path, err)
		}
		_, err := prepareOn(t, disk, prepareOptions{}, Delete{Path: path})
		require.NoError(t, err, "deleting a link does not follow it")
	}
	_, err := prepareOn(t, disk, prepareOptions{}, Rename{From: "nested", To: "elsewhere"})
	requireKind(t, err, fail.PathEscape, "rename", "nested")
	for _, path := range []string{"in/abs", "dotdot", "here/f", "here/here/d/f", "./f", "d//f", "d/./f", "d/f/"} {
		got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: path, Content: []byte("new")})
		require.NoError(t, err, path)
		require.Len(t, got.changes, 1)
		require.Contains(t, []string{"f", "d/f"}, got.changes[0].Path)
	}
}

// Lesson 2: a symlink was replaced by a regular file.
func TestLesson2LinksAreFollowed(t *testing.T) {
	disk := model{"real/f": file("one two"), "a": link("b"), "b": link("real/f"), "dir": link("real")}
	want := maps.Clone(disk.parents())
	want["real/f"] = file("1 2")
	requireAfter(t, disk, want, editOf("a", replaced("one two", "one", "1")), editOf("dir/f", locator.Edit{Find: []byte("two"), Text: []byte("2")}))
}

// Lesson 15: two spellings of one file passed as different files.
func TestLesson15OneFileByManyNames(t *testing.T) {
	disk := model{"d/f": file("abc"), "l": link("d/f"), "e": link("d")}
	want := maps.Clone(disk.parents())
	want["d/f"] = entry{vfs.Regular, "123", 0o600}
	got := requireAfter(t, disk, want,
		editOf("d/f", replaced("abc", "a", "1")), editOf("d/./f", replaced("1bc", "b", "2")),
		editOf("e/f", replaced("12c", "c", "3")), Chmod{Path: "l", Mode: 0o600})
	require.Len(t, got.files, 1)
	require.Equal(t, 3, got.files[0].Edits)
}

// Lesson 16: two inserts at one position came out reversed; an insert and a
// replacement at one start were legal or not depending on their order.
func TestLesson16InsertsAtOnePositionKeepOrder(t *testing.T) {
	insert := func(s string) locator.Edit { return locator.Edit{Start: 1, End: 1, Text: []byte(s)} }
	replace := locator.Edit{Start: 1, End: 2, Text: []byte("B")}
	for _, edits := range [][]locator.Edit{{insert("1"), insert("2"), replace}, {replace, insert("1"), insert("2")}} {
		requireAfter(t, model{"f": file("abc")}, model{"f": file("a12Bc")}, editOf("f", edits...))
	}
}

// Lesson 39: overlapping edits were both applied.
func TestLesson39OverlapIsAConflict(t *testing.T) {
	_, err := prepareOn(t, model{"f": file("abcdef")}, prepareOptions{},
		editOf("f", locator.Edit{Start: 0, End: 3, Text: []byte("x")}, locator.Edit{Start: 2, End: 4, Text: []byte("y")}))
	requireKind(t, err, fail.Conflict, "edit", "f")
}

// Lesson 17: hard links were broken silently.
func TestLesson17HardLinks(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(top, "a"), []byte("text"), 0o644))
	require.NoError(t, os.Link(filepath.Join(top, "a"), filepath.Join(top, "b")))
	tree, err := apply.OpenTree(vfs.OS(), top)
	require.NoError(t, err)
	defer tree.Close()
	for _, op := range []Op{Write{Path: "a", Content: []byte("new")}, Chmod{Path: "b", Mode: 0o600}} {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{op}}, prepareOptions{})
		require.Equal(t, fail.IdentityLost, fail.KindOf(err))
	}
	for _, op := range []Op{Delete{Path: "a"}, Rename{From: "a", To: "c"}, Write{Path: "a", Content: []byte("text")}} {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{op}}, prepareOptions{})
		require.NoError(t, err)
	}
}

// Lessons 35 and 36: the first of several files was changed when the second
// failed. Nothing is, and the error names what failed.
func TestLesson35And36NothingOfAPlanThatFails(t *testing.T) {
	disk := model{"a": file("aa"), "b": file("bb")}
	got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: "a"}, editOf("b", replaced("bb", "b", "c")), Rename{From: "c", To: "d"})
	requireKind(t, err, fail.NotFound, "rename", "c")
	require.Nil(t, got)
}

// Lesson 41: a file that the edit did not change was written anyway.
func TestLesson41WhatDoesNotChangeIsNoChange(t *testing.T) {
	disk := model{"f": file("text"), "x": file("same"), "y": file("same"), "d/e": file("e"), "l": link("f"), "sh": {vfs.Regular, "", 0o755}}
	for name, ops := range map[string][]Op{
		"no operations":     {},
		"same content":      {Write{Path: "f", Content: []byte("text")}},
		"text over itself":  {editOf("f", replaced("text", "ex", "ex"))},
		"no edits":          {editOf("f")},
		"there and back":    {editOf("f", replaced("text", "ex", "xe")), editOf("f", replaced("txet", "xe", "ex"))},
		"mode as it is":     {Chmod{Path: "f", Mode: 0o644}, Chmod{Path: "sh", Mode: SetExec}, Chmod{Path: "f", Mode: ClearExec}},
		"made and deleted":  {Create{Path: "new/f"}, Write{Path: "new/f", Content: []byte("x")}, Delete{Path: "new/f"}},
		"renamed and back":  {Rename{From: "f", To: "g"}, Rename{From: "g", To: "f"}},
		"directory back":    {Rename{From: "d", To: "g"}, Rename{From: "g", To: "d"}},
		"onto itself":       {Rename{From: "f", To: "./f"}},
		"swap of equals":    {Rename{From: "x", To: "t"}, Rename{From: "y", To: "x"}, Rename{From: "t", To: "y"}},
		"link as it is":     {Symlink{Path: "l", Target: "f"}},
		"directory is made": {Mkdir{Path: "d"}},
		"same file again":   {Delete{Path: "f"}, Create{Path: "f", Content: []byte("text")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := prepareOn(t, disk, prepareOptions{}, ops...)
			require.NoError(t, err)
			require.Empty(t, got.changes)
			require.Empty(t, got.files)
		})
	}
}

func TestRenames(t *testing.T) {
	disk := func() model {
		return model{"a": file("A"), "b": file("B"), "c": file("C"), "d/f": file("F"), "d/e/g": file("G")}.parents()
	}
	swap := disk()
	swap["a"], swap["b"] = swap["b"], swap["a"]
	requireAfter(t, disk(), swap, Rename{From: "a", To: "t/t"}, Rename{From: "b", To: "a"}, Rename{From: "t/t", To: "b"})

	cycle := disk()
	cycle["b"], cycle["c"], cycle["a"] = cycle["a"], cycle["b"], cycle["c"]
	got := requireAfter(t, disk(), cycle, Rename{From: "c", To: "t"}, Rename{From: "b", To: "c"}, Rename{From: "a", To: "b"}, Rename{From: "t", To: "a"})
	for _, c := range got.changes {
		require.Equal(t, sourceLink, c.source)
		require.False(t, c.HasBefore || c.HasAfter, "neither image of %s is lost", c.Path)
	}

	chain := disk()
	chain["n/x"] = file("A!")
	delete(chain, "a")
	got = requireAfter(t, disk(), chain, Rename{From: "a", To: "m"}, editOf("m", locator.Edit{Start: 1, End: 1, Text: []byte("!")}), Rename{From: "m", To: "n/x"})
	require.Equal(t, []FileReport{{Path: "n/x", From: "a", Op: "rename", After: hashing.Raw([]byte("A!")).String(), Edits: 1, Anchor: "none"}}, got.files)

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
	got, err := prepareOn(t, model{"a": file("A")}, prepareOptions{}, Rename{From: "a", To: "b"}, Chmod{Path: "b", Mode: 0o600})
	require.NoError(t, err)
	b := got.changes[0]
	require.Equal(t, "b", b.Path)
	require.Equal(t, sourceSplice, b.source)
	require.Empty(t, b.spans)
	require.True(t, b.HasAfter)
	require.Equal(t, -1, b.LinkOf)
	require.True(t, got.changes[1].HasBefore)
	require.Equal(t, "0600", got.files[0].Mode)
}

func TestPruneDirs(t *testing.T) {
	disk := model{"a/b/c/f": file("f"), "a/b/g": file("g"), "k/f": file("f"), "k/other": dir(), "top": file("t")}.parents()
	plan := Plan{PruneDirs: true, Ops: []Op{Delete{Path: "a/b/c/f"}, Rename{From: "a/b/g", To: "g"}, Delete{Path: "k/f"}, Delete{Path: "top"}}}
	got, err := prepare(t.Context(), disk.tree(t), plan, prepareOptions{})
	require.NoError(t, err)
	after := maps.Clone(disk)
	after.publish(t, got.changes)
	require.Equal(t, model{"g": file("g"), "k": dir(), "k/other": dir()}, after)
	require.Len(t, got.files, 4, "directories that go are not listed")

	becomes := Plan{PruneDirs: true, Ops: []Op{Delete{Path: "a/b/c/f"}, Delete{Path: "a/b/g"}, Create{Path: "a", Content: []byte("now a file")}}}
	got, err = prepare(t.Context(), disk.tree(t), becomes, prepareOptions{})
	require.NoError(t, err)
	last := got.changes[len(got.changes)-1]
	require.Equal(t, "a", last.Path, "a directory becomes a file after all beneath it has gone")
	require.Equal(t, vfs.Directory, last.Before.Kind)
}

func TestReadOnlyFiles(t *testing.T) {
	disk := model{"f": {vfs.Regular, "text", 0o444}}
	for _, op := range []Op{Write{Path: "f"}, editOf("f", locator.Edit{Text: []byte("x")})} {
		_, err := prepareOn(t, disk, prepareOptions{}, op)
		requireKind(t, err, fail.ReadOnly, op.op(), "f")
		got, err := prepareOn(t, disk, prepareOptions{ForceReadOnly: true}, op)
		require.NoError(t, err)
		require.EqualValues(t, 0o444, got.changes[0].After.Meta.Mode)
		_, err = prepareOn(t, disk, prepareOptions{}, Chmod{Path: "f", Mode: 0o644}, op)
		require.NoError(t, err)
	}
	for _, op := range []Op{Write{Path: "f", Content: []byte("text")}, Delete{Path: "f"}, Rename{From: "f", To: "g"}, Chmod{Path: "f", Mode: 0o600}} {
		_, err := prepareOn(t, disk, prepareOptions{}, op)
		require.NoError(t, err)
	}
}

// Lesson 20: a restored file lost its mode. The log gets it with the deletion.
func TestLesson20ADeletedFileKeepsItsModeInTheLog(t *testing.T) {
	got, err := prepareOn(t, model{"f": {vfs.Regular, "text", 0o751}}, prepareOptions{}, Delete{Path: "f"})
	require.NoError(t, err)
	require.EqualValues(t, 0o751, got.changes[0].Before.Meta.Mode)
	require.True(t, got.changes[0].HasBefore)
}

func TestPipesAndDevicesAreNotRegular(t *testing.T) {
	top := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(top, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(top, "f"), nil, 0o600))
	tree, err := apply.OpenTree(vfs.OS(), top)
	require.NoError(t, err)
	defer tree.Close()
	for _, op := range everyOp("pipe") {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{op}}, prepareOptions{})
		require.Contains(t, []fail.Kind{fail.NotRegular, fail.Exists}, fail.KindOf(err), "%T %v", op, err)
	}
	_, err = prepare(t.Context(), tree, Plan{Ops: []Op{Rename{From: "f", To: "pipe", Overwrite: true}}}, prepareOptions{})
	require.Equal(t, fail.Exists, fail.KindOf(err))
}

func TestCopyTakesWhatStoodBeforeThePlan(t *testing.T) {
	disk := model{"a": {vfs.Regular, "old", 0o755}, "l": link("a")}
	want := model{"b": {vfs.Regular, "old", 0o755}, "a": {vfs.Regular, "new", 0o755}, "l": link("a"), "l2": link("a"), "c": {vfs.Regular, "Old", 0o755}}
	requireAfter(t, disk, want, Write{Path: "a", Content: []byte("new")}, Copy{From: "a", To: "b"}, Copy{From: "l", To: "l2"},
		Copy{From: "a", To: "c"}, editOf("c", replaced("old", "o", "O")))
}

func TestPathBlockedAndOptions(t *testing.T) {
	disk := model{"a": file("A"), "b": file("B")}
	blockedPath := func(path string) error {
		if path == "b" {
			return fail.New(fail.PendingRecovery, "", "", "parked")
		}
		return nil
	}
	_, err := prepareOn(t, disk, prepareOptions{PathBlocked: blockedPath}, Write{Path: "a"})
	require.NoError(t, err)
	_, err = prepareOn(t, disk, prepareOptions{PathBlocked: blockedPath}, Write{Path: "a"}, Write{Path: "b"})
	require.Equal(t, fail.PendingRecovery, fail.KindOf(err))
	_, err = prepare(t.Context(), disk.tree(t), Plan{Key: strings.Repeat("k", 257)}, prepareOptions{})
	require.Equal(t, fail.Usage, fail.KindOf(err))
	_, err = prepareOn(t, disk, prepareOptions{}, nil)
	require.Equal(t, fail.Usage, fail.KindOf(err))
}

func TestReportOfEveryOperation(t *testing.T) {
	disk := model{"e": file("one"), "w": file("w"), "d": file("d"), "r": file("r"), "m": file("m"), "l": link("x"), "bytes\xff": file("b")}
	got, err := prepareOn(t, disk, prepareOptions{},
		Rename{From: "r", To: "new/r"}, editOf("e", replaced("one", "n", "N")), Write{Path: "w", Expect: RawHash(hashing.Raw([]byte("w")))},
		Create{Path: "c/c"}, Delete{Path: "d"}, Chmod{Path: "m", Mode: 0o4755}, Symlink{Path: "l", Target: "y"}, Mkdir{Path: "n/n"},
		Write{Path: "bytes\xff"}, Chmod{Path: "new/r", Mode: 0o600})
	require.NoError(t, err)
	h := func(s string) string { return hashing.Raw([]byte(s)).String() }
	require.Equal(t, []FileReport{
		{Path: "new/r", From: "r", Op: "rename", After: h("r"), Mode: "0600"},
		{Path: "e", Op: "edit", Before: h("one"), After: h("oNe"), Edits: 1, Anchor: "old"},
		{Path: "w", Op: "write", Before: h("w"), After: h(""), Anchor: "hash"},
		{Path: "c/c", Op: "create", After: h("")},
		{Path: "d", Op: "delete", Before: h("d"), Anchor: "none"},
		{Path: "m", Op: "chmod", Before: h("m"), After: h("m"), Mode: "4755"},
		{Path: "l", Op: "symlink", Before: "link:x", After: "link:y", Anchor: "none"},
		{Path: "n/n", Op: "mkdir", After: "dir"},
		{Path: "bytes\xff", Op: "write", Before: h("b"), After: h(""), Anchor: "none"},
	}, got.files)
	js, err := got.files[8].MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"path_base64":"Ynl0ZXP/","op":"write","before":"`+h("b")+`","after":"`+h("")+`","edits":0,"shifted":0,"anchor":"none"}`, string(js))
	js, err = got.files[0].MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"path":"new/r","from":"r","op":"rename","before":null,"after":"`+h("r")+`","mode":"0600","edits":0,"shifted":0}`, string(js))
}

// The digest tells plans apart in every field, and calls equal plans equal.
func TestPlanDigest(t *testing.T) {
	d := hashing.Raw(nil)
	plans := []Plan{{}, {PruneDirs: true}, {Ops: []Op{Mkdir{"a"}}}, {Ops: []Op{Mkdir{"ab"}}}, {Ops: []Op{Mkdir{"a"}, Mkdir{"b"}}}}
	for _, op := range []Op{
		editOf("a"), Edit{Path: "a", Base: []byte{}}, editOf("a", locator.Edit{}), editOf("a", locator.Edit{End: 1}), editOf("a", locator.Edit{Start: 1}),
		editOf("a", locator.Edit{Text: []byte("x")}), editOf("a", locator.Edit{Old: []byte{}}), editOf("a", locator.Edit{Find: []byte{}}),
		editOf("a", locator.Edit{All: true}), editOf("a", locator.Edit{Lines: &locator.Lines{}}), editOf("a", locator.Edit{Range: &locator.Range{}}),
		editOf("a", locator.Edit{AtEOF: true}), editOf("a", locator.Edit{Range: &locator.Range{Clamp: true}}),
		Edit{Path: "a", Expect: Expect{Raw: &d}}, Edit{Path: "a", Expect: Expect{Norm: &d}}, Edit{Path: "a", Expect: Expect{GitBlob: d[:]}},
		Write{Path: "a"}, Write{Path: "a", Mode: ExactMode}, Create{Path: "a"}, Delete{Path: "a"}, Chmod{Path: "a"},
		Rename{From: "a", To: "b"}, Rename{From: "ab"}, Rename{From: "a", To: "b", Overwrite: true}, Copy{From: "a", To: "b"},
		Symlink{Path: "a"}, Symlink{Path: "a", New: true}, Rewrite{Path: "a"}, Rewrite{Path: "a", Source: []byte("s")},
	} {
		plans = append(plans, Plan{Ops: []Op{op}})
	}
	seen := make(map[hashing.Digest]int)
	for i, p := range plans {
		other, dup := seen[p.digest()]
		require.False(t, dup, "%v and %v", p, plans[other])
		seen[p.digest()] = i
	}
	require.Equal(t, Plan{Key: "k", Label: "l"}.digest(), Plan{}.digest())
}

func TestNewFilesTakeWhatTheirDirectoryGives(t *testing.T) {
	disk := model{"d": {vfs.Directory, "", 0o2775}}
	got, err := prepareOn(t, disk, prepareOptions{}, Create{Path: "d/sub/f", Mode: Executable}, Create{Path: "d/g"},
		Create{Path: "d/h", Mode: 0o600}, Create{Path: "d/zero", Mode: ExactMode}, Write{Path: "w", Mode: 0o640})
	require.NoError(t, err)
	modes := make(map[string]uint32)
	for _, c := range got.changes {
		modes[c.Path] = c.After.Meta.Mode
	}
	require.Equal(t, map[string]uint32{"d/sub": 0o2755, "d/sub/f": 0o755, "d/g": 0o644, "d/h": 0o600, "d/zero": 0, "w": 0o640}, modes)
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

func TestLargeBeforeImagesAreNotLoggedForEdits(t *testing.T) {
	big := strings.Repeat("x", imageLimit+1)
	got, err := prepareOn(t, model{"f": file(big), "g": file(big), "h": file(big[:imageLimit])}, prepareOptions{},
		editOf("f", locator.Edit{Text: []byte("y")}), Write{Path: "g"}, editOf("h", locator.Edit{Text: []byte("y")}))
	require.NoError(t, err)
	flags := func(c change) []bool { return []bool{c.HasBefore, c.HasAfter, len(c.Edits) > 0} }
	require.Equal(t, []bool{false, false, true}, flags(got.changes[0]))
	require.Equal(t, []bool{true, true, false}, flags(got.changes[1]))
	require.Equal(t, []bool{true, false, true}, flags(got.changes[2]))
	require.Equal(t, []wal.Replacement{{Old: got.changes[0].Edits[0].Old, New: []byte("y")}}, got.changes[0].Edits)
	require.True(t, slices.IsSortedFunc(got.changes, func(a, b change) int { return a.N - b.N }))
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

// Lesson 14: paths in the log were relative to the process.
func TestLesson14PathsAreRelativeToTheRoot(t *testing.T) {
	disk := model{"d/f": file("x"), "l": link(root + "/d")}
	t.Chdir(t.TempDir())
	got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: "l/f"})
	require.NoError(t, err)
	require.Equal(t, "d/f", got.changes[0].Path)
}

// A large file is edited by byte ranges as a small one is, without being held.
func TestLargeFiles(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", largeSize/16) + "end"
	disk := model{"f": file(text)}
	tree := disk.tree(t)
	raw := hashing.Raw([]byte(text))
	edits := []locator.Edit{{Start: len(text) - 3, End: len(text), Text: []byte("END"), Old: []byte("end")}, {Start: 0, End: 1, Text: []byte("zero")}}
	want := hashing.Raw([]byte("zero" + text[1:len(text)-3] + "END"))
	for anchor, e := range map[string]Edit{
		"hash": {Path: "f", Expect: RawHash(raw), Edits: edits}, "none": {Path: "f", Edits: edits}, "old": {Path: "f", Edits: edits[:1]},
	} {
		p := &preparer{virtual: newVirtual(tree, false, apply.Creator{}), ops: []Op{e}}
		n, err := p.file("f")
		require.NoError(t, err)
		done, err := p.editLarge(n, e)
		require.NoError(t, err)
		require.True(t, done)
		require.EqualValues(t, anchor, n.anchor)
		require.Len(t, n.body.edits, len(e.Edits))
		if len(e.Edits) == 2 {
			require.Equal(t, want, n.is.Hash)
			require.Equal(t, wal.Replacement{Start: int64(len(text) - 3), Old: []byte("end"), New: []byte("END")}, n.body.edits[1])
		}
	}
	for _, e := range []Edit{
		{Path: "f", Expect: RawHash(want), Edits: edits},
		{Path: "f", Edits: []locator.Edit{{Start: 1, End: 2, Old: []byte("x")}}},
	} {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{e}}, prepareOptions{})
		require.Equal(t, fail.Drift, fail.KindOf(err))
	}
}
