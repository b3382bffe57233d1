package wal

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
)

// Every payload of an intent begins with its ID.

func (b Begin) encode(p []byte) []byte {
	p = append(p, b.ID[:]...)
	p = putTime(p, b.Time)
	p = append(p, b.Plan[:]...)
	p = append(p, b.Undoes[:]...)
	p = append(p, flagBits(b.Redo))
	p = putString(p, b.Label)
	return putString(p, b.Key)
}

func decodeBegin(p []byte) (Begin, error) {
	d := decoder{b: p}
	var b Begin
	b.ID = d.id()
	b.Time = d.time()
	b.Plan = d.digest()
	b.Undoes = d.id()
	flags := d.flags(1)
	b.Redo = flags&1 != 0
	b.Label = d.string()
	b.Key = d.string()
	return b, d.end()
}

// The flags of a step.
const (
	stepInPlace   = 1
	stepHasBefore = 2
	stepHasAfter  = 4
)

func (s *Step) encode(p []byte, id ID) []byte {
	p = append(p, id[:]...)
	p = putUint(p, uint64(s.N))
	p = append(p, flagBits(s.InPlace, s.HasBefore, s.HasAfter), byte(s.Op))
	p = putString(p, s.Path)
	p = s.Before.encode(p)
	p = s.After.encode(p)
	p = putInt(p, int64(s.LinkOf))
	p = putString(p, s.DirFrom)
	p = putString(p, s.Sibling)
	p = putString(p, s.From)
	p = putString(p, s.Anchor)
	p = putInt(p, int64(s.Order))
	p = putInt(p, int64(s.NumEdits))
	p = putInt(p, int64(s.Shifted))
	p = putUint(p, uint64(len(s.Edits)))
	for _, e := range s.Edits {
		p = putUint(p, uint64(e.Start))
		p = putBytes(p, e.Old)
		p = putBytes(p, e.New)
	}
	return p
}

// decodeStep returns a step that keeps nothing of p.
func decodeStep(p []byte) (ID, Step, error) {
	d := decoder{b: bytes.Clone(p)}
	id := d.id()
	s := Step{N: d.number()}
	flags := d.flags(3)
	s.InPlace, s.HasBefore, s.HasAfter = flags&stepInPlace != 0, flags&stepHasBefore != 0, flags&stepHasAfter != 0
	s.Op = Op(d.byte())
	s.Path = d.string()
	s.Before = d.state()
	s.After = d.state()
	s.LinkOf = d.smallInt()
	s.DirFrom = d.string()
	s.Sibling = d.string()
	s.From = d.string()
	s.Anchor = d.string()
	s.Order = d.smallInt()
	s.NumEdits = d.smallInt()
	s.Shifted = d.smallInt()
	if n := d.count(); n > 0 {
		s.Edits = make([]Replacement, 0, min(n, len(d.b)/3))
		for range n {
			s.Edits = append(s.Edits, Replacement{Start: d.size(), Old: d.bytes(), New: d.bytes()})
			if d.err != nil {
				break
			}
		}
	}
	return id, s, d.end()
}

func (s *State) encode(p []byte) []byte {
	p = append(p, byte(s.Kind))
	switch s.Kind {
	case vfs.Absent:
		return p
	case vfs.Regular:
		p = append(p, s.Hash[:]...)
		p = append(p, s.Norm[:]...)
		p = putUint(p, uint64(s.Size))
	case vfs.Symlink:
		p = append(p, s.Hash[:]...)
		p = putString(p, s.Target)
	}
	p = putUint(p, uint64(s.Meta.Mode))
	p = putUint(p, uint64(s.Meta.UID))
	p = putUint(p, uint64(s.Meta.GID))
	p = putUint(p, uint64(len(s.Meta.Xattrs)))
	for _, x := range s.Meta.Xattrs {
		p = putString(p, x.Name)
		p = putBytes(p, x.Value)
	}
	return p
}

func (d *decoder) state() State {
	s := State{Kind: vfs.Kind(d.byte())}
	switch s.Kind {
	case vfs.Absent:
		return s
	case vfs.Regular:
		s.Hash, s.Norm, s.Size = d.digest(), d.digest(), d.size()
	case vfs.Symlink:
		s.Hash, s.Target = d.digest(), d.string()
	case vfs.Directory:
	default:
		d.fail(errRange)
		return State{}
	}
	s.Meta = Meta{Mode: d.uint32(), UID: d.uint32(), GID: d.uint32()}
	if n := d.count(); n > 0 {
		s.Meta.Xattrs = make([]vfs.Xattr, 0, min(n, len(d.b)/2))
		for range n {
			s.Meta.Xattrs = append(s.Meta.Xattrs, vfs.Xattr{Name: d.string(), Value: d.bytes()})
			if d.err != nil {
				break
			}
		}
	}
	return s
}

// number is the number of a step.
func (d *decoder) number() int {
	v := d.uint()
	if v > math.MaxInt32 {
		d.fail(errRange)
		return 0
	}
	return int(v)
}

