package wal

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

func (e *Entry) encode(p []byte) []byte {
	p = append(p, byte(e.Op))
	p = putInt(p, e.Timestamp)
	p = putString(p, e.Entity)
	p = putString(p, e.Key)
	return putOptional(p, e.Data)
}

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

// appendEntries appends entries, all or none.
func (l *Log) appendEntries(mode SyncMode, list ...Entry) error {
	c, err := l.useHeld()
	if err != nil {
		return err
	}
	var fs frames
	for i, e := range list {
		var flags uint8
		if i > 0 {
			flags |= flagPart
		}
		if i < len(list)-1 {
			flags |= flagMore
		}
		fs.add(typeEntry, flags, e.encode)
		if n := fs.list[i].length; int64(n) > c.opts.RecordLimit {
			return tooLarge(c, n)
		}
	}
	if mode == SyncAlways {
		return c.commit(&fs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(&fs)
}

// truncateEntries drops the entries that are in the log now.
func (l *Log) truncateEntries() error {
	l.c.mu.Lock()
	through := l.c.idx.entries.next - 1
	l.c.mu.Unlock()
	return l.commitOne(typeTruncate, func(b []byte) []byte { return encodeTruncate(b, through) })
}

// replayEntries calls fn for the entries that are in the log now.
func (l *Log) replayEntries(fn func(Entry) error) error {
	r, err := l.entryReader()
	if err != nil || r == nil {
		return err
	}
	for {
		e, ok, err := r.next()
		if err != nil || !ok {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// entryReader reads the entries of a moment, batch by batch, holding nothing.
type entryReader struct {
	path    string
	gen     *generation // keeps the file open
	s       *scanner
	p       position
	end     int64
	pos     uint64 // position of the next entry in the file
	through uint64
	batch   []Entry // read, and not yet returned
}

// entryReader returns nil where there is nothing to read.
func (l *Log) entryReader() (*entryReader, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look(); err != nil || c.gen == nil {
		return nil, err
	}
	x := c.idx.entries
	r := &entryReader{
		path: c.path, gen: c.gen, s: &scanner{r: c.gen.file, size: c.pos.off, salt: c.scan.salt},
		p: c.gen.header.start(), end: c.pos.off, pos: x.fromPos, through: x.through,
	}
	if x.from == 0 || x.from == r.end {
		r.p.off = max(r.p.off, x.from)
		return r, nil
	}
	f, ok, err := r.s.frame(x.from)
	if err != nil {
		return nil, wrap(err, "read", c.path)
	}
	if !ok {
		return nil, r.s.damageAt(position{off: x.from}, c.path)
	}
	r.p = position{off: f.off, seq: f.seq, chain: f.chain}
	return r, nil
}

// next returns the next entry; false at the end. A batch of which a part is
// missing does not exist.
func (r *entryReader) next() (Entry, bool, error) {
	if len(r.batch) == 0 {
		if err := r.readBatch(); err != nil || len(r.batch) == 0 {
			return Entry{}, false, err
		}
	}
	e := r.batch[0]
	r.batch = r.batch[1:]
	return e, true, nil
}

func (r *entryReader) readBatch() error {
	var batch []Entry
	for r.p.off < r.end {
		f, ok, err := r.s.next(r.p)
		if err != nil {
			return wrap(err, "read", r.path)
		}
		if !ok {
			return r.s.damageAt(r.p, r.path)
		}
		r.p = f.after()
		if f.typ != typeEntry {
			batch = nil
			continue
		}
		r.pos++
		if r.pos-1 <= r.through {
			continue
		}
		e, err := decodeEntry(f.payload)
		if err != nil {
			return decodeError(r.path, &f, err)
		}
		if f.flags&flagPart == 0 {
			batch = nil
		}
		if batch = append(batch, e); f.flags&flagMore == 0 {
			r.batch = batch
			return nil
		}
	}
	return nil
}
