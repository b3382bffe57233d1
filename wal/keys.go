package wal

import (
	"time"

	"github.com/emend/emend/hashing"
)

// keyRecord is what stays of a transaction that compaction dropped.
type keyRecord struct {
	begin   Begin // without its label
	outcome Outcome
}

func encodeKeys(p []byte, list []keyRecord) []byte {
	p = putUint(p, uint64(len(list)))
	for _, k := range list {
		k.begin.Label = ""
		p = append(p, byte(k.outcome))
		p = putBytes(p, k.begin.encode(nil))
	}
	return p
}

func decodeKeys(p []byte) ([]keyRecord, error) {
	d := decoder{b: p}
	var list []keyRecord
	for range d.count() {
		k := keyRecord{outcome: Outcome(d.byte())}
		b, err := decodeBegin(d.take(d.uint()))
		if err != nil {
			d.fail(err)
			break
		}
		k.begin = b
		list = append(list, k)
	}
	return list, d.end()
}

func (x *index) addKeys(f *frame) error {
	list, err := decodeKeys(f.payload)
	x.keys = append(x.keys, list...)
	return err
}

// checkpoint is the first frame of a generation that a compaction made.
type checkpoint struct {
	at      time.Time
	entries entryIndex // how far entries had come; the offset is of this generation
	dropped uint64     // transactions dropped since the log was made
}

func (c checkpoint) encode(p []byte) []byte {
	p = putTime(p, c.at)
	p = c.entries.encode(p)
	return putUint(p, c.dropped)
}

func decodeCheckpoint(p []byte) (checkpoint, error) {
	d := decoder{b: p}
	c := checkpoint{at: d.time(), entries: d.entryIndex(), dropped: d.uint()}
	return c, d.end()
}

func (x *index) addCheckpoint(f *frame) error {
	c, err := decodeCheckpoint(f.payload)
	x.entries, x.dropped = c.entries, c.dropped
	return err
}

// KeyRecord says what became of the newest transaction with a key.
type KeyRecord struct {
	ID      ID
	Plan    hashing.Digest
	Outcome Outcome
	Undone  bool // committed, and undone by a transaction that is not undone itself
}
