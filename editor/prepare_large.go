package editor

import (
	"io"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// largeSize is the size above which a file is not held in memory where its
// edits name byte ranges.
const largeSize = 64 << 20

// editLarge applies an edit of byte ranges to a large file without holding it.
// It reports false, and has done nothing, where the edit needs the whole text:
// to look for its places, or because the file is not as expected.
func (p *preparer) editLarge(n *node, o Edit) (bool, error) {
	if n.body.from != n || n.info.Size <= largeSize || p.texts.of[n] != nil || !o.onlyRanges() {
		return false, nil
	}
	if err := p.load(n); err != nil {
		return false, err
	}
	if len(n.body.edits) > 0 || o.Expect.Raw != nil && *o.Expect.Raw != n.was.Hash {
		return false, nil
	}
	spans, err := locator.Compose(n.was.Size, nil, o.ranges())
	if err != nil {
		return false, nil // the ladder says it better
	}
	s := &streamed{edits: o.Edits, spans: spans, size: n.was.Size}
	if _, err := p.scan(n, s.pass); err != nil || !s.inPlace {
		return false, err
	}
	if !p.writable(n) && s.after.raw != n.is.Hash {
		return false, readOnly()
	}
	n.body.edits = s.replaced
	n.is.Hash, n.is.Norm, n.is.Size = s.after.raw, s.after.norm, s.after.size
	n.note(wal.StepEdit, o.anchorInPlace())
	n.edits += len(o.Edits)
	return true, nil
}

// ranges returns the edits, which name byte ranges, as spans.
func (o Edit) ranges() []locator.Span {
	spans := spansOf(o.Edits)
	locator.Sort(spans)
	return spans
}

// onlyRanges reports whether nothing but byte ranges and a raw hash say what
// the edit is about.
func (o Edit) onlyRanges() bool {
	return o.Base == nil && (o.Expect.Norm == nil || o.Expect.Raw != nil) && !o.Expect.needsBytes() &&
		!slices.ContainsFunc(o.Edits, func(e locator.Edit) bool {
			return e.Lines != nil || e.Range != nil || e.Units != nil || e.Searches() || e.AtEOF || e.ByLine
		})
}

// anchorInPlace is the anchor of edits that are where they say.
func (o Edit) anchorInPlace() locator.Anchor {
	if o.Expect.Raw != nil {
		return anchorHash
	}
	anchor := locator.AnchorOld
	for _, e := range o.Edits {
		if e.Old == nil {
			anchor = locator.AnchorNone
		}
	}
	return anchor
}

// streamed is one pass over a large file.
type streamed struct {
	edits []locator.Edit
	spans []locator.Span
	size  int64

	inPlace  bool // the old texts stand where the edits say
	replaced []wal.Replacement
	after    sums
}

func (s *streamed) pass(f vfs.File, _ int64) (*contents, error) {
	s.inPlace = true
	for _, e := range s.edits {
		if e.Old == nil {
			continue
		}
		stands, err := readRange(f, e.Start, e.End)
		if err != nil {
			return nil, err
		}
		s.inPlace = s.inPlace && string(stands) == string(e.Old)
	}
	s.replaced = make([]wal.Replacement, len(s.spans))
	for i, span := range s.spans {
		old, err := readRange(f, span.Start, span.End)
		if err != nil {
			return nil, err
		}
		s.replaced[i] = wal.Replacement{Start: int64(span.Start), Old: old, New: span.Text}
	}
	before, after := hashing.NewHasher(), hashing.NewHasher()
	err := locator.SpliceTo(after, io.TeeReader(f, before), s.size, s.spans)
	s.after = sumsOf(after)
	return &contents{sums: sumsOf(before)}, err
}

func readRange(f vfs.File, start, end int) ([]byte, error) {
	b := make([]byte, end-start)
	_, err := f.ReadAt(b, int64(start))
	return b, err
}
