package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
)

// ledger is what a user of a log knows: what was asked for, and what was
// acknowledged. A log that survived something has to agree with it.
type ledger struct {
	intents map[ID]*fact
	hosts   map[string]*fact
	entries []entryFact
	cut     int // entries before this one are truncated for certain ...
	tried   int // ... and before this one perhaps
}

type fact struct {
	made    bool // acknowledged
	ending  bool // its end was asked for
	ended   bool // and acknowledged
	outcome Outcome
	image   []byte
}

type entryFact struct {
	key   string
	acked bool
}

func newLedger() *ledger {
	return &ledger{intents: map[ID]*fact{}, hosts: map[string]*fact{}}
}

// entriesOf is the face of l for entries.
func entriesOf(l *Log) *FileWAL { return &FileWAL{log: l, opts: l.c.opts} }

func ledgerReplay(l *Log, fn func(Entry) error) error { return entriesOf(l).Replay(fn) }

// ledgerAppend and ledgerTruncate are for who holds the log already.
func ledgerAppend(l *Log, e Entry) error { return l.commitOne(typeEntry, e.encode) }

func ledgerTruncate(l *Log) error {
	through := l.c.idx.entries.next - 1
	return l.commitOne(typeTruncate, func(b []byte) []byte { return encodeTruncate(b, through) })
}

func (b *ledger) clone() *ledger {
	c := *b
	c.intents, c.hosts, c.entries = map[ID]*fact{}, map[string]*fact{}, slices.Clone(b.entries)
	for id, f := range b.intents {
		g := *f
		c.intents[id] = &g
	}
	for id, f := range b.hosts {
		g := *f
		c.hosts[id] = &g
	}
	return &c
}

const ledgerDir = "/w/.emend"

func ledgerOpen(fsys vfs.FS) (*Log, error) {
	l, err := Open(context.Background(), ledgerDir, Options{FS: fsys})
	if err != nil {
		return nil, err
	}
	if err := l.Acquire(context.Background(), time.Second, nil); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func ledgerClose(l *Log) error {
	l.Release()
	return l.Close()
}

// seal makes an intent whose image has size bytes.
func (b *ledger) seal(l *Log, label string, size int) (ID, error) {
	id := ID(hashing.Raw([]byte(label)))
	img := bytes.Repeat([]byte(label), size/len(label)+1)[:size]
	f := &fact{image: img}
	b.intents[id] = f
	g, err := l.Begin(Begin{ID: id, Label: label, Key: label})
	if err != nil {
		return id, err
	}
	defer g.Done()
	st := Step{Path: "p", LinkOf: -1, HasBefore: true, Before: State{Kind: vfs.Regular, Size: int64(size)}}
	err = errors.Join(g.Step(&st), g.Data(0, Before, 0, img))
	if err == nil {
		err = g.Seal()
	}
	if err == nil {
		err = l.Sync()
	}
	f.made = err == nil
	return id, err
}

func (b *ledger) retire(l *Log, id ID, o Outcome) error {
	f := b.intents[id]
	f.ending, f.outcome = true, o
	err := l.Retire(id, o)
	f.ended = err == nil
	return err
}

func (b *ledger) appendHost(l *Log, id string) error {
	f := &fact{}
	b.hosts[id] = f
	err := l.AppendHost(Intent{ID: id})
	f.made = err == nil
	return err
}

func (b *ledger) retireHost(l *Log, id string) error {
	f := b.hosts[id]
	f.ending = true
	err := l.RetireHost(id)
	f.ended = err == nil
	return err
}

func (b *ledger) entry(l *Log, key string, size int) error {
	b.entries = append(b.entries, entryFact{key: key})
	err := ledgerAppend(l, Entry{Op: OpPut, Key: key, Data: make([]byte, size)})
	b.entries[len(b.entries)-1].acked = err == nil
	return err
}

func (b *ledger) truncate(l *Log) error {
	b.tried = len(b.entries)
	err := ledgerTruncate(l)
	if err == nil {
		b.cut = b.tried
	}
	return err
}

// check opens the log and compares.
func (b *ledger) check(fsys vfs.FS) error {
	l, err := ledgerOpen(fsys)
	if err != nil {
		return err
	}
	err = b.compare(l)
	return errors.Join(err, ledgerClose(l))
}

func (b *ledger) compare(l *Log) error {
	for id, f := range b.intents {
		tx, err := l.Find(id)
		if err != nil {
			return err
		}
		if err := f.compare(tx); err != nil {
			return fmt.Errorf("intent %v: %w", id, err)
		}
	}
	for _, tx := range append(l.Pending(), l.Parked()...) {
		if b.intents[tx.ID] == nil {
			return fmt.Errorf("intent %v was never made", tx.ID)
		}
	}
	hosts, err := l.HostIntents()
	if err != nil {
		return err
	}
	for id, f := range b.hosts {
		live := slices.ContainsFunc(hosts, func(in Intent) bool { return in.ID == id })
		if f.made && !f.ending && !live || f.ended && live {
			return fmt.Errorf("host intent %s: live %v, but %+v", id, live, *f)
		}
	}
	return b.compareEntries(l)
}

func (f *fact) compare(tx *Transaction) error {
	if tx == nil {
		if f.made {
			return errors.New("acknowledged and lost")
		}
		return nil
	}
	switch {
	case f.ended && tx.Outcome != f.outcome:
		return fmt.Errorf("retired as %v, found %v", f.outcome, tx.Outcome)
	case !f.ending && tx.Outcome != Pending, tx.Outcome != Pending && tx.Outcome != f.outcome:
		return fmt.Errorf("found %v, %+v", tx.Outcome, f.outcome)
	}
	steps, err := tx.LoadSteps()
	if err != nil || len(steps) != 1 {
		return fmt.Errorf("%d steps, %w", len(steps), err)
	}
	r, ok := tx.Image(0, Before)
	if !ok {
		return errors.New("no image")
	}
	img, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil || !bytes.Equal(img, f.image) {
		return fmt.Errorf("the image is not what was logged (%w)", err)
	}
	return nil
}

// compareEntries: what is replayed is a part of what was appended, in order,
// with everything that was acknowledged and not truncated.
func (b *ledger) compareEntries(l *Log) error {
	var got []string
	err := ledgerReplay(l, func(e Entry) error {
		got = append(got, e.Key)
		return nil
	})
	if err != nil {
		return err
	}
	if !b.fits(b.cut, got) && !b.fits(b.tried, got) {
		return fmt.Errorf("entries %q, expected %v from %d or %d", got, b.entries, b.cut, b.tried)
	}
	return nil
}

// fits reports whether got is what may be left of the entries from n on.
func (b *ledger) fits(n int, got []string) bool {
	for _, e := range b.entries[n:] {
		if len(got) > 0 && got[0] == e.key {
			got = got[1:]
		} else if e.acked {
			return false
		}
	}
	return len(got) == 0
}

// rounds is long where EMEND_LONG asks for long tests.
func rounds(short, long int) int {
	if os.Getenv("EMEND_LONG") != "" {
		return long
	}
	return short
}
