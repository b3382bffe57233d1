package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/emend/emend/hashing"
)

// A scanner reads little at first, and more with every read that goes on where
// the last one ended. A longer frame makes its window longer, never beyond the
// end of the file.
const (
	minWindow  = 4 << 10
	readWindow = 256 << 10
)

// scanner reads the frames of one file of one salt through a window. It
// changes nothing and believes no length before its checksum.
type scanner struct {
	r    io.ReaderAt
	size int64 // of the file
	salt uint32
	buf  []byte // the window ...
	base int64  // ... and its place
}

// bytes returns n bytes at off, valid until the next call. False where the
// file ends before.
func (s *scanner) bytes(off int64, n int) ([]byte, bool, error) {
	if off < 0 || off > s.size || int64(n) > s.size-off {
		return nil, false, nil
	}
	if s.holds(off, n) {
		return s.buf[off-s.base:][:n], true, nil
	}
	kept, window := s.rest(off), minWindow
	if len(kept) > 0 || off == s.base+int64(len(s.buf)) {
		window = max(window, min(2*len(s.buf), readWindow))
	}
	want := int(min(int64(max(n, window)), s.size-off))
	buf := s.buf[:cap(s.buf)]
	if len(buf) < want {
		buf = make([]byte, want)
	}
	had := copy(buf, kept)
	s.buf, s.base = buf[:want], off
	if got, err := s.r.ReadAt(s.buf[had:], off+int64(had)); had+got < want {
		s.forget()
		if errors.Is(err, io.EOF) {
			return nil, false, nil // cut shorter meanwhile
		}
		return nil, false, err
	}
	return s.buf[:n], true, nil
}

// holds reports whether n bytes at off are in the window.
func (s *scanner) holds(off int64, n int) bool {
	i := off - s.base
	return i >= 0 && i+int64(n) <= int64(len(s.buf))
}

// rest is what the window holds from off on.
func (s *scanner) rest(off int64) []byte {
	if i := off - s.base; i >= 0 && i < int64(len(s.buf)) {
		return s.buf[i:]
	}
	return nil
}

// forget drops the window, so that the next read sees what others wrote.
func (s *scanner) forget() { s.buf, s.base = s.buf[:0], 0 }

// header returns the header of the frame at off, and its payload CRC. False:
// no frame is there, or it would not fit the file.
func (s *scanner) header(off int64) (frame, uint32, bool, error) {
	b, ok, err := s.bytes(off, frameHeaderSize)
	if !ok || err != nil {
		return frame{}, 0, false, err
	}
	f, crc, ok := parseFrameHeader(b, s.salt, off)
	return f, crc, ok && f.end() <= s.size, nil
}

// frame returns the frame at off with its payload, both checksums good. Its
// sequence number and chain are the caller's to check.
func (s *scanner) frame(off int64) (frame, bool, error) {
	f, crc, ok, err := s.header(off)
	if !ok || err != nil {
		return frame{}, false, err
	}
	b, ok, err := s.bytes(off, int(f.size()))
	if !ok || err != nil || crc32.Checksum(b[frameHeaderSize:], castagnoli) != crc {
		return frame{}, false, err
	}
	f.payload = b[frameHeaderSize:][:f.length]
	return f, true, nil
}

// next returns the frame that belongs at p. False: what is there is not it.
func (s *scanner) next(p position) (frame, bool, error) {
	f, ok, err := s.frame(p.off)
	return f, ok && f.follows(p), err
}

// resyncBudget bounds how many bytes of payload a search may check in vain, as
// a multiple of what it searches: content made to look like headers costs no
// more than that. Beyond it a good header counts as a frame.
const resyncBudget = 4

// search finds frames behind damage.
type search struct {
	s      *scanner
	minSeq uint64
	at     int64 // where to look next
	budget int64
}

// searchFrom returns a search for frames at or behind off whose sequence
// number is at least minSeq.
func (s *scanner) searchFrom(off int64, minSeq uint64) *search {
	at := (off + frameAlign - 1) &^ (frameAlign - 1)
	probe := &scanner{r: s.r, size: s.size, salt: s.salt}
	return &search{s: probe, minSeq: minSeq, at: at, budget: resyncBudget * (s.size - off)}
}

// next returns the next frame. What is inside a frame found is not looked at.
func (q *search) next() (frame, bool, error) {
	for q.at <= q.s.size-frameHeaderSize {
		n := int(min(readWindow, q.s.size-q.at))
		b, ok, err := q.s.bytes(q.at, n)
		if !ok || err != nil {
			return frame{}, false, err
		}
		i := findSalt(b, q.s.salt)
		if i < 0 {
			q.at += int64(max(n&^(frameAlign-1), frameAlign))
			continue
		}
		q.at += int64(i)
		f, ok, err := q.try()
		if err != nil || ok {
			return f, ok, err
		}
		q.at += frameAlign
	}
	return frame{}, false, nil
}

// try checks whether a frame is at q.at, and moves behind it.
func (q *search) try() (frame, bool, error) {
	f, _, ok, err := q.s.header(q.at)
	if !ok || err != nil || f.seq < q.minSeq {
		return frame{}, false, err
	}
	if q.budget > 0 {
		whole, ok, err := q.s.frame(q.at)
		if err != nil {
			return frame{}, false, err
		}
		if !ok {
			q.budget -= f.size()
			return frame{}, false, nil
		}
		f = whole
	}
	q.at = f.end()
	return f, true, nil
}

// findSalt returns the first multiple of 8 at which b holds salt, -1 if none.
func findSalt(b []byte, salt uint32) int {
	for i := 0; i+4 <= len(b); i += frameAlign {
		if binary.LittleEndian.Uint32(b[i:]) == salt {
			return i
		}
	}
	return -1
}

// lastNonZero returns the offset behind the last byte of [lo, hi) that is not
// zero, lo if all are.
func lastNonZero(r io.ReaderAt, lo, hi int64) (int64, error) {
	buf := make([]byte, min(64<<10, max(hi-lo, 0)))
	for hi > lo {
		b := buf[:min(int64(len(buf)), hi-lo)]
		if n, err := r.ReadAt(b, hi-int64(len(b))); n < len(b) {
			return 0, err
		}
		hi -= int64(len(b))
		if !allZero(b) {
			return hi + int64(len(bytes.TrimRight(b, "\x00"))), nil
		}
	}
	return lo, nil
}

func allZero(b []byte) bool {
	var zeros [4096]byte
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

// groupSum is the digest of a frame's payload, where a seal's digest needs it.
func (f *frame) groupSum() hashing.Digest {
	if !f.typ.inGroup() {
		return hashing.Digest{}
	}
	return hashing.Raw(f.payload)
}
