package wal

import (
	"context"
	"slices"
)

// look brings what is known of the log up to date, where this process does not
// hold it and others may have appended. The caller has mu.
func (c *shared) look() error { return c.lookWithin(context.Background()) }

func (c *shared) lookWithin(ctx context.Context) error {
	if c.hold.locked.Load() && c.current {
		return nil
	}
	return c.refresh(ctx, false)
}

// wholeIndex makes sure that the index has seen every frame.
func (c *shared) wholeIndex() error {
	if err := c.look(); err != nil || c.idx.whole || c.gen == nil {
		return err
	}
	x := newIndex()
	x.whole = true
	err := c.eachFrame(func(f *frame) error {
		if err := x.add(f, f.groupSum()); err != nil {
			return decodeError(c.path, f, err)
		}
		return nil
	})
	if err == nil {
		c.idx = x
	}
	return err
}

// reader returns a scanner of the frames that are known.
func (c *shared) reader() *scanner {
	return &scanner{r: c.gen.file, size: c.pos.off, salt: c.scan.salt}
}

// eachFrame calls fn for every frame from the first to the last known.
func (c *shared) eachFrame(fn func(*frame) error) error {
	s := c.reader()
	p := c.gen.header.start()
	for p.off < c.pos.off {
		f, ok, err := s.next(p)
		if err != nil {
			return wrap(err, "read", c.path)
		}
		if !ok {
			return s.damageAt(p, c.path)
		}
		if err := fn(&f); err != nil {
			return err
		}
		p = f.after()
	}
	if p != c.pos {
		return s.damageAt(p, c.path)
	}
	return nil
}

// Orphans are the sealed, unretired intents that belong to no transaction in
// flight in this process, in order of their seals. Only who holds the log may
// take them for left behind.
func (l *Log) Orphans() []*Transaction {
	return l.known(l.c.orphaned)
}

// Pending are the sealed, unretired intents, in order of their seals. One of
// them may be at work in whichever process holds the lock.
func (l *Log) Pending() []*Transaction {
	return l.known(func(t *txn) bool { return t.outcome == Pending })
}

// Parked are the intents that wait for a person, in order of their seals.
func (l *Log) Parked() []*Transaction {
	return l.known(func(t *txn) bool { return t.outcome == ParkedOutcome })
}

func (l *Log) known(keep func(*txn) bool) []*Transaction {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transactions(c.idx.choose(keep))
}

func (c *shared) transactions(list []*txn) []*Transaction {
	var out []*Transaction
	for _, t := range list {
		out = append(out, c.transaction(t))
	}
	return out
}

// Refresh takes in what other processes appended since the last look; while
// this process holds the log there is nothing to take in.
func (l *Log) Refresh() error {
	c, err := l.use()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look()
}

// Unsealed are the IDs of groups without a seal that belong to no transaction
// in flight in this process: as far as anybody is concerned, they do not exist.
func (l *Log) Unsealed() []ID {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []ID
	for id := range c.idx.open {
		if c.live[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// History calls fn for every sealed intent that the log still has, in order of
// their seals. It reads the whole log once. Damage is a *CorruptError, before
// the first call.
func (l *Log) History(fn func(*Transaction) error) error {
	list, err := l.whole(func(x *index) []*txn { return x.sealed })
	for _, t := range list {
		if err := fn(t); err != nil {
			return err
		}
	}
	return err
}

// whole returns transactions chosen from an index that has seen every frame.
func (l *Log) whole(choose func(*index) []*txn) ([]*Transaction, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.wholeIndex(); err != nil {
		return nil, err
	}
	return c.transactions(choose(c.idx)), nil
}

// Find returns the sealed intent with the ID: nil if the log knows nothing of
// it, one that is Compacted if it knows no more than that there was one.
func (l *Log) Find(id ID) (*Transaction, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What is known without history is known also where history is damaged.
	for _, read := range []func() error{c.look, c.wholeIndex} {
		if err := read(); err != nil {
			return nil, err
		}
		if t := c.idx.byID[id]; t != nil {
			return c.transaction(t), nil
		}
	}
	for _, k := range c.idx.keys {
		if k.begin.ID == id {
			return &Transaction{Begin: k.begin, Outcome: k.outcome, Compacted: true}, nil
		}
	}
	return nil, nil
}

// FindKey returns what became of the newest intent with the key, also where
// compaction dropped it; nil if there was none.
func (l *Log) FindKey(key string) (*KeyRecord, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.wholeIndex(); err != nil {
		return nil, err
	}
	all := c.idx.known()
	for _, k := range slices.Backward(all) {
		if k.begin.Key == key {
			undone := undoneIDs(all)[k.begin.ID]
			return &KeyRecord{ID: k.begin.ID, Plan: k.begin.Plan, Outcome: k.outcome, Undone: undone}, nil
		}
	}
	return nil, nil
}

// known is every transaction that the log remembers, oldest first.
func (x *index) known() []keyRecord {
	list := slices.Clone(x.keys)
	for _, t := range x.sealed {
		list = append(list, keyRecord{begin: t.begin, outcome: t.outcome})
	}
	return list
}

// undoneIDs are the transactions that a committed one undoes which is not
// undone itself. An undo is always younger than what it undoes.
func undoneIDs(oldestFirst []keyRecord) map[ID]bool {
	undone := map[ID]bool{}
	for _, k := range slices.Backward(oldestFirst) {
		if k.outcome == Committed && !k.begin.Undoes.IsZero() && !undone[k.begin.ID] {
			undone[k.begin.Undoes] = true
		}
	}
	return undone
}
