package wal

import (
	"cmp"
	"encoding/binary"
	"io"
	"maps"
	"slices"

	"github.com/emend/emend/hashing"
)

// A clean close is the last frame that a process writes, without a sync. It
// lists what an open has to know, so that an open that finds it last reads
// nothing before it. Its payload ends, at a multiple of 8, with
//
//	+------------------+------------------+
//	| frame length  4  | 0x1A 'e' 'n' 'd' |
//	+------------------+------------------+
//
// so that it is found from the end of the file, backwards over the zeros.
const (
	closeTrailer     = "\x1aend"
	closeTrailerSize = 8
	maxClose         = 4 << 10 // of the whole frame; a log with more to list has no clean close
	maxCloseZeros    = 1 << 20 // how far back the search goes
)

// encodeClose returns the payload, nil where it would be too long.
func (x *index) encodeClose() []byte {
	list := x.choose((*txn).unfinished)
	if len(list)*8+len(x.hosts.live)*24 > maxClose {
		return nil
	}
	p := putUint(nil, uint64(len(list)))
	for _, t := range list {
		p = putUint(p, uint64(t.beginAt))
		p = putUint(p, uint64(t.sealAt))
		p = putUint(p, uint64(len(t.records)))
		for _, off := range t.records {
			p = putUint(p, uint64(off))
		}
	}
	p = putUint(p, uint64(len(x.hosts.live)))
	for _, id := range slices.SortedFunc(maps.Keys(x.hosts.live), func(a, b hashing.Digest) int {
		return cmp.Compare(x.hosts.live[a], x.hosts.live[b])
	}) {
		p = append(p, id[:]...)
		p = putUint(p, uint64(x.hosts.live[id]))
	}
	p = x.entries.encode(p)
	for len(p)%frameAlign != 0 {
		p = append(p, 0)
	}
	p = binary.LittleEndian.AppendUint32(p, uint32(frameSize(len(p)+closeTrailerSize)))
	p = append(p, closeTrailer...)
	if frameSize(len(p)) > maxClose {
		return nil
	}
	return p
}

// closed is what a clean close says.
type closed struct {
	intents [][]int64 // offsets: begin, seal, records
	hosts   map[hashing.Digest]int64
	entries entryIndex
}

func decodeClose(p []byte) (closed, error) {
	if len(p) < closeTrailerSize {
		return closed{}, errShort
	}
	d := decoder{b: p[:len(p)-closeTrailerSize]}
	c := closed{hosts: map[hashing.Digest]int64{}}
	for range d.count() {
		offsets := []int64{d.size(), d.size()}
		for range d.count() {
			offsets = append(offsets, d.size())
		}
		c.intents = append(c.intents, offsets)
	}
	for range d.count() {
		id := d.digest()
		c.hosts[id] = d.size()
	}
	c.entries = d.entryIndex()
	for _, b := range d.take(uint64(len(d.b))) {
		if b != 0 {
			d.fail(errExcess)
		}
	}
	return c, d.end()
}

// findClose returns the clean close that ends the file. False: there is none,
// and the log has to be read from its start.
func (s *scanner) findClose() (frame, bool, error) {
	end, err := lastNonZero(s.r, max(fileHeaderSize, s.size-maxCloseZeros), s.size)
	if err != nil || end%frameAlign != 0 || end < fileHeaderSize+frameHeaderSize+closeTrailerSize {
		return frame{}, false, err
	}
	b := make([]byte, closeTrailerSize)
	if n, err := s.r.ReadAt(b, end-closeTrailerSize); n < len(b) && err != io.EOF {
		return frame{}, false, err
	}
	length := int64(binary.LittleEndian.Uint32(b))
	if string(b[4:]) != closeTrailer || length > maxClose || length > end-fileHeaderSize {
		return frame{}, false, nil
	}
	f, ok, err := s.frame(end - length)
	return f, ok && f.typ == typeClose && f.end() == end, err
}

// openClosed makes a partial index of what the clean close lists, reading the
// first and last frames of each intent. False: it does not fit what is there.
func (s *scanner) openClosed(f *frame) (*index, bool, error) {
	c, err := decodeClose(f.payload)
	if err != nil {
		return nil, false, nil
	}
	at := *f
	x := newIndex()
	x.hosts.live, x.entries = c.hosts, c.entries
	for _, offsets := range c.intents {
		if ok, err := s.restore(x, offsets); !ok || err != nil {
			return nil, false, err
		}
	}
	ok, err := s.linked(&at)
	return x, ok, err
}

// restore puts the intent whose frames stand at offsets into x.
func (s *scanner) restore(x *index, offsets []int64) (bool, error) {
	t := &txn{beginAt: offsets[0], sealAt: offsets[1]}
	for i, off := range offsets {
		f, ok, err := s.frame(off)
		if !ok || err != nil {
			return false, err
		}
		switch {
		case i == 0 && f.typ == typeBegin:
			t.begin, err = decodeBegin(f.payload)
		case i == 1 && f.typ == typeSeal:
			var e seal
			e, err = decodeSeal(f.payload)
			t.steps = int(e.steps)
			if err == nil && (e.id != t.begin.ID || e.begin != t.beginAt) {
				return false, nil
			}
			x.insert(t)
		case i > 1 && (f.typ == typeDecision || f.typ == typeRetire || f.typ == typeNote):
			err = x.addRecord(&f)
		default:
			return false, nil
		}
		if err != nil {
			return false, nil
		}
	}
	return true, nil
}

// linked reports whether the frames from the end that the clean close says is
// synced up to the close itself are all there: a power cut may have kept the
// one and lost the others.
func (s *scanner) linked(c *frame) (bool, error) {
	if c.synced == c.off {
		return true, nil
	}
	f, ok, err := s.frame(c.synced)
	for ok && err == nil && f.off < c.off {
		f, ok, err = s.next(f.after())
	}
	return ok && f.off == c.off && f.crc == c.crc, err
}
