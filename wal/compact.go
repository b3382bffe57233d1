package wal

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"time"
)

// keptKeys is how many of the transactions that compaction drops are
// remembered by ID, key, plan and outcome; keysPerFrame is how many of them one
// frame holds.
const (
	keptKeys     = 100_000
	keysPerFrame = 500
)

// CompactReport says what a compaction did.
type CompactReport struct {
	Before, After int64 // bytes of frames
	Dropped       int   // transactions of which only the outcome is remembered now
}

// Compact writes what is worth keeping into a new generation of the log, which
// takes the old one's place in one step: every intent that is not over, the
// newest history within the bounds of Options, entries that are not truncated,
// live host intents. It waits up to wait for everybody who holds the log. On an
// error the log is as before. Who reads the old generation keeps reading it.
func (l *Log) Compact(ctx context.Context, wait time.Duration) (CompactReport, error) {
	c, err := l.use()
	if err != nil {
		return CompactReport{}, err
	}
	if c.opts.ReadOnly {
		return CompactReport{}, ErrReadOnly
	}
	lim := &limit{ctx: ctx, wait: wait, deadline: time.Now().Add(wait)}
	if _, err := c.enter(lim, false, true); err != nil {
		return CompactReport{}, err
	}
	defer c.leave(false)
	if err := c.settle(lim, nil); err != nil {
		return CompactReport{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compact(math.MaxInt64)
}

// nextDue is the length beyond which the log has doubled once more since it was
// compacted. Whoever makes it that long looks whether there is something to
// drop, and nobody before or after them has to read it for that.
func (c *shared) nextDue() int64 {
	due := max(2*c.gen.header.birth, c.opts.CompactFrom)
	for due <= c.pos.off && due > 0 {
		due *= 2
	}
	return due
}

// compactIfDue compacts a log that has doubled, where that makes it half as
// long. It is a help, and where it fails the log is as before: it is tried again
// when the log has doubled again.
func (c *shared) compactIfDue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen == nil || c.opts.CompactFrom < 0 || c.pos.off <= c.due || len(c.live) > 0 || c.poison != nil {
		return
	}
	half := c.pos.off / 2
	if c.idx.newestSize() > half { // it stays: nothing needs to be read to know
		c.due = c.nextDue()
	} else if _, err := c.compact(half); err != nil {
		c.due = c.nextDue()
	}
}

// newestSize is about how long the newest sealed intent is.
func (x *index) newestSize() int64 {
	if len(x.sealed) == 0 {
		return 0
	}
	t := x.sealed[len(x.sealed)-1]
	return t.sealAt - t.beginAt
}

// errTooLong is why a log is not compacted that would hardly be shorter.
var errTooLong = errors.New("there is too little to drop")

// compact does it, unless the new generation would be longer than most bytes.
// The caller has the kernel lock and mu, and no group is open.
func (c *shared) compact(most int64) (CompactReport, error) {
	if c.poison != nil {
		return CompactReport{}, c.poison
	}
	if err := c.wholeIndex(); err != nil {
		return CompactReport{}, err
	}
	k, err := c.choose(time.Now())
	if err == nil && k.header.birth > most {
		err = errTooLong
	}
	if err != nil {
		return CompactReport{}, err
	}
	report := CompactReport{Before: c.pos.off, Dropped: len(k.dropped)}
	if err := c.dir.Replace(logName, 0o600, k.write); err != nil {
		return CompactReport{}, wrap(err, "compact", c.path)
	}
	if !c.opts.NoSync {
		if err := c.dir.Sync(); err != nil {
			return CompactReport{}, wrap(c.poisonIf(err), "compact", c.path)
		}
	}
	err = c.load(context.Background(), true)
	report.After = c.pos.off
	return report, err
}

// keeper copies what is kept into a new generation.
type keeper struct {
	idx     *index
	frames  func(fn func(*frame) error) error // the old generation
	header  fileHeader
	first   frames         // checkpoint and keys
	kept    map[ID]*txn    //
	records map[int64]bool // offsets of the kept intents' decisions, notes and retirements
	begins  map[ID]int64   // where the begin frames stand in the new generation
	dropped []*txn         // oldest first
	sizes   map[*txn]int64 // of an intent's frames
	entry   uint64         // position of the last entry that a pass has met
}

func newKeeper(x *index, frames func(func(*frame) error) error) *keeper {
	return &keeper{
		idx: x, frames: frames,
		kept: map[ID]*txn{}, records: map[int64]bool{}, begins: map[ID]int64{}, sizes: map[*txn]int64{},
	}
}

// choose decides what is kept, and how long that is: a pass over the log.
func (c *shared) choose(now time.Time) (*keeper, error) {
	k := newKeeper(c.idx, c.eachFrame)
	k.header = fileHeader{logID: c.gen.header.logID, generation: c.gen.header.generation + 1, baseSeq: c.pos.seq}
	err := k.eachFrame(func(f *frame) error {
		if t := c.idx.owner(f); t != nil {
			k.sizes[t] += f.size()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	k.chooseHistory(now, c.opts)
	return k, k.begin(now)
}

// begin makes the header and the first frames of the new generation.
func (k *keeper) begin(now time.Time) error {
	k.start(now)
	k.header.birth = fileHeaderSize + int64(len(k.first.buf))
	return k.eachFrame(func(f *frame) error {
		if k.keeps(f) {
			k.header.birth += f.size()
		}
		return nil
	})
}

func (k *keeper) keep(t *txn) {
	k.kept[t.begin.ID] = t
	for _, off := range t.records {
		k.records[off] = true
	}
}

// chooseHistory keeps every intent that is not over, and of the others the
// newest, at least one, within the bounds.
func (k *keeper) chooseHistory(now time.Time, o Options) {
	var bytes int64
	full := false
	for i, t := range slices.Backward(k.idx.sealed) {
		bytes += k.sizes[t]
		newest := i == len(k.idx.sealed)-1
		full = full || !newest && (bytes > o.HistoryBytes || len(k.idx.sealed)-i > o.HistoryIntents ||
			now.Sub(t.begin.Time) > o.HistoryAge)
		if full && !t.unfinished() {
			k.dropped = append(k.dropped, t)
			continue
		}
		k.keep(t)
	}
	slices.Reverse(k.dropped)
}

// start makes the frames that a generation begins with.
func (k *keeper) start(now time.Time) {
	x := k.idx
	keys := slices.Clone(x.keys)
	for _, t := range k.dropped {
		keys = append(keys, keyRecord{begin: t.begin, outcome: t.outcome})
	}
	first := x.entries.through + 1
	entries := entryIndex{next: first, through: x.entries.through, fromPos: first}
	at := checkpoint{at: now, entries: entries, dropped: x.dropped + uint64(len(k.dropped))}
	k.first.add(typeCheckpoint, 0, at.encode)
	keys = keys[max(0, len(keys)-keptKeys):]
	for part := range slices.Chunk(keys, keysPerFrame) {
		k.first.add(typeKeys, 0, func(b []byte) []byte { return encodeKeys(b, part) })
	}
}

// owner is the intent that the frame of a sealed group belongs to, nil for
// every other frame.
func (x *index) owner(f *frame) *txn {
	switch f.typ {
	case typeBegin, typeFile, typeData, typeSeal:
		if len(f.payload) < len(ID{}) {
			return nil
		}
		t := x.byID[ID(f.payload[:len(ID{})])]
		if t != nil && t.beginAt <= f.off && f.off <= t.sealAt {
			return t
		}
	}
	return nil
}

func (k *keeper) keeps(f *frame) bool {
	x := k.idx
	switch f.typ {
	case typeBegin, typeFile, typeData, typeSeal:
		t := x.owner(f)
		return t != nil && k.kept[t.begin.ID] == t
	case typeDecision, typeRetire, typeNote:
		return k.records[f.off]
	case typeHost:
		d := decoder{b: f.payload}
		return x.hosts.live[hostDigest(d.string())] == f.off
	case typeEntry:
		return k.entry > x.entries.through
	}
	return false
}

// eachFrame calls fn for every frame, counting entries.
func (k *keeper) eachFrame(fn func(*frame) error) error {
	k.entry = 0
	return k.frames(func(f *frame) error {
		switch f.typ {
		case typeEntry:
			k.entry++
		case typeCheckpoint:
			if at, err := decodeCheckpoint(f.payload); err == nil {
				k.entry = at.entries.next - 1
			}
		}
		return fn(f)
	})
}

// write writes the new generation.
func (k *keeper) write(w io.Writer) error {
	if _, err := w.Write(k.header.encode()); err != nil {
		return err
	}
	p, fs := k.header.start(), k.first
	flush := func() error {
		p = fs.link(k.header.salt(), p, fileHeaderSize)
		_, err := w.Write(fs.buf)
		fs.reset()
		return err
	}
	err := k.eachFrame(func(f *frame) error {
		if !k.keeps(f) {
			return nil
		}
		k.copy(&fs, f, p.off+int64(len(fs.buf)))
		if len(fs.buf) < flushSize {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		_, err = w.Write(make([]byte, minZeros))
	}
	return err
}

// copy adds f to fs; off is where it will stand.
func (k *keeper) copy(fs *frames, f *frame, off int64) {
	switch f.typ {
	case typeBegin:
		k.begins[ID(f.payload[:len(ID{})])] = off
	case typeSeal:
		if s, err := decodeSeal(f.payload); err == nil {
			s.begin = k.begins[s.id]
			fs.add(f.typ, f.flags, s.encode)
			return
		}
	}
	fs.add(f.typ, f.flags, func(b []byte) []byte { return append(b, f.payload...) })
}
