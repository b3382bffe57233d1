package editor

import (
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// merged places edits that were made for base in a file that has changed since:
// a three-way merge of the edits with those changes, line by line.
func (s *subject) merged() (placed, error) {
	ours, err := locator.Locate(s.base, s.Edits)
	if err != nil {
		return placed{}, err
	}
	spans, shifted, met := rebase(ours.Spans, locator.Diff(s.base, s.now))
	if met != nil {
		return placed{}, fail.New(fail.Conflict, "", "",
			"the edit of bytes %d-%d of the base meets a change that was made to them since", met.Start, met.End).
			WithHint("make the plan anew for the file as it is")
	}
	return placed{spans: spans, anchor: anchorMerged, shifted: shifted}, nil
}

// rebase moves ours from a text to the one that theirs make of it; both are
// made for the same text. What both do alike drops out; shifted counts those
// of ours that stand elsewhere. Met is one that theirs touch: then there is no
// result.
func rebase(ours, theirs []locator.Span) (moved []locator.Span, shifted int, met *locator.Span) {
	shift, next := 0, 0
	for _, o := range ours {
		for next < len(theirs) && before(theirs[next], o) {
			shift += growth(theirs[next])
			next++
		}
		if next < len(theirs) && !before(o, theirs[next]) {
			t := theirs[next]
			if o.Start == t.Start && o.End == t.End && string(o.Text) == string(t.Text) {
				continue // both did the same
			}
			return nil, 0, &o
		}
		if shift != 0 {
			shifted++
		}
		moved = append(moved, locator.Span{Start: o.Start + shift, End: o.End + shift, Text: o.Text})
	}
	return moved, shifted, nil
}

// before reports whether a lies before b without doubt: two insertions at one
// place have no order.
func before(a, b locator.Span) bool {
	return a.End < b.Start || a.End == b.Start && (a.Start < a.End || b.Start < b.End)
}

// growth is by how much s moves what comes after it.
func growth(s locator.Span) int { return len(s.Text) - (s.End - s.Start) }
