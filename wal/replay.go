package wal

// Record is an entry and its position: 1 for the first that was ever appended,
// and so on. Positions outlive truncation and compaction; where an append
// failed, there may be gaps.
type Record struct {
	Pos uint64
	Entry
}

// recordReader reads the entries of a moment, holding nothing.
type recordReader struct {
	path  string
	gen   *generation // keeps the file open
	s     *scanner
	ahead *scanner // of the headers of a batch
	p     position
	end   int64
	pos   uint64 // position of the next entry in the file
	from  uint64 // entries before this position are passed over
	more  bool   // the next entry belongs to the batch of the last one ...
	whole bool   // ... which has an end
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
		path: c.path, gen: c.gen, s: c.reader(), ahead: c.reader(),
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

// next returns the next record; false at the end. Its data is valid until the
// next call. A batch of which the end is missing does not exist; its beginning
// may be truncated.
func (r *recordReader) next() (Record, bool, error) {
	for r.p.off < r.end {
		f, ok, err := r.s.next(r.p)
		if err != nil {
			return Record{}, false, wrap(err, "read", r.path)
		}
		if !ok {
			return Record{}, false, r.s.damageAt(r.p, r.path)
		}
		r.p = f.after()
		if f.typ != typeEntry {
			r.more = false
			continue
		}
		pos := r.pos
		r.pos++
		if err := r.enter(&f); err != nil {
			return Record{}, false, wrap(err, "read", r.path)
		}
		if !r.whole || pos < r.from {
			continue
		}
		e, err := decodeEntry(f.payload)
		if err != nil {
			return Record{}, false, decodeError(r.path, &f, err)
		}
		return Record{pos, e}, true, nil
	}
	return Record{}, false, nil
}

// enter takes note of the batch that the entry f belongs to. The window of r.s
// does not move: f's payload stays valid.
func (r *recordReader) enter(f *frame) error {
	first := !r.more || f.flags&flagPart == 0
	r.more = f.flags&flagMore != 0
	if !first {
		return nil
	}
	r.whole = true
	for h := *f; r.whole && h.flags&flagMore != 0; {
		s := r.s
		if !s.holds(h.end(), frameHeaderSize) {
			s = r.ahead
		}
		next, _, ok, err := s.header(h.end())
		if err != nil {
			return err
		}
		r.whole = ok && next.follows(h.after()) && next.typ == typeEntry && next.flags&flagPart != 0
		h = next
	}
	return nil
}
