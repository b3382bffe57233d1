package editor

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// expecting is an edit that was made for text, with its raw and normalized
// hash.
func expecting(text string, e ...locator.Edit) Edit {
	raw, norm := hashing.Raw([]byte(text)), hashing.Norm([]byte(text))
	return Edit{Path: "f", Expect: Expect{Raw: &raw, Norm: &norm}, Edits: e}
}

// bare is e without its old text.
func bare(e locator.Edit) locator.Edit {
	e.Old = nil
	return e
}

func TestDriftLadder(t *testing.T) {
	const base = "one\ntwo\nthree\nfour\n"
	crlf := strings.ReplaceAll(base, "\n", "\r\n")
	two := replaced(base, "two", "2")
	withBase := func(e Edit, text string) Edit {
		e.Base = []byte(text)
		return e
	}
	normOnly := func(e Edit) Edit {
		e.Expect.Raw = nil
		return e
	}
	for _, test := range []struct {
		name   string
		file   string
		edit   Edit
		policy DriftPolicy
		known  string // what the log remembers

		want    string
		anchor  string
		shifted int
		kind    fail.Kind
	}{
		{name: "raw hash", file: base, edit: expecting(base, bare(two)), want: "one\n2\nthree\nfour\n", anchor: "hash"},
		{name: "base alone is an expectation", file: base, edit: withBase(editOf("f", bare(two)), base),
			want: "one\n2\nthree\nfour\n", anchor: "hash"},
		{name: "base alone, drifted", file: "0\n" + base, edit: withBase(editOf("f", bare(two)), base), kind: fail.Drift},
		{name: "base of another text", file: base, edit: withBase(expecting(base, two), "other"), kind: fail.Usage},

		{name: "norm of a normal form", file: "\uFEFF" + crlf, edit: expecting(base, bare(two)),
			want: "\uFEFFone\r\n2\r\nthree\r\nfour\r\n", anchor: "norm"},
		{name: "norm with the plan's base",
			file: base, edit: withBase(expecting(crlf, bare(replaced(crlf, "two\r\n", ""))),
				crlf), want: "one\nthree\nfour\n", anchor: "norm"},
		{name: "norm with the log's base", file: base, known: crlf, edit: expecting(crlf,
			bare(replaced(crlf, "two", "2"))), want: "one\n2\nthree\nfour\n", anchor: "norm"},
		{name: "norm, base unknown", file: base, edit: expecting(crlf, bare(replaced(crlf, "two", "2"))), kind: fail.Drift},
		{name: "norm, old in place but base unknown", file: base, edit: expecting(crlf, two), kind: fail.Drift},
		{name: "norm, inside what was dropped",
			file: base, edit: withBase(expecting("one \t\n", locator.Edit{Start: 4, End: 4, Text: []byte("x")}),
				"one \t\n"), kind: fail.Drift},
		{name: "norm, nothing but white space",
			file: "one  \n", edit: withBase(expecting("one \n", locator.Edit{Start: 3, End: 4}), "one \n"), kind: fail.Drift},
		{name: "norm alone, held by old", file: crlf, edit: normOnly(expecting(base, replaced(crlf, "two", "2"))),
			want: "one\r\n2\r\nthree\r\nfour\r\n", anchor: "norm"},
		{name: "norm alone, held by find",
			file: crlf, edit: normOnly(expecting(base, locator.Edit{Find: []byte("two"),
				Text: []byte("2")})), want: "one\r\n2\r\nthree\r\nfour\r\n", anchor: "norm"},
		{name: "norm alone, held by nothing", file: base, edit: normOnly(expecting(base, bare(two))), kind: fail.Drift},

		{name: "relocate", file: "zero\n" + base, policy: RelocateDrift, edit: expecting(base, two),
			want: "zero\none\n2\nthree\nfour\n", anchor: "moved", shifted: 1},
		{name: "relocate what did not move", file: base + "five\n", policy: RelocateDrift, edit: expecting(base, two),
			want: "one\n2\nthree\nfour\nfive\n", anchor: "old"},
		{name: "relocate without old", file: "zero\n" + base, policy: RelocateDrift, edit: expecting(base, bare(two)),
			kind: fail.Drift},
		{name: "relocate what is gone", file: "zero\n", policy: RelocateDrift, edit: expecting(base, two),
			kind: fail.Drift},
		{name: "relocate what stands twice", file: "two\n" + base, policy: RelocateDrift, edit: expecting(base, two),
			kind: fail.Ambiguous},
		{name: "relocate two, one moved", file: "one\ntwo\nthree\nextra\nfour\n", policy: RelocateDrift,
			edit: expecting(base,
				two, replaced(base, "four", "4")), want: "one\n2\nthree\nextra\n4\n", anchor: "moved", shifted: 1},
		{name: "relocate is not merge", file: "zero\n" + base, policy: RelocateDrift,
			edit: withBase(expecting(base, bare(two)), base), kind: fail.Drift},

		{name: "merge", file: "zero\n" + base, policy: MergeDrift, edit: withBase(expecting(base, bare(two)), base),
			want: "zero\none\n2\nthree\nfour\n", anchor: "merged", shifted: 1},
		{name: "merge with the log's base", file: base + "five\n", policy: MergeDrift, known: base,
			edit: expecting(base, bare(two)), want: "one\n2\nthree\nfour\nfive\n", anchor: "merged"},
		{name: "merge conflict", file: "one\nTWO\nthree\nfour\n", policy: MergeDrift,
			edit: withBase(expecting(base, bare(two)), base), kind: fail.Conflict},
		{name: "merge of the same", file: "one\n2\nthree\nfour\nfive\n", policy: MergeDrift,
			edit: withBase(expecting(base, locator.Edit{Lines: &locator.Lines{First: 2, Last: 2}, Text: []byte("2\n")}),
				base), want: "one\n2\nthree\nfour\nfive\n", anchor: "merged"},
		{name: "merge of two inserts at one place", file: "one\nx\ntwo\nthree\nfour\n", policy: MergeDrift,
			edit: withBase(expecting(base, locator.Edit{Start: 4, End: 4, Text: []byte("y\n")}), base), kind: fail.Conflict},
		{name: "reject where the old text stands elsewhere, twice", file: "zero\n" + base + base,
			edit: expecting(base, two), kind: fail.Drift},
		{name: "reject where the old text has got a twin", file: base + base, edit: expecting(base, two),
			kind: fail.Ambiguous},

		{name: "merge of the same, cut otherwise", file: "one\n2\nthree\nfour\nfive\n", policy: MergeDrift,
			edit: withBase(expecting(base, bare(two), replaced(base, "four", "4")), base), want: "one\n2\nthree\n4\nfive\n", anchor: "merged", shifted: 1},
		{name: "marked conflict", file: "zero\none\nTWO\nthree\nfour\n", policy: MarkDrift,
			edit: withBase(expecting(base, bare(two), replaced(base, "four", "4")), base), anchor: "conflict", shifted: 1,
			want: "zero\none\n<<<<<<< current\nTWO\n=======\n2\n>>>>>>> plan\nthree\n4\n"},
		{name: "marked conflicts", file: "ONE\r\ntwo\r\nthree\r\nFOUR", policy: MarkDrift,
			edit: withBase(expecting("one\r\ntwo\r\nthree\r\nfour", replaced("one\r\ntwo\r\nthree\r\nfour", "one", "1"),
				replaced("one\r\ntwo\r\nthree\r\nfour", "four", "4")), "one\r\ntwo\r\nthree\r\nfour"), anchor: "conflict",
			want: "<<<<<<< current\r\nONE\r\n=======\r\n1\r\n>>>>>>> plan\r\ntwo\r\nthree\r\n" +
				"<<<<<<< current\r\nFOUR\r\n=======\r\n4\r\n>>>>>>> plan\r\n"},
		{name: "marked inserts at one place", file: "one\nx\ntwo\nthree\nfour\n", policy: MarkDrift, anchor: "conflict",
			edit: withBase(expecting(base, locator.Edit{Start: 4, End: 4, Text: []byte("y\n")}), base),
			want: "one\n<<<<<<< current\nx\n=======\ny\n>>>>>>> plan\ntwo\nthree\nfour\n"},
		{name: "marked, deleted here and edited there", file: "one\nfour\n", policy: MarkDrift, anchor: "conflict",
			edit: withBase(expecting(base, bare(two)), base),
			want: "one\n<<<<<<< current\n=======\n2\nthree\n>>>>>>> plan\nfour\n"},
		{name: "marked, and clean right beside it", file: "one\nTWO\nthree\nfour\n", policy: MarkDrift, anchor: "conflict",
			edit: withBase(expecting(base, replaced(base, "one\n", "1\n"), bare(two), replaced(base, "three", "3")), base),
			want: "1\n<<<<<<< current\nTWO\n=======\n2\n>>>>>>> plan\n3\nfour\n"},
		{name: "marked and clean", file: "zero\n" + base, policy: MarkDrift, edit: withBase(expecting(base, bare(two)), base),
			want: "zero\none\n2\nthree\nfour\n", anchor: "merged", shifted: 1},

		{name: "merge, base unknown", file: "zero\n" + base, policy: MergeDrift, edit: expecting(base, bare(two)),
			kind: fail.Drift},

		{name: "old in place", file: base, edit: editOf("f", two), want: "one\n2\nthree\nfour\n", anchor: "old"},
		{name: "old elsewhere", file: "zero\n" + base, edit: editOf("f", two), kind: fail.Drift},
		{name: "old elsewhere, relocate", file: "zero\n" + base, policy: RelocateDrift, edit: editOf("f", two),
			want: "zero\none\n2\nthree\nfour\n", anchor: "moved", shifted: 1},
		{name: "old behind the end, relocate", file: "four\n", policy: RelocateDrift, edit: editOf("f", replaced(base,
			"four", "4")), want: "4\n", anchor: "moved", shifted: 1},
		{name: "old in several other places", file: "zero\ntwo\ntwo\n", edit: editOf("f", two), kind: fail.Ambiguous},
		{name: "find", file: base, edit: editOf("f", locator.Edit{Find: []byte("two"), Text: []byte("2")}),
			want: "one\n2\nthree\nfour\n", anchor: "find"},
		{name: "find of nothing", file: base, edit: editOf("f", locator.Edit{Find: []byte("ten")}), kind: fail.NotFound},
		{name: "find of several", file: base, edit: editOf("f", locator.Edit{Find: []byte("o")}), kind: fail.Ambiguous},
		{name: "range as it is", file: base, edit: editOf("f", bare(two)), want: "one\n2\nthree\nfour\n", anchor: "none"},
		{name: "range outside", file: "o", edit: editOf("f", bare(two)), kind: fail.Position},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := prepareOptions{OnDrift: test.policy, BaseFor: func(raw hashing.Digest) []byte {
				if raw == hashing.Raw([]byte(test.known)) {
					return []byte(test.known)
				}
				return nil
			}}
			disk := model{"f": file(test.file)}
			got, err := prepareOn(t, disk, o, test.edit)
			if test.kind != "" {
				requireKind(t, err, test.kind, "edit", "f")
				return
			}
			require.NoError(t, err)
			after := maps.Clone(disk)
			after.publish(t, got.changes)
			require.Equal(t, test.want, after["f"].text)
			if len(got.files) > 0 {
				require.Equal(t, test.anchor, got.files[0].Anchor)
				require.Equal(t, test.shifted, got.files[0].Shifted)
			}
		})
	}
}

