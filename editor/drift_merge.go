package editor

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// merged places edits that were made for base in a file that has changed since:
// a three-way merge of the edits with those changes. Where both change the same
// it is a conflict or, with mark, both stand there between markers.
func (s *subject) merged(mark bool) (placed, error) {
	located, err := locator.Locate(s.base, s.Edits)
	if err != nil {
		return placed{}, err
	}
	ours, theirs := located.Spans, locator.Diff(s.base, s.now)
	met := meetings(s.base, ours, theirs)
	ours = slices.DeleteFunc(slices.Clone(ours), func(o locator.Span) bool {
		return slices.ContainsFunc(met, func(r region) bool { return r.touches(o) })
	})
	met = slices.DeleteFunc(met, func(r region) bool { // both did the same
		return bytes.Equal(r.text(s.base, located.Spans), r.text(s.base, theirs))
	})
	if len(met) > 0 && !mark {
		return placed{}, s.conflict(met, theirs)
	}
	found := placed{anchor: anchorMerged}
	found.spans, found.shifted, _ = rebase(ours, theirs)
	for _, r := range met {
		found.anchor = AnchorConflict
		found.spans = append(found.spans, s.marked(r, located.Spans, theirs))
	}
	locator.Sort(found.spans)
	return found, nil
}

// region is whole lines of the base that both sides change.
type region struct{ start, end int }

// span is the region without what comes into it.
func (r region) span() locator.Span { return locator.Span{Start: r.start, End: r.end} }

func (r region) touches(s locator.Span) bool { return !before(s, r.span()) && !before(r.span(), s) }

// meetings are the regions, apart from each other, in which ours and theirs
// change the same, with all of both that touches them.
func meetings(base []byte, ours, theirs []locator.Span) []region {
	var list []region
	for _, o := range ours {
		for _, t := range theirs {
			if !before(o, t) && !before(t, o) && !sameSpan(o, t) {
				list = append(list, region{min(o.Start, t.Start), max(o.End, t.End)}.wholeLines(base))
			}
		}
	}
	for grown := true; grown; {
		grown = false
		for i := range list {
			for _, s := range slices.Concat(ours, theirs) {
				if !list[i].touches(s) {
					continue
				}
				wider := region{min(list[i].start, s.Start), max(list[i].end, s.End)}.wholeLines(base)
				grown = grown || wider != list[i]
				list[i] = wider
			}
		}
		apart := joined(list)
		grown = grown || len(apart) < len(list)
		list = apart
	}
	return list
}

// joined makes one of regions that touch.
func joined(list []region) []region {
	slices.SortFunc(list, func(a, b region) int { return cmp.Compare(a.start, b.start) })
	var out []region
	for _, r := range list {
		if n := len(out); n > 0 && r.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, r.end)
			continue
		}
		out = append(out, r)
	}
	return out
}

func (r region) wholeLines(base []byte) region {
	r.start = bytes.LastIndexByte(base[:r.start], '\n') + 1
	if r.end > r.start && base[r.end-1] != '\n' {
		if i := bytes.IndexByte(base[r.end:], '\n'); i >= 0 {
			r.end += i + 1
		} else {
			r.end = len(base)
		}
	}
	return r
}

// in is the region in the text that spans make of the base.
func (r region) in(spans []locator.Span) region {
	var shift, grown int
	for _, s := range spans {
		switch {
		case before(s, r.span()):
			shift += growth(s)
		case r.touches(s):
			grown += growth(s)
		}
	}
	return region{r.start + shift, r.end + shift + grown}
}

// text is what spans make of the region of base.
func (r region) text(base []byte, spans []locator.Span) []byte {
	var own []locator.Span
	for _, s := range spans {
		if r.touches(s) {
			own = append(own, locator.Span{Start: s.Start - r.start, End: s.End - r.start, Text: s.Text})
		}
	}
	text, err := locator.Splice(base[r.start:r.end], own)
	if err != nil {
		return nil // they were checked, and lie in the region
	}
	return text
}

// marked puts what stands in the region and what the plan makes of it one behind
// the other, between the markers that git and editors know.
func (s *subject) marked(r region, ours, theirs []locator.Span) locator.Span {
	now := r.in(theirs)
	eol := lineEnd(s.now)
	if eol == nil {
		eol = []byte("\n")
	}
	var b bytes.Buffer
	part := func(marker string, text []byte) {
		b.WriteString(marker)
		b.Write(eol)
		b.Write(text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			b.Write(eol)
		}
	}
	part("<<<<<<< current", s.now[now.start:now.end])
	part("=======", r.text(s.base, ours))
	part(">>>>>>> plan", nil)
	return locator.Span{Start: now.start, End: now.end, Text: b.Bytes()}
}

// conflict is the error for regions that both sides change: where they are in
// the file as it is.
func (s *subject) conflict(regions []region, theirs []locator.Span) error {
	err := fail.New(fail.Conflict, "", "", "the plan changes lines that have changed since it was made (regions: %d)", len(regions)).
		WithHint("make the plan anew for the file as it is, or let both stand there between markers (--conflict-markers)")
	for _, r := range regions {
		now := r.in(theirs)
		err.Candidates = append(err.Candidates, fail.Candidate{Start: now.start, End: now.end,
			Line: 1 + bytes.Count(s.now[:now.start], []byte("\n"))})
	}
	return err
}

func sameSpan(a, b locator.Span) bool {
	return a.Start == b.Start && a.End == b.End && bytes.Equal(a.Text, b.Text)
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
			if sameSpan(o, t) {
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
