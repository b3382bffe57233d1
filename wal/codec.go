package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/emend/emend/hashing"
)

// Payloads are fields in a fixed order: integers as varints (zigzag where they
// can be negative), bytes and text as a length and then the bytes, lists as a
// count and then the items. Encoders append to the slice they are given.

func putUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }
func putInt(b []byte, v int64) []byte   { return binary.AppendVarint(b, v) }

func putBytes(b, v []byte) []byte { return append(putUint(b, uint64(len(v))), v...) }

// putOptional keeps nil apart from empty.
func putOptional(b, v []byte) []byte {
	if v == nil {
		return putUint(b, 0)
	}
	return append(putUint(b, uint64(len(v))+1), v...)
}

// putCount begins a list or map and keeps nil apart from empty.
func putCount(b []byte, n int, isNil bool) []byte {
	if isNil {
		return putUint(b, 0)
	}
	return putUint(b, uint64(n)+1)
}

func putString(b []byte, v string) []byte { return append(putUint(b, uint64(len(v))), v...) }

// putTime writes nanoseconds since 1970; the zero time is 0.
func putTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return putInt(b, 0)
	}
	return putInt(b, t.UnixNano())
}

var (
	errShort  = errors.New("a field is missing or longer than the payload")
	errExcess = errors.New("bytes are left over behind the last field")
	errRange  = errors.New("a field has an impossible value")
)

// decoder takes fields off a payload. After the first error, which it keeps,
// it returns zero values. Bytes that it returns are the payload's own.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// size is an unsigned number that fits an int64: an offset or a length.
func (d *decoder) size() int64 {
	v := d.uint()
	if v > math.MaxInt64 {
		d.fail(errRange)
		return 0
	}
	return int64(v)
}

func (d *decoder) uint32() uint32 {
	v := d.uint()
	if v > math.MaxUint32 {
		d.fail(errRange)
		return 0
	}
	return uint32(v)
}

func (d *decoder) smallInt() int {
	v := d.int()
	if v < math.MinInt32 || v > math.MaxInt32 {
		d.fail(errRange)
		return 0
	}
	return int(v)
}

// count is the length of a list whose items take at least one byte each, so
// that a list is never longer than what is left.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

// bytes is nil where the field is empty.
func (d *decoder) bytes() []byte {
	p := d.take(d.uint())
	if len(p) == 0 {
		return nil
	}
	return p
}

// optional is what putOptional wrote.
func (d *decoder) optional() []byte {
	n := d.uint()
	if n == 0 {
		return nil
	}
	return d.take(n - 1)
}

// optionalCount is what putCount wrote; -1 for nil.
func (d *decoder) optionalCount() int {
	n := d.uint()
	if n > uint64(len(d.b))+1 {
		d.fail(errShort)
		return -1
	}
	return int(n) - 1
}

func (d *decoder) string() string { return string(d.take(d.uint())) }

// fixed64 is a number of eight bytes.
func (d *decoder) fixed64() int64 {
	p := d.take(8)
	if p == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(p))
}

func (d *decoder) time() time.Time {
	ns := d.int()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func (d *decoder) id() (id ID) {
	copy(id[:], d.take(uint64(len(id))))
	return id
}

func (d *decoder) digest() (g hashing.Digest) {
	copy(g[:], d.take(uint64(len(g))))
	return g
}

// end returns the first error, and one where fields are left over.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail(errExcess)
	}
	return d.err
}

// decodeError says which frame could not be understood although its checksums
// are good.
func decodeError(path string, f *frame, err error) error {
	return &CorruptError{Path: path, From: f.off, To: f.end(),
		Lost: fmt.Sprintf("frame %d (%v) cannot be understood: %v", f.seq, f.typ, err)}
}
