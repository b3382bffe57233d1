package fix

import (
	"bytes"
	"maps"
	"slices"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// Plan returns the fixes as one edit operation a file, in the order in which
// the files were met.
func (s *Set) Plan() (editor.Plan, error) {
	var plan editor.Plan
	for _, f := range s.order {
		edits, err := f.edits()
		if err != nil {
			return editor.Plan{}, err
		}
		if len(edits) == 0 {
			continue // all that it had was skipped
		}
		expect := s.expect[f.path]
		expect.Untouched = true
		if !anchored(expect, edits) {
			expect.AsOf = s.opts.AsOf
		}
		plan.Ops = append(plan.Ops, editor.Edit{Path: f.path, Expect: expect, Edits: edits, Origin: editor.Origin(edits[0].Origin)})
	}
	return plan, nil
}

// anchored reports whether content, not offsets alone, holds every edit.
func anchored(e editor.Expect, edits []locator.Edit) bool {
	if e.Raw != nil || len(e.Sum) > 0 || len(e.GitBlob) > 0 {
		return true
	}
	return !slices.ContainsFunc(edits, func(e locator.Edit) bool { return len(e.Old) == 0 && len(e.Find) == 0 })
}

// edits returns the edits of f, those with a context widened to it.
func (f *file) edits() ([]locator.Edit, error) {
	var edits []locator.Edit
	for _, unit := range slices.Sorted(maps.Keys(f.units)) {
		var regions []*region
		for _, p := range f.units[unit] {
			var err error
			if regions, err = push(regions, newRegion(p)); err != nil {
				return nil, p.owner.fix.error(p.owner.src, fail.From(err, "", f.path))
			}
		}
		for _, r := range regions {
			edits = append(edits, r.widened()...)
		}
	}
	return edits, nil
}

// region is edits whose contexts overlap, and the text that these make
// together.
type region struct {
	edits      []*placed
	start, end int
	text       []byte
	known      bool // text is what stands there
	alone      bool // the edit has no byte range to widen
}

func newRegion(p *placed) *region {
	r := &region{edits: []*placed{p}, start: p.Start, end: p.End, alone: p.unit != "bytes"}
	switch c := p.Context; {
	case r.alone:
	case c != nil && c.Start <= p.Start && p.End <= c.end() && len(c.Text) > 0:
		r.start, r.end, r.text, r.known = c.Start, c.end(), c.Text, true
	case len(p.Old) == p.End-p.Start && len(p.Old) > 0:
		r.text, r.known = p.Old, true
	}
	return r
}

// push adds r behind regions, joined with those that it overlaps.
func push(regions []*region, r *region) ([]*region, error) {
	for len(regions) > 0 && regions[len(regions)-1].overlaps(r) {
		last := regions[len(regions)-1]
		regions = regions[:len(regions)-1]
		var err error
		if r, err = last.join(r); err != nil {
			return nil, err
		}
	}
	return append(regions, r), nil
}

// overlaps reports whether the texts of r and q share bytes, or one edit would
// stand within the text of the other.
func (r *region) overlaps(q *region) bool {
	return !r.alone && !q.alone && r.start < q.end && q.start < r.end
}

// join makes one region of r and q, which overlap; the edits of q come behind.
func (r *region) join(q *region) (*region, error) {
	j := &region{
		edits: append(slices.Clip(r.edits), q.edits...),
		start: min(r.start, q.start), end: max(r.end, q.end), known: r.known && q.known,
	}
	if !j.known {
		return j, nil
	}
	first, second := r, q
	if q.start < r.start {
		first, second = q, r
	}
	shared := min(first.end, second.end) - second.start
	if !bytes.Equal(first.text[second.start-first.start:][:shared], second.text[:shared]) {
		return nil, fail.New(fail.Conflict, "", "", "the report shows two different texts of one place, bytes %d-%d",
			second.start, second.start+shared)
	}
	j.text = append(slices.Clip(first.text), second.text[shared:]...)
	return j, nil
}

// widened returns one edit that replaces the region's whole text, or its edits
// as they are where the text is not known.
func (r *region) widened() []locator.Edit {
	spans := make([]locator.Span, len(r.edits))
	for i, p := range r.edits {
		spans[i] = locator.Span{Start: p.Start - r.start, End: p.End - r.start, Text: p.Text}
	}
	if r.known {
		if text, err := locator.Splice(r.text, spans); err == nil {
			return []locator.Edit{{Start: r.start, End: r.end, Text: text, Old: r.text, Origin: r.edits[0].origin()}}
		}
	}
	edits := make([]locator.Edit, len(r.edits))
	for i, p := range r.edits {
		edits[i] = p.Edit.Edit
		edits[i].Origin = p.origin()
	}
	return edits
}
