package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

func compactNow(l *Log) (CompactReport, error) { return l.Compact(context.Background(), time.Second) }

// busy makes a log with something of everything: dropped, kept and live.
func busy(l *Log, b *ledger) error {
	for i := range 4 {
		id, err := b.seal(l, fmt.Sprint("done", i), 900)
		if err != nil {
			return err
		}
		if err := errors.Join(l.Decide(id, Forward), b.retire(l, id, Committed)); err != nil {
			return err
		}
	}
	parked, err := b.seal(l, "parked", 700)
	if err != nil {
		return err
	}
	_, err = b.seal(l, "pending", 300)
	return errors.Join(err, l.Note(parked, 0, NoteInPlace, ""), b.retire(l, parked, ParkedOutcome),
		b.appendHost(l, "gone"), b.appendHost(l, "live"), b.retireHost(l, "gone"),
		b.entry(l, "e1", 10), b.truncate(l), b.entry(l, "e2", 10), b.entry(l, "e3", 10))
}

// compacting is a session with a compaction in its middle.
func compacting(fsys vfs.FS, b *ledger) error {
	l, err := ledgerOpen(fsys)
	if err != nil {
		return err
	}
	if err := busy(l, b); err != nil {
		return errors.Join(err, ledgerClose(l))
	}
	l.Release()
	_, err = compactNow(l)
	if err := l.Acquire(context.Background(), time.Second, nil); err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(err, b.entry(l, "e4", 10), b.appendHost(l, "later"), ledgerClose(l))
}

func TestPowerCutDuringCompaction(t *testing.T) {
	t.Parallel()
	require.NoError(t, sweep(newDisk(), newLedger(), compacting, checkAndUse))
}

func TestCompactionNeedsItsSyncs(t *testing.T) {
	disk := newDisk()
	n := 0
	disk.SkipSync(func(o op.Op) bool { // of the file, before it takes the old one's name
		if o.Kind == op.Sync {
			n++
		}
		return o.Kind == op.Sync && n > 2
	})
	require.Error(t, sweep(disk, newLedger(), compacting, (*ledger).checkOn))
}

func TestCompactionFailsAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		disk := newDisk()
		b := newLedger()
		l, err := ledgerOpen(disk)
		require.NoError(t, err)
		require.NoError(t, busy(l, b))
		require.NoError(t, ledgerClose(l))
		faulty := faultfs.New(disk)
		l, err = Open(context.Background(), ledgerDir, Options{FS: faulty})
		require.NoError(t, err)
		faulty.Arm(faultfs.Fault{N: n, Err: syscall.ENOSPC, Short: n % 30})
		_, err = compactNow(l)
		done := len(faulty.Delivered()) == 0
		require.True(t, !done || err == nil)
		faulty.Disarm()
		require.NoError(t, l.Acquire(context.Background(), time.Second, nil))
		require.NoError(t, b.entry(l, "after", 1), "%v", n)
		require.NoError(t, b.compare(l))
		require.NoError(t, ledgerClose(l))
		for name, survivor := range endings(disk) {
			require.NoError(t, checkAndUse(b, survivor), "%d %s", n, name)
		}
		if done {
			return
		}
	}
}

func TestCompactionKeepsWithinBounds(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := Open(context.Background(), ledgerDir, Options{FS: disk, HistoryIntents: 4})
	require.NoError(t, err)
	require.NoError(t, l.Acquire(context.Background(), time.Second, nil))
	require.NoError(t, busy(l, b))
	old, err := l.FindKey("done0")
	require.NoError(t, err)
	l.Release()
	report, err := compactNow(l)
	require.NoError(t, err)
	require.Equal(t, 2, report.Dropped)
	require.Less(t, report.After, report.Before)
	require.EqualValues(t, 2, l.Report().Generation)

	var labels []string
	require.NoError(t, l.History(func(tx *Transaction) error {
		labels = append(labels, tx.Label)
		return nil
	}))
	require.Equal(t, []string{"done2", "done3", "parked", "pending"}, labels)
	again, err := l.FindKey("done0")
	require.NoError(t, err)
	require.Equal(t, old, again, "keys outlive their transactions")
	tx, err := l.Find(old.ID)
	require.NoError(t, err)
	require.True(t, tx.Compacted)
	require.Equal(t, Committed, tx.Outcome)

	for i := range 3 { // a third generation of keys, from a fresh open
		require.NoError(t, l.Close())
		l, err = Open(context.Background(), ledgerDir, Options{FS: disk, HistoryAge: time.Nanosecond})
		require.NoError(t, err)
		report, err = compactNow(l)
		require.NoError(t, err)
		require.Equal(t, []int{2, 0, 0}[i], report.Dropped)
	}
	again, err = l.FindKey("done3")
	require.NoError(t, err)
	require.Equal(t, Committed, again.Outcome)
	hosts, err := l.HostIntents()
	require.NoError(t, err)
	require.Len(t, hosts, 1)
	require.NoError(t, l.Close())
	require.Equal(t, "ok", health(t, disk))
}

