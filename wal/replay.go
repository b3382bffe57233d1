package wal

// Record is an entry and its position: 1 for the first that was ever appended,
// and so on. Positions outlive truncation and compaction; where an append
// failed, there may be gaps.
type Record struct {
	Pos uint64
	Entry
}

// recordReader reads the entries of a moment, batch by batch, holding nothing.
type recordReader struct {
	path  string
	gen   *generation // keeps the file open
	s     *scanner
	p     position
	end   int64
	pos   uint64 // position of the next entry in the file
	from  uint64 // entries before this position are passed over
	batch []Record
}

// recordReader returns a reader of the entries, from position from on, that
// are in the log now and not truncated.
func (l *Log) recordReader(from uint64) (*recordReader, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look(); err != nil || c.gen == nil {
		return &recordReader{}, err
	}
	x := c.idx.entries
	r := &recordReader{
		path: c.path, gen: c.gen, s: &scanner{r: c.gen.file, size: c.pos.off, salt: c.scan.salt},
		p: c.gen.header.start(), end: c.pos.off, pos: x.fromPos, from: max(from, x.through+1),
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

// next returns the next record; false at the end.
func (r *recordReader) next() (Record, bool, error) {
	if len(r.batch) == 0 {
		if err := r.readBatch(); err != nil || len(r.batch) == 0 {
			return Record{}, false, err
		}
	}
	rec := r.batch[0]
	r.batch = r.batch[1:]
	return rec, true, nil
}

// readBatch reads the next batch. One of which a part is missing does not
// exist.
func (r *recordReader) readBatch() error {
	r.batch = r.batch[:0]
	for r.p.off < r.end {
		f, ok, err := r.s.next(r.p)
		if err != nil {
			return wrap(err, "read", r.path)
		}
		if !ok {
			return r.s.damageAt(r.p, r.path)
		}
		r.p = f.after()
		if f.typ != typeEntry || f.flags&flagPart == 0 {
			r.batch = r.batch[:0]
		}
		if f.typ != typeEntry {
			continue
		}
		r.pos++
		if r.pos-1 < r.from {
			continue
		}
		e, err := decodeEntry(f.payload)
		if err != nil {
			return decodeError(r.path, &f, err)
		}
		if r.batch = append(r.batch, Record{r.pos - 1, e}); f.flags&flagMore == 0 {
			return nil
		}
	}
	r.batch = nil
	return nil
}
