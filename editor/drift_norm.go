package editor

import (
	"bytes"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// renormalized places edits that were made for base in a file with the same
// normal form: through that form, in which both have the same positions.
func (s *subject) renormalized() (placed, error) {
	located, err := locator.Locate(s.base, s.ownLineEnds())
	if err != nil {
		return placed{}, err
	}
	from, to := hashing.NewMap(s.base), hashing.NewMap(s.now)
	for i, span := range located.Spans {
		start, startOK := from.ToNorm(span.Start)
		end, endOK := from.ToNorm(span.End)
		// A range of nothing but what the normalizer drops is nowhere else.
		if !startOK || !endOK || start == end && span.Start != span.End {
			return placed{}, fail.New(fail.Drift, "", "",
				"white space differs, and bytes %d-%d begin or end inside white space", span.Start, span.End).
				WithHint("make the plan anew for the file as it is")
		}
		located.Spans[i].Start, _ = to.FromNorm(start)
		located.Spans[i].End, _ = to.FromNorm(end)
	}
	return placed{spans: located.Spans, anchor: anchorNorm}, nil
}

// ownLineEnds returns the edits; where the base ends its lines in one way and
// the file in another, what comes in as whole lines takes the file's way.
func (s *subject) ownLineEnds() []locator.Edit {
	base, now := lineEnd(s.base), lineEnd(s.now)
	if base == nil || now == nil || bytes.Equal(base, now) {
		return s.Edits
	}
	edits := slices.Clone(s.Edits)
	for i, e := range edits {
		if e.Lines != nil {
			edits[i].Text = endLines(e.Text, now)
		}
	}
	return edits
}

// takeFileEnds has edits of a format that goes by lines end theirs as the file
// does, and returns the file with its lines ending as theirs did; nil where
// there is nothing to change.
func (s *subject) takeFileEnds() []byte {
	var old []byte
	for _, e := range s.Edits {
		if !e.ByLine {
			return nil
		}
		old = append(old, e.Old...)
	}
	from, to := lineEnd(old), lineEnd(s.now)
	if from == nil || to == nil || bytes.Equal(from, to) {
		return nil
	}
	s.Edits = slices.Clone(s.Edits)
	for i := range s.Edits {
		e := &s.Edits[i]
		e.Text = endLines(e.Text, to)
		if e.Old != nil {
			e.Old = endLines(e.Old, to)
		}
	}
	return endLines(s.now, from)
}

// endLines returns text with every line ending so.
func endLines(text, end []byte) []byte {
	lf := []byte("\n")
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), lf), lf, end)
}

// lineEnd returns what ends every line of content, nil where they differ or
// there are none.
func lineEnd(content []byte) []byte {
	lf, crlf := bytes.Count(content, []byte("\n")), bytes.Count(content, []byte("\r\n"))
	switch {
	case lf == 0:
		return nil
	case crlf == 0:
		return []byte("\n")
	case crlf == lf:
		return []byte("\r\n")
	}
	return nil
}
