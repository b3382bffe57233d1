package editor

import (
	"bytes"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// DriftPolicy says what becomes of edits whose file is not the one that they
// were made for. The rungs of the ladder below are docs/GUARANTEES.md's.
type DriftPolicy uint8

// The policies. The zero value refuses.
const (
	RejectDrift   DriftPolicy = iota
	RelocateDrift             // an edit follows its old text, where that stands exactly once
	MergeDrift                // three-way merge, where the base is known and it is clean
	MarkDrift                 // the same, and where it is not clean both stand in the file, between conflict markers
)

// The anchors that a whole operation can have, beside those of its edits.
const (
	anchorHash   locator.Anchor = "hash"   // the file is the expected one
	anchorNorm   locator.Anchor = "norm"   // only white space, line ends or BOM differ
	anchorMerged locator.Anchor = "merged" // merged with what has changed since
)

// AnchorConflict is the anchor in a report of a file in which there are conflict
// markers now: not all could be merged.
const AnchorConflict = "conflict"

// strength lists the anchors, the strongest first.
var strength = []locator.Anchor{
	"", anchorHash, anchorNorm, locator.AnchorOld, locator.AnchorFind,
	locator.AnchorMoved, anchorMerged, AnchorConflict, locator.AnchorNone,
}

// weaker returns the weaker of two anchors.
func weaker(a, b locator.Anchor) locator.Anchor {
	if slices.Index(strength, a) > slices.Index(strength, b) {
		return a
	}
	return b
}

// placed is where the edits of one operation go.
type placed struct {
	spans   []locator.Span
	anchor  locator.Anchor
	shifted int // edits that moved
}

// subject is one operation on its way up the drift ladder.
type subject struct {
	Edit
	now       []byte // the file as it is
	base      []byte // what the edits were made for
	baseKnown bool
}

// locate finds the places of the edits of o in the file n.
func (p *preparer) locate(n *node, o Edit) (placed, error) {
	t, err := p.text(n)
	if err != nil {
		return placed{}, err
	}
	if o.Expect.empty() && o.onlyRanges() && o.standsIn(t) {
		return placed{spans: o.ranges(), anchor: o.anchorInPlace()}, nil
	}
	now := t.Bytes()
	s := &subject{Edit: o, now: now, base: o.Base, baseKnown: o.Base != nil}
	if err := s.expectBase(); err != nil {
		return placed{}, err
	}
	want := s.Expect
	if !want.empty() {
		if err := p.hash(n); err != nil {
			return placed{}, err
		}
	}
	if want.exactly(n, now) {
		return s.in(now, anchorHash)
	}
	lines := s.takeFileEnds()
	switch {
	case want.empty():
		found, err := s.unexpected(p.opts.OnDrift)
		if lines != nil && found.anchor == locator.AnchorOld {
			found.anchor = anchorNorm
		}
		return found, err
	case lines != nil && want.exactly(n, lines):
		return s.in(now, anchorNorm)
	}
	s.findBase(n, p.opts.BaseFor)
	switch {
	case s.baseKnown && hashing.Norm(s.base) == n.is.Norm:
		return s.renormalized()
	case want.Raw == nil && want.Norm != nil && *want.Norm == n.is.Norm && s.anchored():
		return s.in(now, anchorNorm)
	case p.opts.OnDrift == RelocateDrift:
		found, err := s.relocated()
		return found, explain(err, want, n, now)
	case (p.opts.OnDrift == MergeDrift || p.opts.OnDrift == MarkDrift) && s.baseKnown:
		return s.merged(p.opts.OnDrift == MarkDrift)
	}
	return placed{}, s.refuse(n)
}

// standsIn reports whether the byte ranges of the edits are in t, with their old
// texts, and do not overlap: then there is no need to look at the rest of it.
func (o Edit) standsIn(t *text) bool {
	if locator.Validate(t.Size(), o.ranges()) != nil {
		return false
	}
	return !slices.ContainsFunc(o.Edits, func(e locator.Edit) bool {
		return e.Old != nil && !bytes.Equal(e.Old, t.Range(e.Start, e.End))
	})
}

// expectBase makes the plan's base an expectation, or checks it against the
// one that is there.
func (s *subject) expectBase() error {
	if !s.baseKnown {
		return nil
	}
	raw, norm := hashing.Raw(s.base), hashing.Norm(s.base)
	if w := s.Expect; w.Raw != nil && *w.Raw != raw || w.Norm != nil && *w.Norm != norm {
		return fail.New(fail.Usage, "", "", "the base is not the text that the plan expects")
	}
	s.Expect.Raw, s.Expect.Norm = &raw, &norm
	return nil
}

// findBase finds the text that the edits were made for, if anything tells.
func (s *subject) findBase(n *node, baseFor func(hashing.Digest) []byte) {
	w := s.Expect
	if s.baseKnown || w.Raw == nil {
		return
	}
	if w.Norm != nil && *w.Raw == *w.Norm && *w.Norm == n.is.Norm {
		s.base, s.baseKnown = hashing.Normalize(s.now), true // it was its own normal form
		return
	}
	if baseFor != nil {
		s.base = baseFor(*w.Raw)
		s.baseKnown = s.base != nil && hashing.Raw(s.base) == *w.Raw
	}
}

// in places the edits in content, which is what they were made for.
func (s *subject) in(content []byte, anchor locator.Anchor) (placed, error) {
	located, err := locator.Locate(content, s.Edits)
	return placed{spans: located.Spans, anchor: anchor}, err
}

// unexpected places edits of which no hash says what they were made for: each
// is held by what it carries.
func (s *subject) unexpected(policy DriftPolicy) (placed, error) {
	located, err := locator.Locate(s.now, s.Edits)
	if err == nil {
		anchor := locator.Anchor("")
		for _, a := range located.Anchors {
			anchor = weaker(anchor, a)
		}
		return placed{spans: located.Spans, anchor: anchor}, nil
	}
	switch kind := fail.KindOf(err); {
	case kind != fail.Drift && kind != fail.Position:
		return placed{}, err
	case policy == RelocateDrift:
		return s.relocated()
	}
	if several := s.twins(false); several != nil {
		return placed{}, several
	}
	return placed{}, err
}

// anchored reports whether every edit carries text that says where it goes.
func (s *subject) anchored() bool {
	return !slices.ContainsFunc(s.Edits, func(e locator.Edit) bool { return e.Old == nil && !e.Searches() })
}

// relocated places each edit where its old text stands.
func (s *subject) relocated() (placed, error) {
	located, err := locator.Relocate(s.now, s.Edits)
	if err != nil {
		return placed{}, err
	}
	found := placed{spans: located.Spans, anchor: locator.AnchorOld}
	m := locator.NewMapper(s.now)
	for i, e := range s.Edits {
		switch {
		case located.Anchors[i] != locator.AnchorMoved:
			found.anchor = weaker(found.anchor, located.Anchors[i])
		case !standsAt(m, s.now, e):
			found.anchor = weaker(found.anchor, locator.AnchorMoved)
			found.shifted++
		}
	}
	return found, nil
}

// nominal returns the place that e itself names; false if there is none.
func nominal(m *locator.Mapper, size int, e locator.Edit) (start, end int, ok bool) {
	var err error
	switch {
	case e.Searches():
		return 0, 0, false
	case e.Lines != nil:
		start, end, err = m.LinesToRange(*e.Lines)
	case e.Range != nil:
		start, end, err = m.RangeToOffsets(*e.Range)
	case e.Units != nil:
		start, end, err = m.UnitsToOffsets(*e.Units)
	default:
		start, end = e.Start, e.End
	}
	return start, end, err == nil && 0 <= start && start <= end && end <= size
}

// standsAt reports whether the old text of e stands in its place.
func standsAt(m *locator.Mapper, content []byte, e locator.Edit) bool {
	start, end, ok := nominal(m, len(content), e)
	return ok && string(content[start:end]) == string(e.Old)
}

// twins is an error of kind ambiguous if the old text of an edit stands in
// several places. With inPlace the old place must be one of them: it may be the
// twin that has come into it.
func (s *subject) twins(inPlace bool) error {
	m := locator.NewMapper(s.now)
	for i, e := range s.Edits {
		if len(e.Old) == 0 || inPlace && !standsAt(m, s.now, e) || len(locator.Places(s.now, e, 2)) < 2 {
			continue
		}
		err := locator.About(fail.New(fail.Ambiguous, "", "", "the file has changed, and the old text stands in several places"),
			e, i, len(s.Edits))
		err.Candidates = locator.Places(s.now, e, locator.MaxCandidates)
		return err
	}
	return nil
}

// refuse is the last rung.
func (s *subject) refuse(n *node) error {
	if err := s.twins(true); err != nil {
		return explain(err, s.Expect, n, s.now)
	}
	err := drifted(s.Expect, n, s.now)
	if w := s.Expect; w.Norm != nil && *w.Norm == n.is.Norm {
		return err.WithHint("only white space, line ends or a BOM differ: give the text that the edits were made for (base), " +
			"or make the plan anew")
	}
	return err.WithHint("make the plan anew for the file as it is, or let edits follow their old text (relocate)")
}

// drifted is an error that says which file was expected and which is there: n,
// with these bytes.
func drifted(want Expect, n *node, content []byte) *fail.Error {
	err := fail.New(fail.Drift, "", "", "the file is not the one that the plan was made for")
	err.Expected, err.Actual = want.differs(n, content)
	if err.Expected == "" && want.Norm != nil {
		err.Expected, err.Actual = want.Norm.String(), n.is.Norm.String()
	}
	return err
}

// explain adds to err, which may be nil, which file was expected.
func explain(err error, want Expect, n *node, content []byte) error {
	if err == nil {
		return nil
	}
	e := fail.From(err, "", "")
	d := drifted(want, n, content)
	e.Expected, e.Actual = d.Expected, d.Actual
	if e.Kind == fail.Drift {
		e.Message = d.Message + ": " + e.Message
	}
	return e
}
