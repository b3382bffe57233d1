package wal

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

func newDisk() *crashfs.FS {
	disk := crashfs.New(crashfs.Options{})
	if err := disk.MkdirAll("/w", 0o755); err != nil {
		panic(err)
	}
	disk.Settle()
	return disk
}

// session is what two processes, one after the other, do with a log.
func session(fsys vfs.FS, b *ledger) error {
	l, err := ledgerOpen(fsys)
	if err != nil {
		return err
	}
	var steps = []func() error{
		func() error { return b.entry(l, "e1", 10) },
		func() error {
			id, err := b.seal(l, "small", 600)
			if err != nil {
				return err
			}
			if err := l.Note(id, 0, NoteInPlace, "s"); err != nil {
				return err
			}
			if err := l.Decide(id, Forward); err != nil {
				return err
			}
			return b.retire(l, id, Committed)
		},
		func() error { return b.appendHost(l, "h1") },
		func() error { return b.truncate(l) },
		func() error { return b.entry(l, "e2", 5000) },
		func() error {
			id, err := b.seal(l, "large", 80<<10)
			if err != nil {
				return err
			}
			return b.retire(l, id, ParkedOutcome)
		},
		func() error { return errors.Join(ledgerClose(l)) },
		func() error { l, err = ledgerOpen(fsys); return err },
		func() error { return b.retireHost(l, "h1") },
		func() error { return b.appendHost(l, "h2") },
		func() error { _, err := b.seal(l, "left", 700); return err },
		func() error { return b.entry(l, "e3", 1) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return ledgerClose(l)
}

// sweep runs session on a disk, cuts the power before every operation, and
// checks each survivor with after. It returns the first complaint.
func sweep(disk *crashfs.FS, b *ledger, run func(vfs.FS, *ledger) error, after func(*ledger, *crashfs.FS) error) error {
	var bad error
	disk.OnOp(func(o op.Op) {
		if bad != nil {
			return
		}
		for name, survivor := range survivors(disk, o) {
			if err := after(b, survivor); err != nil {
				bad = fmt.Errorf("power cut before operation %d (%v), survivor %s: %w", o.Seq, o, name, err)
				return
			}
		}
	})
	err := run(disk, b)
	disk.OnOp(nil)
	for name, survivor := range disk.Survivors() {
		if bad == nil {
			if err := after(b, survivor); err != nil {
				bad = fmt.Errorf("at the end, survivor %s: %w", name, err)
			}
		}
	}
	return errors.Join(bad, err)
}

// survivors are those that are worth a look, and two with garbage in them.
func survivors(disk *crashfs.FS, o op.Op) iter.Seq2[string, *crashfs.FS] {
	return func(yield func(string, *crashfs.FS) bool) {
		for name, survivor := range disk.Survivors() {
			if !yield(name, survivor) {
				return
			}
		}
		for seed := range uint64(2) {
			c := crashfs.AllKept()
			c.Data = func(uint64) crashfs.Fate { return crashfs.Garbage }
			c.Seed = 2*uint64(o.Seq) + seed
			if !yield(fmt.Sprint("garbage ", c.Seed), disk.Survive(c)) {
				return
			}
		}
	}
}

// checkAndUse checks a survivor, appends to it, and checks again: a torn tail
// must not swallow what comes after it (lesson 5).
func checkAndUse(b *ledger, fsys *crashfs.FS) error {
	if err := b.check(fsys); err != nil {
		return err
	}
	l, err := ledgerOpen(fsys)
	if err != nil {
		return err
	}
	if err := errors.Join(l.AppendHost(Intent{ID: "after"}), ledgerClose(l)); err != nil {
		return err
	}
	r, err := Verify(fsys, ledgerDir)
	if err != nil || r.Health() != "ok" {
		return fmt.Errorf("after repair: %+v %w", r, err)
	}
	if err := b.check(fsys); err != nil {
		return err
	}
	if l, err = ledgerOpen(fsys); err != nil {
		return err
	}
	hosts, err := l.HostIntents()
	if len(hosts) == 0 || hosts[len(hosts)-1].ID != "after" {
		err = errors.Join(err, errors.New("what was appended after the repair is lost"))
	}
	return errors.Join(err, ledgerClose(l))
}

func TestPowerCutAtEveryOperation(t *testing.T) {
	t.Parallel()
	require.NoError(t, sweep(newDisk(), newLedger(), session, checkAndUse))
}

// Each sync is there for a reason: without it, some survivor has lost
// something that was acknowledged, or cannot be opened.
func TestEverySyncIsNeeded(t *testing.T) {
	for _, needed := range []string{
		"syncdir /w",                 // a new .emend
		"sync /w/.emend/.wal.log",    // the file header, before it gets its name
		"syncdir /w/.emend",          // the log's name
		"datasync /w/.emend/wal.log", // every record
	} {
		t.Run(needed, func(t *testing.T) {
			disk := newDisk()
			skipped := 0
			disk.SkipSync(func(o op.Op) bool {
				skip := strings.TrimRight(o.String(), "0123456789") == needed
				if skip {
					skipped++
				}
				return skip
			})
			err := sweep(disk, newLedger(), session, (*ledger).checkOn)
			require.Error(t, err)
			require.Positive(t, skipped)
			t.Log(err)
		})
	}
}

func (b *ledger) checkOn(fsys *crashfs.FS) error { return b.check(fsys) }

// later is what somebody does who finds the log after a crash.
func later(fsys vfs.FS, b *ledger) error {
	l, err := ledgerOpen(fsys)
	if err != nil {
		return err
	}
	err = l.Sync()
	for _, tx := range l.Orphans() {
		b.intents[tx.ID].made = b.intents[tx.ID].made || err == nil // recovery acts on it from here on
		err = errors.Join(err, b.retire(l, tx.ID, RolledBack))
	}
	return errors.Join(err, b.entry(l, "later", 3), ledgerClose(l))
}

// Opening and repairing a log after a crash may crash again, at any operation.
func TestPowerCutDuringRepair(t *testing.T) {
	t.Parallel()
	every := rounds(701, 1)
	n, torn := 0, 0
	err := sweep(newDisk(), newLedger(), session, func(b *ledger, fsys *crashfs.FS) error {
		r, err := Verify(fsys, ledgerDir)
		if err != nil {
			return err
		}
		switch r.Health() {
		case "torn":
			if torn++; torn%rounds(5, 1) != 0 {
				return nil
			}
		default:
			if n++; n%every != 0 {
				return nil
			}
		}
		return sweep(fsys, b.clone(), later, (*ledger).checkOn)
	})
	require.NoError(t, err)
	require.Positive(t, torn)
	t.Logf("%d torn survivors of %d", torn, n+torn)
}
