package fix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

func bytesEdit(start, end int, text string) Edit {
	return Edit{Path: "f", Edit: locator.Edit{Start: start, End: end, Text: []byte(text)}}
}

func within(e Edit, start int, text string) Edit {
	e.Context = &Context{Start: start, Text: []byte(text)}
	return e
}

// planOf adds fixes one after another and returns the edits of the one file.
func planOf(t *testing.T, rules Rules, opts Options, fixes ...Fix) ([]locator.Edit, error) {
	s := NewSet(rules, opts)
	for _, f := range fixes {
		if err := s.Add(&Source{Name: "r"}, f); err != nil {
			return nil, err
		}
	}
	p, err := s.Plan()
	if err != nil || len(p.Ops) == 0 {
		return nil, err
	}
	require.Len(t, p.Ops, 1)
	edits := p.Ops[0].(editor.Edit).Edits
	for i := range edits {
		require.Contains(t, edits[i].Origin, "r:1:1")
		edits[i].Origin = ""
	}
	return edits, nil
}

func TestLesson39Conflicts(t *testing.T) {
	tests := []struct {
		name     string
		rules    Rules
		a, b     Edit
		conflict bool
		edits    int
	}{
		{"apart", Rules{}, bytesEdit(0, 2, "x"), bytesEdit(3, 4, "y"), false, 2},
		{"touching", Rules{}, bytesEdit(0, 2, "x"), bytesEdit(2, 4, "y"), false, 2},
		{"touching where it counts", Rules{Apart: true}, bytesEdit(0, 2, "x"), bytesEdit(2, 4, "y"), true, 0},
		{"overlap", Rules{}, bytesEdit(0, 3, "x"), bytesEdit(2, 4, "y"), true, 0},
		{"overlap backwards", Rules{}, bytesEdit(2, 4, "x"), bytesEdit(0, 3, "y"), true, 0},
		{"one within the other", Rules{}, bytesEdit(0, 9, "x"), bytesEdit(2, 4, "y"), true, 0},
		{"equal replacement", Rules{}, bytesEdit(0, 3, "x"), bytesEdit(0, 3, "x"), false, 1},
		{"same place, other text", Rules{}, bytesEdit(0, 3, "x"), bytesEdit(0, 3, "y"), true, 0},
		{"insert within", Rules{}, bytesEdit(0, 3, "x"), bytesEdit(1, 1, "y"), true, 0},
		{"insert at the start", Rules{}, bytesEdit(1, 3, "x"), bytesEdit(1, 1, "y"), false, 2},
		{"insert at the end", Rules{}, bytesEdit(1, 3, "x"), bytesEdit(3, 3, "y"), false, 2},
		{"different inserts", Rules{}, bytesEdit(1, 1, "x"), bytesEdit(1, 1, "y"), false, 2},
		{"equal inserts", Rules{}, bytesEdit(1, 1, "x"), bytesEdit(1, 1, "x"), true, 0},
		{"equal inserts that count once", Rules{SameInsert: true}, bytesEdit(1, 1, "x"), bytesEdit(1, 1, "x"), false, 1},
		{"equal inserts of one unit", Rules{SameInsert: true, PerTU: true}, bytesEdit(1, 1, "x"), bytesEdit(1, 1, "x"), false, 2},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			// A second edit far away keeps the fixes from being equal as a whole.
			edits, err := planOf(t, c.rules, Options{}, Fix{Name: "a", Edits: []Edit{bytesEdit(20, 21, "A"), c.a}},
				Fix{Name: "b", Edits: []Edit{bytesEdit(30, 31, "B"), c.b}})
			if c.conflict {
				require.Equal(t, fail.Conflict, fail.KindOf(err), "%v", edits)
				return
			}
			require.NoError(t, err)
			require.Len(t, edits, c.edits+2)
		})
	}
}

func TestFixesAreAppliedWholeOrNotAtAll(t *testing.T) {
	var skipped []Skipped
	opts := Options{SkipConflicts: true, Skipped: func(s Skipped) { skipped = append(skipped, s) }}
	edits, err := planOf(t, Rules{}, opts,
		Fix{Name: "a", Edits: []Edit{bytesEdit(0, 3, "x")}},
		Fix{Name: "b", Edits: []Edit{bytesEdit(8, 9, "gone"), bytesEdit(2, 4, "y")}},
		Fix{Name: "c", Edits: []Edit{bytesEdit(8, 9, "stays")}},
		Fix{Name: "a again", Edits: []Edit{bytesEdit(0, 3, "x")}})
	require.NoError(t, err)
	require.Equal(t, []locator.Edit{{Start: 0, End: 3, Text: []byte("x")}, {Start: 8, End: 9, Text: []byte("stays")}}, edits)
	require.Equal(t, []Skipped{{Fix: "b", Where: "r:1:1", Path: "f", Reason: "overlaps at bytes 2-4 with a (r:1:1)"}}, skipped)
}