// A merge that is not clean says where, in the file as it is, and marks nothing.
func TestAMergeConflictNamesItsRegions(t *testing.T) {
	base := "one\ntwo\nthree\nfour\n"
	_, err := prepareOn(t, model{"f": file("zero\nONE\ntwo\nthree\nFOUR\n")}, prepareOptions{OnDrift: MergeDrift},
		Edit{Path: "f", Base: []byte(base), Edits: []locator.Edit{replaced(base, "one", "1"), replaced(base, "four", "4")}})
	requireKind(t, err, fail.Conflict, "edit", "f")
	require.Equal(t, []fail.Candidate{{Start: 0, End: 9, Line: 1}, {Start: 19, End: 24, Line: 5}}, fail.Of(err).Candidates)
}

// Lesson 18: a wrong file hash was accepted when the edit had no region hash.
func TestLesson18AWrongHashIsNeverAccepted(t *testing.T) {
	wrong := hashing.Raw([]byte("something else"))
	disk := model{"f": file("text"), "l": link("f")}
	for _, policy := range []DriftPolicy{RejectDrift, MergeDrift} {
		for _, op := range []Op{
			Edit{Path: "f", Expect: Expect{Raw: &wrong}, Edits: []locator.Edit{{Text: []byte("x")}}},
			Edit{Path: "f", Expect: Expect{Raw: &wrong}, Edits: []locator.Edit{{Find: []byte("ex")}}},
			Edit{Path: "f", Expect: Expect{Raw: &wrong}, Edits: []locator.Edit{replaced("text", "ex", "E")}},
			Edit{Path: "f", Expect: Expect{Norm: &wrong}, Edits: []locator.Edit{replaced("text", "ex", "E")}},
			Edit{Path: "f", Expect: Expect{GitBlob: wrong[:]}, Edits: []locator.Edit{replaced("text", "ex", "E")}},
			Write{Path: "f", Expect: Expect{Raw: &wrong}}, Write{Path: "f",
				Expect: Expect{Norm: &wrong}}, Delete{Path: "f", Expect: RawHash(wrong)},
			Rewrite{Path: "f", Expect: RawHash(wrong)},
		} {
			_, err := prepareOn(t, disk, prepareOptions{OnDrift: policy}, op)
			e := requireKind(t, err, fail.Drift, op.op(), "f")
			require.NotEmpty(t, e.Expected)
			require.NotEmpty(t, e.Actual)
			require.NotEmpty(t, e.Hint)
		}
	}
	for _, op := range []Op{Symlink{Path: "l", Target: "x", Expect: RawHash(wrong)}, Delete{Path: "l",
		Expect: RawHash(wrong)}} {
		_, err := prepareOn(t, disk, prepareOptions{}, op)
		requireKind(t, err, fail.Drift, op.op(), "l")
	}
	_, err := prepareOn(t, disk, prepareOptions{}, Write{Path: "new", Expect: RawHash(wrong)})
	requireKind(t, err, fail.NotFound, "write", "new")
	_, err = prepareOn(t, disk, prepareOptions{}, Symlink{Path: "new", Target: "x", Expect: RawHash(wrong)})
	requireKind(t, err, fail.NotFound, "symlink", "new")
}

