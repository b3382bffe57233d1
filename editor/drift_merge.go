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
	found := placed{anchor: anchorMerged}
	theirs := locator.Diff(s.base, s.now)
	shift, next := 0, 0
	for _, o := range ours.Spans {
		for next < len(theirs) && before(theirs[next], o) {
			shift += growth(theirs[next])
			next++
		}
		if next < len(theirs) && !before(o, theirs[next]) {
			t := theirs[next]
			if o.Start == t.Start && o.End == t.End && string(o.Text) == string(t.Text) {
				continue // both did the same
			}
			return placed{}, fail.New(fail.Conflict, "", "",
				"the edit of bytes %d-%d of the base meets a change that was made to them since", o.Start, o.End).
				WithHint("make the plan anew for the file as it is")
		}
		if shift != 0 {
			found.shifted++
		}
		found.spans = append(found.spans, locator.Span{Start: o.Start + shift, End: o.End + shift, Text: o.Text})
	}
	return found, nil
}

// before reports whether a lies before b without doubt: two insertions at one
// place have no order.
func before(a, b locator.Span) bool {
	return a.End < b.Start || a.End == b.Start && (a.Start < a.End || b.Start < b.End)
}

// growth is by how much s moves what comes after it.
func growth(s locator.Span) int { return len(s.Text) - (s.End - s.Start) }
