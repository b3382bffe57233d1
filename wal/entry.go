package wal

import "encoding/binary"

// OpType says what an entry does.
type OpType uint8

// The operations of entries.
const (
	OpPut    OpType = 1
	OpDelete OpType = 2
)

// Entry is a record of a host: what it means is the host's business.
type Entry struct {
	Op        OpType
	Entity    string
	Key       string
	Data      []byte
	Timestamp int64
}

// maxFrame is no less than what the entry's frame takes.
func (e *Entry) maxFrame() int {
	const besides = frameHeaderSize + 1 + 4*binary.MaxVarintLen64 + frameAlign
	return besides + len(e.Entity) + len(e.Key) + len(e.Data)
}

func (e *Entry) encode(p []byte) []byte {
	p = append(p, byte(e.Op))
	p = putInt(p, e.Timestamp)
	p = putString(p, e.Entity)
	p = putString(p, e.Key)
	return putOptional(p, e.Data)
}

// decodeEntry returns an entry whose data is a part of p.
func decodeEntry(p []byte) (Entry, error) {
	d := decoder{b: p}
	e := Entry{Op: OpType(d.byte()), Timestamp: d.int(), Entity: d.string(), Key: d.string(), Data: d.optional()}
	return e, d.end()
}

// entryIndex numbers the entries, from 1 in the order in which they were
// appended; the number is an entry's position, and outlives compaction.
type entryIndex struct {
	next    uint64 // position of the next entry
	through uint64 // entries up to this position are truncated
	from    int64  // offset from which the entries that are not truncated stand, 0: the first frame
	fromPos uint64 // position of the first entry at or behind from
}

func newEntryIndex() entryIndex { return entryIndex{next: 1, fromPos: 1} }

func (x *entryIndex) add(f *frame) error {
	if f.typ == typeEntry {
		x.next++
		return nil
	}
	through, err := decodeTruncate(f.payload)
	if err != nil {
		return err
	}
	x.through = max(x.through, through)
	if x.through+1 >= x.next {
		x.from, x.fromPos = f.end(), x.next
	}
	return nil
}

func (x *entryIndex) encode(p []byte) []byte {
	p = putUint(p, x.next)
	p = putUint(p, x.through)
	p = putUint(p, uint64(x.from))
	return putUint(p, x.fromPos)
}

func (d *decoder) entryIndex() entryIndex {
	return entryIndex{next: d.uint(), through: d.uint(), from: d.size(), fromPos: d.uint()}
}

func encodeTruncate(p []byte, through uint64) []byte { return putUint(p, through) }

func decodeTruncate(p []byte) (uint64, error) {
	d := decoder{b: p}
	through := d.uint()
	return through, d.end()
}
