package diff

// delta makes new content of old as git packs it: instructions that copy from
// the old content or insert bytes of their own.
type delta struct {
	oldSize, newSize uint64
	instructions     []byte
}

// instruction inserts bytes or, where there are none, copies size bytes of the
// old content from offset.
type instruction struct {
	insert       []byte
	offset, size uint64
}

// parseDelta reads a delta and checks every instruction, so that applying it
// to content of the right size cannot fail.
func parseDelta(data []byte) (d delta, ok bool) {
	var okOld, okNew bool
	d.oldSize, data, okOld = deltaSize(data)
	d.newSize, data, okNew = deltaSize(data)
	d.instructions = data
	var made uint64
	for ok = okOld && okNew && d.newSize <= maxBlob; ok && len(data) > 0; {
		var in instruction
		in, data, ok = nextInstruction(data)
		made += in.size
		ok = ok && made <= d.newSize && (in.insert != nil || in.offset+in.size <= d.oldSize)
	}
	return d, ok && made == d.newSize
}

// apply returns what the delta makes of old, which must have its old size.
func (d delta) apply(old []byte) []byte {
	out := make([]byte, 0, d.newSize)
	for rest := d.instructions; len(rest) > 0; {
		var in instruction
		in, rest, _ = nextInstruction(rest)
		if in.insert == nil {
			in.insert = old[in.offset : in.offset+in.size]
		}
		out = append(out, in.insert...)
	}
	return out
}

// nextInstruction reads one instruction from the front of b, which is not
// empty. The low seven bits of its first byte are the number of bytes that
// follow to be inserted; with the high bit set they say instead which bytes of
// offset (four) and size (three, 0 means 0x10000) follow, least first.
func nextInstruction(b []byte) (in instruction, rest []byte, ok bool) {
	op, b := b[0], b[1:]
	if op&0x80 == 0 {
		in.size = uint64(op)
		if op == 0 || len(b) < int(op) {
			return instruction{}, nil, false
		}
		in.insert = b[:op]
		return in, b[op:], true
	}
	for i := range 7 {
		if op>>i&1 == 0 {
			continue
		}
		if len(b) == 0 {
			return instruction{}, nil, false
		}
		if i < 4 {
			in.offset |= uint64(b[0]) << (8 * i)
		} else {
			in.size |= uint64(b[0]) << (8 * (i - 4))
		}
		b = b[1:]
	}
	if in.size == 0 {
		in.size = 0x10000
	}
	return in, b, true
}

// deltaSize reads a number of seven bits a byte, least first; the last byte
// has no high bit.
func deltaSize(b []byte) (size uint64, rest []byte, ok bool) {
	for i, c := range b {
		if i == 9 {
			break // more would overflow
		}
		size |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return size, b[i+1:], true
		}
	}
	return 0, nil, false
}