func TestAFixThatOverlapsItself(t *testing.T) {
	_, err := planOf(t, Rules{}, Options{}, Fix{Edits: []Edit{bytesEdit(0, 3, "x"), bytesEdit(2, 4, "y")}})
	require.ErrorContains(t, err, "the fix overlaps itself at bytes 2-4")
}

func TestContextsHoldEditsInPlace(t *testing.T) {
	const line = "let x = (1);"
	edits, err := planOf(t, Rules{}, Options{AsOf: time.Unix(1, 0)},
		Fix{Edits: []Edit{within(bytesEdit(108, 109, ""), 100, line), within(bytesEdit(110, 111, ""), 100, line)}},
		Fix{Edits: []Edit{within(bytesEdit(104, 105, "_x"), 100, line)}},
		Fix{Edits: []Edit{within(bytesEdit(113, 114, "B"), 113, "b\nc")}})
	require.NoError(t, err)
	require.Equal(t, []locator.Edit{
		{Start: 100, End: 112, Text: []byte("let _x = 1;"), Old: []byte(line)},
		{Start: 113, End: 116, Text: []byte("B\nc"), Old: []byte("b\nc")},
	}, edits)
}

func TestContextsThatOverlap(t *testing.T) {
	edits, err := planOf(t, Rules{}, Options{},
		Fix{Edits: []Edit{within(bytesEdit(0, 1, "A"), 0, "ab\ncd")}}, Fix{Edits: []Edit{within(bytesEdit(4, 5, "D"), 3, "cd\nef")}})
	require.NoError(t, err)
	require.Equal(t, []locator.Edit{{Start: 0, End: 8, Text: []byte("Ab\ncD\nef"), Old: []byte("ab\ncd\nef")}}, edits)

	_, err = planOf(t, Rules{}, Options{},
		Fix{Edits: []Edit{within(bytesEdit(0, 1, "A"), 0, "ab\ncd")}}, Fix{Edits: []Edit{within(bytesEdit(4, 5, "D"), 3, "cx\nef")}})
	require.ErrorContains(t, err, "two different texts of one place")
}

func TestOnlyFilesHeldByOffsetsMustBeOlder(t *testing.T) {
	made := time.Unix(1, 0)
	s := NewSet(Rules{}, Options{AsOf: made})
	held, free, hashed := bytesEdit(0, 1, "x"), bytesEdit(0, 1, "x"), bytesEdit(0, 1, "x")
	held.Path, held.Old, free.Path, hashed.Path = "held", []byte("y"), "free", "hashed"
	s.Expect("hashed", editor.Expect{Sum: []byte{1}})
	require.NoError(t, s.Add(&Source{}, Fix{Edits: []Edit{held, free, hashed}}))
	p, err := s.Plan()
	require.NoError(t, err)
	for i, want := range []time.Time{{}, made, {}} {
		e := p.Ops[i].(editor.Edit)
		require.Equal(t, want, e.Expect.AsOf, e.Path)
		require.True(t, e.Expect.Untouched)
	}
}

func TestRel(t *testing.T) {
	root, windows := Root{Names: []string{"/w", "/real/w/"}}, Root{Names: []string{"C:/w"}, Windows: true}
	tests := []struct {
		root             Root
		name, base, want string
	}{
		{root, "a/b", "", "a/b"}, {root, "./a//b/../c", "", "a/c"}, {root, "/w/a", "/ignored", "a"},
		{root, "/real/w/a", "", "a"}, {root, "../a.h", "/w/build", "a.h"}, {root, "a", "sub", "sub/a"},
		{root, "/w/../etc/passwd", "", ""}, {root, "../a", "", ""}, {root, "/wrong/a", "", ""}, {root, "/w", "", ""},
		{root, "", "", ""}, {root, ".", "", ""}, {root, `a\b`, "", `a\b`},
		{windows, `c:\w\a\b`, "", "a/b"}, {windows, "C:/W/a", "", "a"}, {windows, `D:\w\a`, "", ""}, {windows, `a\b`, "", "a/b"},
	}
	for _, c := range tests {
		got, err := c.root.Rel(c.name, c.base)
		require.Equal(t, c.want, got, c.name)
		if c.want == "" {
			require.Equal(t, fail.PathEscape, fail.KindOf(err), c.name)
		}
	}
}

