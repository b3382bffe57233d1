package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/emend/emend/hashing"
)

const (
	frameHeaderSize = 40
	frameAlign      = 8

	// hardLimit is the longest record that any log can hold; maxPayload leaves
	// room for what surrounds it in its frame.
	hardLimit  = 1 << 30
	maxPayload = hardLimit + 1<<20
)

// frameType says what a frame's payload is.
type frameType uint8

// The types. The first four make a group: an intent.
const (
	typeBegin frameType = 1 + iota
	typeFile
	typeData
	typeSeal
	typeDecision
	typeRetire
	typeNote
	typeMark
	typeClose
	typeHost
	typeHostRetire
	typeEntry
	typeTruncate
	typeKeys
	typeCheckpoint
	typeEnd // no type: one past the last
)

var frameTypeNames = [...]string{
	typeBegin: "begin", typeFile: "file", typeData: "data", typeSeal: "seal", typeDecision: "decision",
	typeRetire: "retire", typeNote: "note", typeMark: "mark", typeClose: "clean close", typeHost: "host intent",
	typeHostRetire: "host retire", typeEntry: "entry", typeTruncate: "truncate", typeKeys: "keys",
	typeCheckpoint: "checkpoint",
}

func (t frameType) String() string {
	if t > 0 && t < typeEnd {
		return frameTypeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// inGroup reports whether a seal's digest covers frames of this type.
func (t frameType) inGroup() bool { return t == typeBegin || t == typeFile || t == typeData }

// The flags of an entry: the next frame belongs to the same batch; the frame
// before does.
const (
	flagMore = 1
	flagPart = 2
)

// position is a place between two frames: what the next frame must say.
type position struct {
	off   int64
	seq   uint64
	chain uint32 // header CRC of the frame before; of the first frame: the file header's
}

// frame is one frame as read. The payload is valid until the next read.
type frame struct {
	off     int64
	typ     frameType
	flags   uint8
	seq     uint64
	synced  int64 // syncedOff
	chain   uint32
	crc     uint32 // of the header
	length  int    // of the payload
	payload []byte
}

func (f *frame) size() int64 { return frameSize(f.length) }
func (f *frame) end() int64  { return f.off + f.size() }

// after is the position behind the frame.
func (f *frame) after() position { return position{off: f.end(), seq: f.seq + 1, chain: f.crc} }

// follows reports whether the frame is the one that belongs at p.
func (f *frame) follows(p position) bool {
	return f.off == p.off && f.seq == p.seq && f.chain == p.chain
}

func frameSize(payload int) int64 {
	return (frameHeaderSize + int64(payload) + frameAlign - 1) &^ (frameAlign - 1)
}

// putFrameHeader completes the header of the frame b that will stand at p,
// and returns the position behind it. Length, type, flags and payload CRC are
// in place already:
//
//	 0        4        8        12   13   14   16                24                32       36       40
//	+--------+--------+--------+----+----+----+-----------------+-----------------+--------+--------+
//	| beacon | header | payload|type|flag| 0  | sequence number | syncedOff       | payload| chain  |
//	| (salt) | CRC    | length |    |    |    |                 |                 | CRC    |        |
//	+--------+--------+--------+----+----+----+-----------------+-----------------+--------+--------+
//	| payload, then zeros up to a multiple of 8 ...                                                  |
//
// Little-endian, CRCs are CRC32C. The header CRC covers the frame's offset in
// the file, the beacon, and bytes 8 to 40: a frame that was copied or moved to
// another place is no frame there. The payload CRC covers the zeros as well.
// The chain is the header CRC of the frame before.
func putFrameHeader(b []byte, salt uint32, p position, synced int64) position {
	le := binary.LittleEndian
	le.PutUint32(b[0:], salt)
	le.PutUint64(b[16:], p.seq)
	le.PutUint64(b[24:], uint64(synced))
	le.PutUint32(b[36:], p.chain)
	crc := headerCRC(b, p.off)
	le.PutUint32(b[4:], crc)
	return position{off: p.off + frameSize(int(le.Uint32(b[8:]))), seq: p.seq + 1, chain: crc}
}

// saltOf is what the frame header b claims to be the salt.
func saltOf(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func headerCRC(b []byte, off int64) uint32 {
	crc := ^uint32(0)
	for i := range 8 { // by hand: a slice of the offset would be garbage
		crc = castagnoli[byte(crc)^byte(off>>(8*i))] ^ crc>>8
	}
	for _, v := range b[:4] {
		crc = castagnoli[byte(crc)^v] ^ crc>>8
	}
	return crc32.Update(^crc, castagnoli, b[8:frameHeaderSize])
}

// parseFrameHeader reads the header b of the frame at off. False: there is no
// frame here. Nothing of the header is believed before its CRC.
func parseFrameHeader(b []byte, salt uint32, off int64) (f frame, payloadCRC uint32, ok bool) {
	le := binary.LittleEndian
	if le.Uint32(b) != salt || le.Uint32(b[4:]) != headerCRC(b, off) {
		return frame{}, 0, false
	}
	length := le.Uint32(b[8:])
	f = frame{
		off: off, typ: frameType(b[12]), flags: b[13],
		seq: le.Uint64(b[16:]), synced: int64(le.Uint64(b[24:])),
		chain: le.Uint32(b[36:]), crc: le.Uint32(b[4:]), length: int(length),
	}
	return f, le.Uint32(b[32:]), length <= maxPayload && f.typ != 0 && f.synced <= off
}

// frames is a run of frames being built for one write: payloads are encoded
// straight into the buffer that is written; what depends on the place in the
// file is filled in last, by link.
type frames struct {
	buf   []byte
	list  []builtFrame
	begun bool // the write has begun, and was not undone durably
}

type builtFrame struct {
	at     int // of the header in buf
	typ    frameType
	flags  uint8
	length int
	sum    hashing.Digest // of the payload of a group's frame
}

// add appends a frame whose payload encode appends to the slice it is given.
func (fs *frames) add(typ frameType, flags uint8, encode func(b []byte) []byte) {
	at := len(fs.buf)
	fs.buf = append(fs.buf, make([]byte, frameHeaderSize)...)
	if encode != nil {
		fs.buf = encode(fs.buf)
	}
	length := len(fs.buf) - at - frameHeaderSize
	for len(fs.buf)%frameAlign != 0 {
		fs.buf = append(fs.buf, 0)
	}
	b := builtFrame{at: at, typ: typ, flags: flags, length: length}
	payload := fs.buf[at+frameHeaderSize:]
	if typ.inGroup() {
		b.sum = hashing.Raw(payload[:length])
	}
	h := fs.buf[at:]
	binary.LittleEndian.PutUint32(h[8:], uint32(length))
	h[12], h[13] = byte(typ), flags
	binary.LittleEndian.PutUint32(h[32:], crc32.Checksum(payload, castagnoli))
	fs.list = append(fs.list, b)
}

// link gives the frames their places, the first at p, and returns the position
// behind the last.
func (fs *frames) link(salt uint32, p position, synced int64) position {
	for _, b := range fs.list {
		p = putFrameHeader(fs.buf[b.at:], salt, p, synced)
	}
	return p
}

// frame returns the i-th frame as a reader would see it. Valid after link.
func (fs *frames) frame(i int, base int64, salt uint32) frame {
	b := fs.list[i]
	f, _, _ := parseFrameHeader(fs.buf[b.at:], salt, base+int64(b.at))
	f.payload = fs.buf[b.at+frameHeaderSize:][:b.length]
	return f
}

// join appends the frames of more.
func (fs *frames) join(more *frames) {
	base := len(fs.buf)
	fs.buf = append(fs.buf, more.buf...)
	for _, b := range more.list {
		b.at += base
		fs.list = append(fs.list, b)
	}
}

// entries is how many of the frames are entries.
func (fs *frames) entries() (n uint64) {
	for _, b := range fs.list {
		if b.typ == typeEntry {
			n++
		}
	}
	return n
}

// drop takes the last frame off again.
func (fs *frames) drop() {
	last := len(fs.list) - 1
	fs.buf, fs.list = fs.buf[:fs.list[last].at], fs.list[:last]
}

func (fs *frames) reset() { fs.buf, fs.list, fs.begun = fs.buf[:0], fs.list[:0], false }
