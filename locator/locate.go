package locator

import (
	"bytes"
	"fmt"

	"github.com/emend/emend/internal/fail"
)

// Anchor says what held an edit in its place.
type Anchor string

// The anchors. The drift ladder knows more: see docs/GUARANTEES.md.
const (
	AnchorNone  Anchor = "none"  // nothing: the place was taken as given
	AnchorOld   Anchor = "old"   // the old text stands there
	AnchorFind  Anchor = "find"  // the text that the edit looks for
	AnchorMoved Anchor = "moved" // the old text, which stands elsewhere now
)

// Located is edits with their places.
type Located struct {
	Spans   []Span   // in the order of Sort, ready for Splice
	Anchors []Anchor // one an edit, in the order of the edits
}

// Locate finds the place of every edit in content. All edits refer to content
// as it is. The kind of an error is position (a place outside the text, or
// inside a character), drift (the old text is not there), not-found or
// ambiguous (the text to find is nowhere, or in several places), conflict
// (edits overlap), or usage (an edit that says its place twice).
func Locate(content []byte, edits []Edit) (Located, error) {
	m := NewMapper(content)
	return collect(content, edits, func(e Edit) ([]Span, Anchor, error) { return m.place(e) })
}

// Relocate is Locate for a text that is not the one that the edits were made
// for: each edit goes to where its old text stands, wherever it was before, or
// to the text that it looks for. The old text must stand exactly once, also
// where it still stands in its place, for that may be its twin: else the kind
// is drift where it is nowhere or the edit carries none, and ambiguous, with
// the candidates, where there are several.
func Relocate(content []byte, edits []Edit) (Located, error) {
	m := NewMapper(content)
	return collect(content, edits, func(e Edit) ([]Span, Anchor, error) {
		if e.Searches() {
			return m.place(e)
		}
		span, err := relocate(content, e)
		return []Span{span}, AnchorMoved, err
	})
}

// collect finds the place of every edit and puts the spans in order.
func collect(content []byte, edits []Edit, place func(Edit) ([]Span, Anchor, error)) (Located, error) {
	located := Located{Anchors: make([]Anchor, len(edits))}
	for i, e := range edits {
		spans, anchor, err := place(e)
		if err != nil {
			return Located{}, About(err, e, i, len(edits))
		}
		located.Spans = append(located.Spans, spans...)
		located.Anchors[i] = anchor
	}
	Sort(located.Spans)
	if err := Validate(int64(len(content)), located.Spans); err != nil {
		return Located{}, err
	}
	return located, nil
}

// About returns err as one about edit, the one of count at i.
func About(err error, edit Edit, i, count int) *fail.Error {
	e := fail.From(err, "", "")
	switch {
	case edit.Origin != "":
		e.Origin = edit.Origin
	case count > 1:
		e.Message = fmt.Sprintf("edit %d of %d: %s", i+1, count, e.Message)
	}
	return e
}

// place returns where e goes: one span, or several for a Find of All.
func (m *Mapper) place(e Edit) ([]Span, Anchor, error) {
	var spans []Span
	var err error
	anchor := AnchorNone
	if e.Old != nil {
		anchor = AnchorOld
	}
	switch {
	case e.places() > 1:
		err = fail.New(fail.Usage, "", "", "give one of lines, range, units, find and hunk")
	case e.Find != nil:
		anchor = AnchorFind
		spans, err = find(m.content, e)
	case e.Hunk != nil:
		spans, err = m.hunk(*e.Hunk)
		return spans, AnchorFind, err
	case e.Lines != nil:
		spans = []Span{{Text: e.Text}}
		spans[0].Start, spans[0].End, err = m.LinesToRange(*e.Lines)
	case e.Range != nil:
		spans = []Span{{Text: e.Text}}
		spans[0].Start, spans[0].End, err = m.RangeToOffsets(*e.Range)
	case e.Units != nil:
		spans = []Span{{Text: e.Text}}
		spans[0].Start, spans[0].End, err = m.UnitsToOffsets(*e.Units)
	default:
		spans = []Span{{Start: e.Start, End: e.End, Text: e.Text}}
		err = checkRange(int64(len(m.content)), e.Start, e.End)
	}
	if err != nil {
		return nil, "", err
	}
	for _, s := range spans {
		if err := checkOld(m.content, s, e.Old); err != nil {
			return nil, "", err
		}
		if e.AtEOF && s.End != len(m.content) {
			return nil, "", fail.New(fail.Drift, "", "", "the file goes on after byte %d, where it should end", s.End)
		}
	}
	return spans, anchor, nil
}

// places counts what e says of its place, beside Start and End.
func (e Edit) places() int {
	count := 0
	for _, given := range []bool{e.Lines != nil, e.Range != nil, e.Units != nil, e.Find != nil, e.Hunk != nil} {
		if given {
			count++
		}
	}
	return count
}

// checkOld checks that old, if there is any to check, is what s replaces.
func checkOld(content []byte, s Span, old []byte) error {
	stands := content[s.Start:s.End]
	if old == nil || bytes.Equal(old, stands) {
		return nil
	}
	err := fail.New(fail.Drift, "", "", "bytes %d-%d are not the old text", s.Start, s.End)
	err.Expected, err.Actual = excerpt(old), excerpt(stands)
	if places := Candidates(content, old, 2); len(places) == 1 {
		err.Hint = fmt.Sprintf("the old text stands in line %d now", places[0].Line)
	}
	return err
}

// relocate returns the one place where the old text of e stands.
func relocate(content []byte, e Edit) (Span, error) {
	if len(e.Old) == 0 {
		return Span{}, fail.New(fail.Drift, "", "", "there is no old text to look for")
	}
	places := Places(content, e, MaxCandidates)
	switch len(places) {
	case 0:
		err := fail.New(fail.Drift, "", "", "the old text is nowhere in the file")
		err.Expected = excerpt(e.Old)
		return Span{}, err
	case 1:
		return Span{Start: places[0].Start, End: places[0].End, Text: e.Text}, nil
	}
	return Span{}, ambiguous(e.Old, places)
}

// Places returns the first places, at most limit, where the old text of e can
// stand in content. Whole lines stand only where lines begin and end, and
// without a terminator only at the end of the text.
func Places(content []byte, e Edit, limit int) []fail.Candidate {
	if e.Lines == nil {
		return Candidates(content, e.Old, limit)
	}
	unended := len(terminator(e.Old)) == 0 || len(e.Text) > 0 && len(terminator(e.Text)) == 0
	return candidates(content, e.Old, limit, func(start, end int) bool {
		return (start == 0 || content[start-1] == '\n') && (end == len(content) || !unended)
	})
}

// excerptSize is how many bytes of a text an error shows.
const excerptSize = 80

// excerpt shows text in Go quotes, which any terminal and JSON can take.
func excerpt(text []byte) string {
	if len(text) > excerptSize {
		return fmt.Sprintf("%q... (%d bytes)", text[:excerptSize], len(text))
	}
	return fmt.Sprintf("%q", text)
}
