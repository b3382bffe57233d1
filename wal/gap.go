package wal

import "fmt"

// gap is what stands where a frame should be.
type gap struct {
	from, to int64  // equal: nothing, the log ends here
	lost     string // of damage; "": a torn write, of which nothing was acknowledged
	after    position
	more     bool // frames go on at after
}

func (g gap) torn() bool    { return g.to > g.from && g.lost == "" }
func (g gap) damaged() bool { return g.lost != "" }

func (g gap) corrupt(path string) error {
	return &CorruptError{Path: path, From: g.from, To: g.to, Lost: g.lost}
}

// gapAt tells what is wrong at p, where no valid frame is: nothing (zeros to
// the end), a torn write, or damage. It is damage where a sync had covered p:
// if p is before vouched, or if a later frame says so, which then sets vouched.
func (s *scanner) gapAt(p position, vouched *int64) (gap, error) {
	end, err := lastNonZero(s.r, min(p.off, s.size), s.size)
	if err != nil || end <= p.off && p.off >= *vouched {
		return gap{}, err
	}
	q := s.searchFrom(p.off, p.seq)
	first, found, err := q.next()
	for f, more := first, found; more && err == nil && p.off >= *vouched; f, more, err = q.next() {
		*vouched = max(*vouched, f.synced)
	}
	switch {
	case err != nil:
		return gap{}, err
	case p.off >= *vouched:
		g := gap{from: p.off, to: end}
		if p.off == fileHeaderSize && s.foreign() {
			g.lost = "the file header is not the one that the frames were written under"
		}
		return g, nil
	case !found:
		lost := fmt.Sprintf("frame %d and what follows", p.seq)
		return gap{from: p.off, to: max(end, *vouched), lost: lost}, nil
	}
	after := position{off: first.off, seq: first.seq, chain: first.chain}
	return gap{from: p.off, to: first.off, lost: lostBetween(p.seq, first.seq), after: after, more: true}, nil
}

// foreign reports whether there are frames of another log or generation.
func (s *scanner) foreign() bool {
	any := &scanner{r: s.r, size: s.size}
	_, ok := any.findAny(fileHeaderSize)
	return ok && any.salt != s.salt
}

// findAny looks for the first header that bears out its own salt, and takes
// that salt on.
func (s *scanner) findAny(off int64) (frame, bool) {
	for ; off <= s.size-frameHeaderSize; off += frameAlign {
		b, ok, err := s.bytes(off, frameHeaderSize)
		if !ok || err != nil {
			break
		}
		salt := saltOf(b)
		if f, _, ok := parseFrameHeader(b, salt, off); ok && f.end() <= s.size {
			s.salt = salt
			return f, true
		}
	}
	return frame{}, false
}

// lostBetween names the frames from seq up to, not including, found.
func lostBetween(seq, found uint64) string {
	switch found - seq {
	case 0:
		return fmt.Sprintf("what stood before frame %d", seq)
	case 1:
		return fmt.Sprintf("frame %d", seq)
	}
	return fmt.Sprintf("frames %d to %d", seq, found-1)
}

// damageAt is the error for a position where a frame was known to be: there
// were valid ones up to the scanner's end.
func (s *scanner) damageAt(p position, path string) error {
	vouched := s.size
	g, err := s.gapAt(p, &vouched)
	if err != nil {
		return wrap(err, "read", path)
	}
	return g.corrupt(path)
}
