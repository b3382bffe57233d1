package editor

import (
	"errors"
	"maps"
	"slices"
	"strings"
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

// Lessons 35 and 36: the first of several files was changed when the second
// failed. Nothing is, and the error names what failed.
func TestLesson35And36NothingOfAPlanThatFails(t *testing.T) {
	disk := model{"a": file("aa"), "b": file("bb")}
	got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: "a"}, editOf("b", replaced("bb", "b", "c")),
		Rename{From: "c", To: "d"})
	requireKind(t, err, fail.NotFound, "rename", "c")
	require.Nil(t, got)
}

// Lesson 41: a file that the edit did not change was written anyway.
func TestLesson41WhatDoesNotChangeIsNoChange(t *testing.T) {
	disk := model{"f": file("text"), "x": file("same"), "y": file("same"), "d/e": file("e"), "l": link("f"),
		"sh": {vfs.Regular, "", 0o755}}
	for name, ops := range map[string][]Op{
		"no operations":    {},
		"same content":     {Write{Path: "f", Content: []byte("text")}},
		"text over itself": {editOf("f", replaced("text", "ex", "ex"))},
		"no edits":         {editOf("f")},
		"there and back":   {editOf("f", replaced("text", "ex", "xe")), editOf("f", replaced("txet", "xe", "ex"))},
		"mode as it is": {Chmod{Path: "f", Mode: 0o644}, Chmod{Path: "sh", Mode: SetExec}, Chmod{Path: "f",
			Mode: ClearExec}},
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
	for _, op := range []Op{Write{Path: "f", Content: []byte("text")}, Delete{Path: "f"}, Rename{From: "f",
		To: "g"}, Chmod{Path: "f", Mode: 0o600}} {
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

func TestNewFilesTakeWhatTheirDirectoryGives(t *testing.T) {
	disk := model{"d": {vfs.Directory, "", 0o2775}}
	got, err := prepareOn(t, disk, prepareOptions{}, Create{Path: "d/sub/f", Mode: Executable}, Create{Path: "d/g"},
		Create{Path: "d/h", Mode: 0o600}, Create{Path: "d/zero", Mode: ExactMode}, Write{Path: "w", Mode: 0o640})
	require.NoError(t, err)
	modes := make(map[string]uint32)
	for _, c := range got.changes {
		modes[c.Path] = c.After.Meta.Mode
	}
	require.Equal(t, map[string]uint32{"d/sub": 0o2755, "d/sub/f": 0o755, "d/g": 0o644, "d/h": 0o600, "d/zero": 0,
		"w": 0o640}, modes)
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

// A large file is edited by byte ranges as a small one is, without being held.
func TestLargeFiles(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", largeSize/16) + "end"
	disk := model{"f": file(text)}
	tree := disk.tree(t)
	raw := hashing.Raw([]byte(text))
	edits := []locator.Edit{{Start: len(text) - 3, End: len(text), Text: []byte("END"), Old: []byte("end")},
		{Start: 0, End: 1, Text: []byte("zero")}}
	want := hashing.Raw([]byte("zero" + text[1:len(text)-3] + "END"))
	for anchor, e := range map[string]Edit{
		"hash": {Path: "f", Expect: RawHash(raw), Edits: edits}, "none": {Path: "f", Edits: edits}, "old": {Path: "f",
			Edits: edits[:1]},
	} {
		p := &preparer{virtual: newVirtual(tree, false, apply.Creator{})}
		n, err := p.file("f")
		require.NoError(t, err)
		done, err := p.editLarge(n, e)
		require.NoError(t, err)
		require.True(t, done)
		require.EqualValues(t, anchor, n.anchor)
		require.Len(t, n.body.edits, len(e.Edits))
		if len(e.Edits) == 2 {
			require.Equal(t, want, n.is.Hash)
			require.Equal(t, wal.Replacement{Start: int64(len(text) - 3), Old: []byte("end"), New: []byte("END")},
				n.body.edits[1])
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
