package wal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
)

func acquire(t *testing.T, l *Log) {
	t.Helper()
	require.NoError(t, l.Acquire(context.Background(), 5*time.Second, nil))
}

// seal appends an intent of one file with a before-image of size bytes, and
// syncs it.
func sealIntent(t *testing.T, l *Log, label string, size int) (*Group, []byte) {
	t.Helper()
	g, err := l.Begin(Begin{Label: label, Key: "key-" + label})
	require.NoError(t, err)
	img := bytes.Repeat([]byte(label), size/len(label)+1)[:size]
	st := Step{Path: "a/" + label, LinkOf: -1, HasBefore: true, Op: StepDelete,
		Before: State{Kind: vfs.Regular, Hash: hashing.Raw(img), Size: int64(size), Meta: Meta{Mode: 0o644}}}
	require.NoError(t, g.Step(&st))
	require.NoError(t, g.Data(0, Before, 0, img))
	require.NoError(t, g.Seal())
	require.NoError(t, l.Sync())
	return g, img
}

func TestLogRoundTrip(t *testing.T) {
	dir := t.TempDir() + "/.emend"
	l, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	acquire(t, l)
	g, img := sealIntent(t, l, "one", 3<<20)
	require.Empty(t, l.Orphans())
	require.NoError(t, l.Note(g.ID(), 0, NoteInPlace, ""))
	require.NoError(t, l.Decide(g.ID(), Forward))
	g.Done()
	g2, _ := sealIntent(t, l, "two", 0)
	require.NoError(t, l.Retire(g2.ID(), Committed))
	g2.Done()
	l.Release()
	require.NoError(t, l.Close())

	l, err = Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	defer l.Close()
	require.True(t, l.Report().CleanClose)
	o := l.Orphans()
	require.Len(t, o, 1)
	require.Equal(t, g.ID(), o[0].ID)
	require.Equal(t, Forward, o[0].Decision)
	steps, err := o[0].LoadSteps()
	require.NoError(t, err)
	require.True(t, steps[0].InPlace)
	r, ok := o[0].Image(0, Before)
	require.True(t, ok)
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)
	require.True(t, bytes.Equal(img, got))
	var labels []string
	require.NoError(t, l.History(func(tx *Transaction) error {
		labels = append(labels, tx.Label)
		return nil
	}))
	require.Equal(t, []string{"one", "two"}, labels)
	k, err := l.FindKey("key-two")
	require.NoError(t, err)
	require.Equal(t, Committed, k.Outcome)

	acquire(t, l)
	require.NoError(t, l.Retire(g.ID(), RolledBack))
	require.Empty(t, l.Pending())
	l.Release()
}

// What was noted of a step before its intent was sealed is known ever after.
func TestNotesBeforeTheSeal(t *testing.T) {
	disk := newDisk()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	g, err := l.Begin(Begin{})
	require.NoError(t, err)
	require.NoError(t, g.Step(&Step{Path: "p", LinkOf: -1}))
	require.NoError(t, g.Data(0, Before, 0, make([]byte, flushSize))) // so that the begin frame is in the file
	require.NoError(t, l.Note(g.ID(), 0, NoteInPlace, ""))
	require.NoError(t, g.Seal())
	require.NoError(t, l.Sync())
	g.Done()
	check := func(l *Log) {
		tx, err := l.Find(g.ID())
		require.NoError(t, err)
		steps, err := tx.LoadSteps()
		require.NoError(t, err)
		require.True(t, steps[0].InPlace)
	}
	check(l)
	crashed, err := ledgerOpen(disk.Killed())
	require.NoError(t, err)
	check(crashed)
	require.NoError(t, ledgerClose(crashed))
	l.Release()
	_, err = compactNow(l)
	require.NoError(t, err)
	check(l)
	require.NoError(t, l.Close())
	l, err = ledgerOpen(disk)
	require.NoError(t, err)
	require.True(t, l.Report().CleanClose)
	check(l)
	require.NoError(t, ledgerClose(l))
}

// While a process takes the lock, who looks does not take the log for what it
// was before.
func TestLookWhileTakingTheLock(t *testing.T) {
	disk := newDisk()
	one, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk.Process()})
	require.NoError(t, err)
	two, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk.Process()})
	require.NoError(t, err)
	require.NoError(t, two.Append(Entry{Key: "k"}))
	require.NoError(t, one.log.c.takeLock(&limit{ctx: context.Background()}))
	require.Len(t, replayAll(t, one), 1)
	one.log.c.settled()
	require.NoError(t, errors.Join(one.Close(), two.Close()))
}

// Opening one log waits for no other.
func TestOpensOfDifferentLogsDoNotWaitForEachOther(t *testing.T) {
	disk := newDisk()
	for _, dir := range []string{"/w/a", "/w/b"} {
		w, err := OpenFileWAL(context.Background(), dir, Options{FS: disk})
		require.NoError(t, err)
		require.NoError(t, errors.Join(w.Append(Entry{}), w.Close()))
	}
	stuck, free := make(chan struct{}), make(chan struct{})
	slow := sync.OnceFunc(func() { close(stuck); <-free })
	fsys := &wrapped{disk, func(f vfs.File) vfs.File { slow(); return f }}
	done := make(chan error)
	go func() {
		l, err := Open(context.Background(), "/w/a", Options{FS: fsys})
		done <- errors.Join(err, l.Close())
	}()
	<-stuck
	l, err := Open(context.Background(), "/w/b", Options{FS: &wrapped{disk, func(f vfs.File) vfs.File { return f }}})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	close(free)
	require.NoError(t, <-done)
}

func TestOpenMayBeCancelled(t *testing.T) {
	disk := newDisk()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	require.NoError(t, ledgerAppend(l, Entry{}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	crashed := disk.Killed()
	_, err = Open(ctx, ledgerDir, Options{FS: crashed})
	require.ErrorIs(t, err, context.Canceled)
	l, err = ledgerOpen(crashed)
	require.NoError(t, err)
	require.Len(t, replayAll(t, entriesOf(l)), 1)
	require.NoError(t, ledgerClose(l))
}

// Zeros are written ahead as far as asked for, and a clean close is found behind
// the most that may be.
func TestZeroAhead(t *testing.T) {
	for ahead, most := range map[int64]int64{1: 128 << 10, 0: 576 << 10, 1 << 40: 832 << 10} {
		disk := newDisk()
		o := Options{FS: disk, ZeroAhead: ahead, CompactFrom: -1}
		w, err := OpenFileWAL(context.Background(), ledgerDir, o)
		require.NoError(t, err)
		for range 60 {
			require.NoError(t, w.Append(Entry{Data: make([]byte, 20_000)}))
		}
		require.NoError(t, w.Close())
		data, err := disk.ReadFile(ledgerDir + "/" + logName)
		require.NoError(t, err)
		require.LessOrEqual(t, int64(len(data))-w.Report().Bytes, most)
		w, err = OpenFileWAL(context.Background(), ledgerDir, o)
		require.NoError(t, err)
		require.True(t, w.Report().CleanClose)
		require.NoError(t, w.Close())
	}
}