func TestURI(t *testing.T) {
	root, windows := Root{Names: []string{"/w"}}, Root{Names: []string{"c:/w"}, Windows: true}
	tests := []struct {
		root      Root
		uri, want string
		kind      fail.Kind
	}{
		{root, "file:///w/a%20b", "a b", ""}, {root, "file:/w/a", "a", ""}, {root, "FILE://localhost/w/%C3%BC", "ü", ""},
		{root, "file://host/w/a", "", fail.Unsupported}, {root, "http:///w/a", "", fail.Unsupported}, {root, "a", "", fail.Unsupported},
		{root, "file:///w/a?b", "", fail.Unsupported}, {root, "file:///w/a%3Fb", "a?b", ""}, {root, "file:///w/%", "", fail.Parse},
		{root, "file:a", "", fail.Parse}, {root, "file:///w/a%00", "", fail.Parse}, {root, "file:///w/%2e%2e/x", "", fail.PathEscape},
		{windows, "file:///c%3A/w/a", "a", ""}, {windows, "file:///C:/W/a", "a", ""}, {windows, "file:///d%3A/w/a", "", fail.PathEscape},
	}
	for _, c := range tests {
		got, err := c.root.URI(c.uri)
		require.Equal(t, c.kind, fail.KindOf(err), c.uri)
		require.Equal(t, c.want, got, c.uri)
	}
}

func TestJSONErrorsNameThePlace(t *testing.T) {
	tests := []struct{ data, want string }{
		{"{\n \"a\": tru}", `r:2:10: invalid character '}' in literal true`},
		{"{\n \"a\": 1\n \"b\": 2}", "r:3:2: "},
		{`{"a": 12`, "r:1:9: the input ends too early"},
		{`{"a": "x"}`, `r:1:9: this cannot be a string: want a whole number: "\"}"`},
		{"{\"a\": \"\xff\"}", "r:1:8: the text is not Unicode"},
		{`{"a": "\\\ud83d\\"}`, "r:1:10: the text is not Unicode"},
		{`[]`, "r:1:1: want an object"},
		{`{} x`, "r:1:4: want the end of the input"},
	}
	for _, c := range tests {
		j, err := NewJSON(&Source{Name: "r", Data: []byte(c.data)}, 0)
		if err == nil {
			err = j.Object(func(string) error {
				var n int
				return j.Decode(&n)
			})
		}
		if err == nil {
			err = j.End()
		}
		require.Equal(t, fail.Parse, fail.KindOf(err), c.data)
		require.ErrorContains(t, err, c.want, c.data)
	}
}

func TestSnippetsAreShort(t *testing.T) {
	s := &Source{Data: []byte("{\n\t\"a\":\t1\n}\n" + strings.Repeat("é", 100))}
	require.Equal(t, `input:1:1: m: "{ \"a\": 1 } éééééééééééééééééééééééé"...`, s.Error(fail.Parse, 0, "", "m").Message)
	require.Contains(t, s.Error(fail.Parse, 1000, "", "m").Message, "input:4:201")
}

// TestPositions compares places in long and short lines, at all offsets around
// the ends of blocks, with what counting tells.
func TestPositions(t *testing.T) {
	var text strings.Builder
	for i := range 300 {
		text.WriteString(strings.Repeat("x", i*i%997) + "\n")
		if i%50 == 0 {
			text.WriteString(strings.Repeat("é", 3*blockSize))
		}
	}
	text.WriteString("end")
	s := &Source{Name: "s", Data: []byte(text.String())}
	for pos := 0; pos <= len(s.Data); pos++ {
		if at := pos % blockSize; at > 3 && at < blockSize-3 && pos < len(s.Data) && s.Data[pos] != '\n' && pos%101 != 0 {
			continue
		}
		before := text.String()[:pos]
		line, start := strings.Count(before, "\n")+1, strings.LastIndex(before, "\n")+1
		require.Equal(t, fmt.Sprintf("s:%d:%d", line, pos-start+1), s.Position(pos))
	}
	require.Equal(t, "input:1:1", (&Source{}).Position(0))
}