func health(t *testing.T, fsys vfs.FS) string {
	r, err := Verify(fsys, ledgerDir)
	require.NoError(t, err)
	return r.Health()
}

// The newest transaction can be undone, however large or old it is.
func TestCompactionKeepsTheLastTransactionWhole(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := Open(context.Background(), ledgerDir, Options{FS: disk, HistoryBytes: 1, HistoryAge: 1})
	require.NoError(t, err)
	require.NoError(t, l.Acquire(context.Background(), time.Second, nil))
	for _, label := range []string{"old", "last"} {
		id, err := b.seal(l, label, 5000)
		require.NoError(t, err)
		require.NoError(t, b.retire(l, id, Committed))
	}
	l.Release()
	_, err = compactNow(l)
	require.NoError(t, err)
	require.NoError(t, l.History(func(tx *Transaction) error {
		require.Equal(t, "last", tx.Label)
		return b.intents[tx.ID].compare(tx)
	}))
	require.NoError(t, l.Close())
}

// A reader of the old generation goes on reading it; another process that held
// the old file finds the new one.
func TestCompactionUnderReaders(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	acquire(t, l)
	g, img := sealIntent(t, l, "read", 3<<20)
	require.NoError(t, l.Retire(g.ID(), Committed))
	g.Done()
	l.Release()
	reader, err := Open(context.Background(), dir, Options{ReadOnly: true})
	require.NoError(t, err)
	tx, err := reader.Find(g.ID())
	require.NoError(t, err)
	own, err := l.Find(g.ID())
	require.NoError(t, err)
	before := reader.Report().Generation
	for range 2 {
		_, err = compactNow(l)
		require.NoError(t, err)
	}
	for _, tx := range []*Transaction{tx, own} {
		r, ok := tx.Image(0, Before)
		require.True(t, ok)
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		require.NoError(t, err)
		require.Equal(t, len(img), len(got))
	}
	require.Equal(t, before, reader.Report().Generation)
	require.NoError(t, reader.Refresh())
	require.Equal(t, before+2, reader.Report().Generation)
	require.NoError(t, reader.Close())
	require.NoError(t, l.Close())
}

func TestLogIsCompactedWhenItHasDoubled(t *testing.T) {
	dir := t.TempDir()
	w, err := NewFileWAL(dir, SyncNone)
	require.NoError(t, err)
	data := make([]byte, 10_000)
	for i := range 600 {
		require.NoError(t, w.Append(Entry{Op: OpPut, Data: data}))
		if i%10 == 9 {
			require.NoError(t, w.Truncate())
		}
	}
	require.NoError(t, w.Close())
	info, err := os.Stat(dir + "/" + logName)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(2<<20))
}

// Positions of entries outlive compaction, and truncation of a part.
func TestEntriesKeepTheirPositions(t *testing.T) {
	disk := crashfs.New(crashfs.Options{})
	l, err := Open(context.Background(), "/w/.emend", Options{FS: disk})
	require.NoError(t, err)
	require.NoError(t, l.Acquire(context.Background(), time.Second, nil))
	for i := range 6 {
		require.NoError(t, ledgerAppend(l, Entry{Op: OpPut, Timestamp: int64(i)}))
	}
	require.NoError(t, l.commitOne(typeTruncate, func(b []byte) []byte { return encodeTruncate(b, 3) }))
	check := func() {
		t.Helper()
		var got []int64
		require.NoError(t, ledgerReplay(l, func(e Entry) error {
			got = append(got, e.Timestamp)
			return nil
		}))
		require.Equal(t, []int64{3, 4, 5}, got)
		require.EqualValues(t, 7, l.c.idx.entries.next)
		require.EqualValues(t, 3, l.c.idx.entries.through)
	}
	check()
	l.Release()
	for range 2 {
		_, err = compactNow(l)
		require.NoError(t, err)
		check()
		require.NoError(t, l.Close())
		l, err = Open(context.Background(), "/w/.emend", Options{FS: disk})
		require.NoError(t, err)
		check()
	}
	require.NoError(t, l.Close())
}

// A log that has grown is rewritten when it is let go of, if that makes it
// much shorter.
func TestCompactsByItselfOnlyWhereThatHelps(t *testing.T) {
	for dropped, generation := range map[bool]uint64{false: 1, true: 2} {
		disk := newDisk()
		b := newLedger()
		l, err := ledgerOpen(disk)
		require.NoError(t, err)
		id, err := b.seal(l, "history", 2<<20)
		require.NoError(t, err)
		require.NoError(t, b.retire(l, id, Committed))
		if dropped {
			require.NoError(t, b.entry(l, "entry", 5<<20))
			require.NoError(t, b.truncate(l))
		}
		l.Release()
		require.NoError(t, l.Acquire(t.Context(), time.Second, nil))
		require.Equal(t, generation, l.Report().Generation)
		require.NoError(t, b.compare(l))
		require.NoError(t, ledgerClose(l))
	}
}
