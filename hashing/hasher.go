package hashing

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// RawHasher computes the raw digest of what is written to it. The zero value is
// ready. It needs no memory beyond itself, about 1.2 KiB.
type RawHasher struct {
	state xxh3.Hasher128
	size  int64
}

// Write adds p. It never fails.
func (h *RawHasher) Write(p []byte) (int, error) {
	h.size += int64(len(p))
	return h.state.Write(p)
}

// Raw returns the digest of everything written so far.
func (h *RawHasher) Raw() Digest { return h.state.Sum128().Bytes() }

// Size returns the number of bytes written so far.
func (h *RawHasher) Size() int64 { return h.size }

// Reset forgets everything written.
func (h *RawHasher) Reset() {
	h.state.Reset()
	h.size = 0
}

// Hasher computes the raw and the normalized digest of what is written to it in
// one pass. Its memory does not depend on what is written, not even on the
// length of a run of blanks. Make one with NewHasher; it must not be copied.
type Hasher struct {
	RawHasher
	text   normalizer
	digest digestSink
	binary bool // a NUL was written: there is no normal form
}

// NewHasher returns a Hasher of nothing.
func NewHasher() *Hasher {
	h := new(Hasher)
	h.text.out = &h.digest
	return h
}

// Write adds p. It never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	h.norm(p)
	return h.RawHasher.Write(p)
}

// norm adds p to the normalized digest only.
func (h *Hasher) norm(p []byte) {
	h.binary = h.binary || bytes.IndexByte(p, 0) >= 0
	if !h.binary {
		h.text.write(p)
	}
}

// Norm returns the normalized digest of everything written so far.
func (h *Hasher) Norm() Digest {
	switch {
	case h.binary:
		return h.Raw()
	case h.text.blank: // as if the text ended here
		return h.digest.marked.Sum128().Bytes()
	}
	return h.digest.state.Sum128().Bytes()
}

// Reset forgets everything written.
func (h *Hasher) Reset() {
	h.RawHasher.Reset()
	h.digest.state.Reset()
	h.text = normalizer{out: &h.digest}
	h.binary = false
}

// digestSink hashes the normal form. Bytes that may yet be dropped are hashed
// at once; taking them back is returning to the state before them, so nothing
// has to be held however long they go on.
type digestSink struct{ state, marked xxh3.Hasher128 }

func (s *digestSink) keep(p []byte) { _, _ = s.state.Write(p) }
func (s *digestSink) drop(int)      {}
func (s *digestSink) mark()         { s.marked = s.state }
func (s *digestSink) rewind()       { s.state = s.marked }