// flagBits packs booleans into a byte, the first into the lowest bit.
func flagBits(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

// flags is a byte of n flags.
func (d *decoder) flags(n int) byte {
	b := d.byte()
	if b>>n != 0 {
		d.fail(errRange)
	}
	return b
}

// dataHeaderSize is the length of a data payload before its bytes:
//
//	 0                    16       20     21    24         32
//	+--------------------+--------+------+-----+----------+-------
//	| intent             | step   | image| 0   | offset   | bytes
//	+--------------------+--------+------+-----+----------+-------
const dataHeaderSize = 32

// maxData is the most image bytes that one data frame carries.
const maxData = 1 << 20

// dataHeader says which bytes of which image follow it.
type dataHeader struct {
	id  ID
	n   int
	img Image
	off int64
}

func (h dataHeader) encode(p []byte, data []byte) []byte {
	p = append(p, h.id[:]...)
	p = binary.LittleEndian.AppendUint32(p, uint32(h.n))
	p = append(p, byte(h.img), 0, 0, 0)
	p = binary.LittleEndian.AppendUint64(p, uint64(h.off))
	return append(p, data...)
}

func decodeDataHeader(p []byte) (dataHeader, error) {
	if len(p) < dataHeaderSize {
		return dataHeader{}, errShort
	}
	h := dataHeader{
		n:   int(binary.LittleEndian.Uint32(p[16:])),
		img: Image(p[20]),
		off: int64(binary.LittleEndian.Uint64(p[24:])),
	}
	copy(h.id[:], p)
	if h.n < 0 || h.n > math.MaxInt32 || h.off < 0 || h.img != Before && h.img != After || p[21]|p[22]|p[23] != 0 {
		return dataHeader{}, errRange
	}
	return h, nil
}

// seal ends a group: frames of the group before it, and a digest over them.
type seal struct {
	id     ID
	begin  int64 // offset of the begin frame
	frames uint64
	steps  uint64
	digest hashing.Digest
}

func (s seal) encode(p []byte) []byte {
	p = append(p, s.id[:]...)
	p = append(p, s.digest[:]...)
	p = binary.LittleEndian.AppendUint64(p, uint64(s.begin)) // fixed: compaction moves it
	p = putUint(p, s.frames)
	return putUint(p, s.steps)
}

func decodeSeal(p []byte) (seal, error) {
	d := decoder{b: p}
	s := seal{id: d.id(), digest: d.digest(), begin: d.fixed64(), frames: d.uint(), steps: d.uint()}
	if s.begin < 0 || s.steps > s.frames {
		d.fail(errRange)
	}
	return s, d.end()
}

// chainDigest adds a frame of a group, whose payload has the digest sum, to
// the group's digest.
func chainDigest(group hashing.Digest, typ frameType, sum hashing.Digest) hashing.Digest {
	var b [33]byte
	copy(b[:], group[:])
	b[16] = byte(typ)
	copy(b[17:], sum[:])
	return hashing.Raw(b[:])
}

// decision and retirement have a fixed length, because room is kept for them
// before a seal is written.
const (
	decisionLen  = 17
	retireLen    = 25
	decisionRoom = (frameHeaderSize + decisionLen + frameAlign - 1) &^ (frameAlign - 1)
	retireRoom   = (frameHeaderSize + retireLen + frameAlign - 1) &^ (frameAlign - 1)
)

func encodeDecision(p []byte, id ID, d Decision) []byte { return append(append(p, id[:]...), byte(d)) }

func decodeDecision(p []byte) (ID, Decision, error) {
	d := decoder{b: p}
	id, v := d.id(), Decision(d.byte())
	if v != Forward && v != Back {
		d.fail(errRange)
	}
	return id, v, d.end()
}

func encodeRetire(p []byte, id ID, o Outcome, at time.Time) []byte {
	p = append(append(p, id[:]...), byte(o))
	return binary.LittleEndian.AppendUint64(p, uint64(at.UnixNano()))
}

func decodeRetire(p []byte) (ID, Outcome, time.Time, error) {
	d := decoder{b: p}
	id, o, at := d.id(), Outcome(d.byte()), d.fixed64()
	if o != Committed && o != RolledBack && o != ParkedOutcome {
		d.fail(errRange)
	}
	return id, o, time.Unix(0, at).UTC(), d.end()
}

// NoteKind says what a note adds to a step that was sealed already.
type NoteKind uint8

// NoteInPlace is the one kind there is: the file is written in place after all.
const NoteInPlace NoteKind = 1

// note is something about a step that only the publish found out.
type note struct {
	id   ID
	n    int
	kind NoteKind
	text string
}

func (n note) encode(p []byte) []byte {
	p = append(p, n.id[:]...)
	p = putUint(p, uint64(n.n))
	p = append(p, byte(n.kind))
	return putString(p, n.text)
}

func decodeNote(p []byte) (note, error) {
	d := decoder{b: p}
	n := note{id: d.id(), n: d.number(), kind: NoteKind(d.byte()), text: d.string()}
	if n.kind != NoteInPlace {
		d.fail(errRange)
	}
	return n, d.end()
}

// apply makes the note part of its step.
func (n note) apply(s *Step) { s.InPlace = true }