// The normalized hash is evidence, never permission to overwrite.
func TestNormIsNoPermissionToOverwrite(t *testing.T) {
	norm, raw := hashing.Norm([]byte("a\r\n")), hashing.Raw([]byte("a\n"))
	for _, op := range []Op{
		Write{Path: "f", Expect: Expect{Norm: &norm}}, Delete{Path: "f", Expect: Expect{Norm: &norm}},
		Write{Path: "f", Expect: Expect{Raw: &raw, Norm: &norm}},
	} {
		_, err := prepareOn(t, model{"f": file("a\r\n")}, prepareOptions{}, op)
		requireKind(t, err, fail.Drift, op.op(), "f")
		_, err = prepareOn(t, model{"f": file("a\n")}, prepareOptions{}, op)
		require.NoError(t, err, "a file that is its own normal form is known by it")
	}
}

// Lesson 24: the same text was inserted above the target, the in-place match
// still held, and the edit went to the wrong one.
func TestLesson24ATwinIsAmbiguous(t *testing.T) {
	const base = "x = 1\nf()\n"
	e := expecting(base, replaced(base, "f()\n", "g()\n"))
	twin := "y = 2\nf()\nx = 1\nf()\n" // the same length before it
	for _, policy := range []DriftPolicy{RejectDrift, RelocateDrift} {
		_, err := prepareOn(t, model{"f": file(twin)}, prepareOptions{OnDrift: policy}, e)
		got := requireKind(t, err, fail.Ambiguous, "edit", "f")
		require.Equal(t, []fail.Candidate{{Start: 6, End: 10, Line: 2}, {Start: 16, End: 20, Line: 4}}, got.Candidates)
	}
}

