package hashing

import (
	"bytes"
	"sort"
)

// Map translates byte positions between a text and its normal form. Its memory
// grows with the number of places where the normalizer dropped something, not
// with the text; a lookup is a binary search.
type Map struct {
	runs []run
	size int // of the text
	lead int // end of the leading byte order marks in the text
}

// run is a stretch of the text that the normal form lacks.
type run struct {
	start, end int // in the text
	dropped    int // bytes dropped before it
}

// at is the place of the run in the normal form.
func (r run) at() int { return r.start - r.dropped }

// NewMap returns the map of src. A text without a normal form is mapped to
// itself.
func NewMap(src []byte) *Map {
	b := &mapSink{src: src}
	if bytes.IndexByte(src, 0) < 0 {
		n := normalizer{out: b}
		n.write(src)
		n.finish()
	}
	return &Map{runs: b.runs, size: len(src), lead: b.lead}
}

// Size returns the length of the text.
func (m *Map) Size() int { return m.size }

// NormSize returns the length of the normal form.
func (m *Map) NormSize() int { return m.size - m.droppedBefore(len(m.runs)) }

// ToNorm returns the position in the normal form of pos in the text. It is
// false where pos is outside the text, or inside something that the normalizer
// dropped; the borders of that are not inside, nor is the border between a
// byte order mark and what was dropped behind it.
func (m *Map) ToNorm(pos int) (int, bool) {
	if pos < 0 || pos > m.size {
		return 0, false
	}
	i := sort.Search(len(m.runs), func(i int) bool { return m.runs[i].end >= pos })
	if i == len(m.runs) || pos <= m.runs[i].start {
		return pos - m.droppedBefore(i), true
	}
	r := m.runs[i]
	return r.at(), pos == r.end || pos == m.lead
}

// FromNorm returns the position in the text of pos in the normal form. Where
// something was dropped at pos there are several: it is the one in front of
// dropped blanks and CRs, so that what is inserted at the end of a line comes
// before its CR, and behind dropped byte order marks, which stay in front. It
// is false where pos is outside the normal form.
func (m *Map) FromNorm(pos int) (int, bool) {
	if pos < 0 || pos > m.NormSize() {
		return 0, false
	}
	if pos == 0 {
		return m.lead, true
	}
	i := sort.Search(len(m.runs), func(i int) bool { return m.runs[i].at() >= pos })
	return pos + m.droppedBefore(i), true
}

// droppedBefore returns the bytes that the first i runs dropped.
func (m *Map) droppedBefore(i int) int {
	if i == 0 {
		return 0
	}
	r := m.runs[i-1]
	return r.dropped + r.end - r.start
}

// mapSink collects the runs of a map.
type mapSink struct {
	src  []byte
	runs []run
	pos  int // in src
	norm int // in the normal form
	lead int

	marked, markedNorm int
	markedRuns         []run
}

func (s *mapSink) keep(p []byte) {
	s.pos += len(p)
	s.norm += len(p)
}

func (s *mapSink) drop(n int) {
	if n == 0 {
		return
	}
	start := s.pos
	s.pos += n
	if last := len(s.runs) - 1; last >= 0 && s.runs[last].end == start {
		s.runs[last].end = s.pos
		return
	}
	s.runs = append(s.runs, run{start: start, end: s.pos, dropped: start - s.norm})
}

func (s *mapSink) mark() {
	s.marked, s.markedNorm, s.markedRuns = s.pos, s.norm, s.runs
}

// rewind can go back to the runs as they were: a run is only lengthened where
// it ends at pos, and no mark is followed by a drop at the same place.
func (s *mapSink) rewind() {
	end := s.pos
	s.pos, s.norm, s.runs = s.marked, s.markedNorm, s.markedRuns
	s.drop(end - s.pos)
	if s.src[s.marked] == bom[0] { // only blanks and byte order marks are taken back
		s.lead = end
	}
}
