package wal

import (
	"slices"
	"sync"
	"time"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// flushSize is how much of a group waits in memory for one write.
const flushSize = 1 << 20

// Group is an intent being written, frame by frame; frames of several groups
// may interleave in the file. Before its seal is durable it does not exist.
// Its methods are safe for concurrent use. After an error the group is dead:
// every later call returns it.
type Group struct {
	c  *shared
	id ID

	mu      sync.Mutex
	fs      frames // not yet written
	built   group  // what the seal will say
	written bool   // the begin frame is in the file
	begun   bool
	err     error
}

// Begin starts an intent. Its ID (made here where it is zero) is in flight
// from now until Done. Nothing has been written on return. The caller holds
// the log.
func (l *Log) Begin(b Begin) (*Group, error) {
	c, err := l.useHeld()
	if err != nil {
		return nil, err
	}
	if b.ID.IsZero() {
		if b.ID, err = NewID(); err != nil {
			return nil, err
		}
	}
	if b.Time.IsZero() {
		b.Time = time.Now()
	}
	g := &Group{c: c, id: b.ID}
	if err := g.add(typeBegin, b.encode); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[b.ID] != nil || c.idx.byID[b.ID] != nil {
		return nil, fail.New(fail.Conflict, "append", c.path, "intent %v is in the log already", b.ID)
	}
	c.live[b.ID] = g
	return g, nil
}

// useHeld is use for an append.
func (l *Log) useHeld() (*shared, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	if c.opts.ReadOnly {
		return nil, ErrReadOnly
	}
	if !c.hold.locked.Load() {
		return nil, ErrNotHeld
	}
	return c, nil
}

// ID is the intent's ID.
func (g *Group) ID() ID { return g.id }

// Step appends the file frame of one path.
func (g *Group) Step(s *Step) error {
	if s.N < 0 || s.Before.Kind > vfs.Symlink || s.After.Kind > vfs.Symlink {
		return badArgument("step %d (%s) cannot be logged", s.N, s.Path)
	}
	return g.add(typeFile, func(b []byte) []byte { return s.encode(b, g.id) })
}

// Data appends bytes of an image of step n, which begin at byte off of it. P
// may be of any length, and is the caller's again on return.
func (g *Group) Data(n int, img Image, off int64, p []byte) error {
	if n < 0 || off < 0 || img != Before && img != After {
		return badArgument("image %d of step %d has no byte %d", img, n, off)
	}
	for len(p) > 0 {
		h := dataHeader{id: g.id, n: n, img: img, off: off}
		part := p[:min(len(p), maxData)]
		if err := g.add(typeData, func(b []byte) []byte { return h.encode(b, part) }); err != nil {
			return err
		}
		p, off = p[len(part):], off+int64(len(part))
	}
	return nil
}

func (g *Group) add(typ frameType, encode func([]byte) []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	g.fs.add(typ, 0, encode)
	last := g.fs.list[len(g.fs.list)-1]
	if int64(last.length) > g.c.opts.RecordLimit {
		g.fs.drop()
		return tooLarge(g.c, last.length)
	}
	g.built.add(typ, last.sum)
	if n := len(g.fs.buf); n < flushSize {
		if n > flushSize/16 { // there will be more: growing step by step copies it all time and again
			g.fs.buf = slices.Grow(g.fs.buf, flushSize+flushSize/16-n)
		}
		return nil
	}
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	err := g.flush()
	g.fs.reset()
	return err
}

// flush writes what waits. The caller has both locks.
func (g *Group) flush() error {
	if !g.written {
		g.built.at = g.c.pos.off
	}
	g.err = g.c.write(&g.fs)
	g.written = g.err == nil
	return g.err
}

// Seal keeps room for the intent's decision and retirement and writes what
// waits, the seal last. Nothing is synced: once the seal is durable, the
// intent is there. On an error after which SealStarted is false the intent
// does not exist and never will.
func (g *Group) Seal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	if len(g.fs.buf) > minZeros/2 { // the seal goes by itself, into zeros, its room behind it
		if err := g.flush(); err != nil {
			return err
		}
		g.fs.reset()
	}
	s := seal{id: g.id, begin: g.built.at, frames: g.built.frames, steps: g.built.steps, digest: g.built.digest}
	if !g.written {
		s.begin = g.c.pos.off
	}
	g.fs.add(typeSeal, 0, s.encode)
	err := g.flush()
	g.begun = g.fs.begun
	g.fs.reset()
	return err
}

// SealStarted reports whether the write of the seal has begun, and has not
// been taken back durably: from here on only a durable rolled-back record
// undoes the intent.
func (g *Group) SealStarted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begun
}

// Done says that the transaction is over here, however it ended. A sealed
// intent that is not retired is an orphan from now on. Done may be called
// again.
func (g *Group) Done() {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	if g.c.live[g.id] == g {
		delete(g.c.live, g.id)
		delete(g.c.idx.open, g.id)
	}
}

// Live reports whether the intent is in flight in this process.
func (l *Log) Live(id ID) bool {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	return l.c.live[id] != nil
}

// Sync is a barrier: on nil everything that this process appended before the
// call is durable. One sync serves everybody who waits. A *PoisonedError says
// that what was appended may be lost, for good.
func (l *Log) Sync() error {
	c, err := l.useHeld()
	if err != nil {
		return err
	}
	return c.commit(nil)
}

// Decide records the direction that is taken with an intent; durable on nil.
func (l *Log) Decide(id ID, d Decision) error {
	if d != Forward && d != Back {
		return badArgument("%d is no decision", d)
	}
	return l.commitOne(typeDecision, func(b []byte) []byte { return encodeDecision(b, id, d) })
}

// Retire records that an intent is over; durable on nil. A parked intent may
// be retired again.
func (l *Log) Retire(id ID, o Outcome) error {
	if o != Committed && o != RolledBack && o != ParkedOutcome {
		return badArgument("%d is no outcome to retire with", o)
	}
	now := time.Now()
	return l.commitOne(typeRetire, func(b []byte) []byte { return encodeRetire(b, id, o, now) })
}

// Note records what was found out about step n after its file frame was
// written, before the seal or after it; durable on nil. Steps read from the log
// have it applied.
func (l *Log) Note(id ID, n int, kind NoteKind, text string) error {
	if n < 0 || kind != NoteInPlace {
		return badArgument("%d is no kind of note for step %d", kind, n)
	}
	return l.commitOne(typeNote, note{id: id, n: n, kind: kind, text: text}.encode)
}

// commitOne appends one frame, durably.
func (l *Log) commitOne(typ frameType, encode func([]byte) []byte) error {
	c, err := l.useHeld()
	if err != nil {
		return err
	}
	var fs frames
	fs.add(typ, 0, encode)
	if n := fs.list[0].length; int64(n) > c.opts.RecordLimit {
		return tooLarge(c, n)
	}
	return c.commit(&fs)
}

// badArgument is for what the reader would refuse: the log must never hold it.
func badArgument(format string, args ...any) error {
	return fail.New(fail.Usage, "append", "", format, args...)
}