// Lesson 38: byte offsets from a report were applied to a file that had
// changed since.
func TestLesson38OffsetsOfAnotherFile(t *testing.T) {
	base := "func f() {}\n"
	for _, policy := range []DriftPolicy{RejectDrift, RelocateDrift, MergeDrift} {
		_, err := prepareOn(t, model{"f": file("// comment\n" + base)}, prepareOptions{OnDrift: policy},
			expecting(base, locator.Edit{Start: 5, End: 6, Text: []byte("g")}))
		requireKind(t, err, fail.Drift, "edit", "f")
	}
}

// Lesson 40: CRLF and BOM were rewritten for whole files by a one-line edit;
// inserted lines got the wrong line ending.
func TestLesson40LineEndsAndBOMStay(t *testing.T) {
	base := "a\nb\nc"
	insert := locator.Edit{Lines: &locator.Lines{First: 2, Last: 1}, Text: []byte("new\n")}
	got, err := prepareOn(t, model{"f": file("\uFEFFa\r\nb\r\nc")}, prepareOptions{}, expecting(base, insert))
	require.NoError(t, err)
	require.Equal(t, hashing.Raw([]byte("\uFEFFa\r\nnew\r\nb\r\nc")), got.changes[0].After.Hash)
	crlf := "a\r\nb\r\n"
	e := expecting(crlf, locator.Edit{Lines: &locator.Lines{First: 2, Last: 1}, Text: []byte("new\r\n")})
	e.Base = []byte(crlf)
	got, err = prepareOn(t, model{"f": file("a\nb\n")}, prepareOptions{}, e)
	require.NoError(t, err)
	require.Equal(t, hashing.Raw([]byte("a\nnew\nb\n")), got.changes[0].After.Hash)
}

// Lesson 19: the bytes that were checked were not the bytes that were written:
// the after-image is hashed when it is prepared, through all operations.
func TestLesson19TheAfterHashIsOfTheFinalBytes(t *testing.T) {
	got, err := prepareOn(t, model{"f": file("one two")}, prepareOptions{}, editOf("f", replaced("one two", "one", "1")),
		Rewrite{Path: "f", Func: func(b []byte) ([]byte, error) { return bytes.ToUpper(b), nil }}, editOf("f",
			replaced("1 TWO", "TWO", "2")))
	require.NoError(t, err)
	require.Equal(t, hashing.Raw([]byte("1 2")), got.changes[0].After.Hash)
	require.Equal(t, "1 2", string(got.changes[0].content))
	_, err = prepareOn(t, model{"f": file("x")}, prepareOptions{}, Rewrite{Path: "f", Func: func([]byte) ([]byte,
		error) {
		return nil, errors.New("no")
	}})
	requireKind(t, err, fail.Drift, "rewrite", "f")
}

func TestExpectGitBlob(t *testing.T) {
	empty := []byte("\xe6\x9d\xe2\x9b\xb2\xd1\xd6\x43\x4b\x8b\x29\xae\x77\x5a\xd8\xc2\xe4\x8c\x53\x91") // as git has it
	for _, blob := range [][]byte{empty, hashing.GitBlob(nil, 32)} {
		want := Expect{GitBlob: blob}
		for _, op := range []Op{
			Write{Path: "f", Expect: want, Content: []byte("x")}, Delete{Path: "f", Expect: want},
			Edit{Path: "f", Expect: want, Edits: []locator.Edit{{Text: []byte("x")}}},
		} {
			got, err := prepareOn(t, model{"f": file("")}, prepareOptions{}, op)
			require.NoError(t, err)
			require.Equal(t, "hash", got.files[0].Anchor)
			_, err = prepareOn(t, model{"f": file("drifted")}, prepareOptions{}, op)
			requireKind(t, err, fail.Drift, op.op(), "f")
			e := fail.Of(err)
			require.Equal(t, fmt.Sprintf("git:%x", blob), e.Expected)
			require.Equal(t, fmt.Sprintf("git:%x", hashing.GitBlob([]byte("drifted"), len(blob))), e.Actual)
		}
	}
}
