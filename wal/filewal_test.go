package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

func keysFrom(t *testing.T, w *FileWAL, from uint64) (keys []string) {
	t.Helper()
	for r, err := range w.Entries(from) {
		require.NoError(t, err)
		keys = append(keys, fmt.Sprint(r.Pos, r.Key))
	}
	return keys
}

func TestPositionsBatchesAndTickets(t *testing.T) {
	ctx := context.Background()
	w, err := OpenFileWAL(context.Background(), "/w/.emend", Options{FS: newDisk()})
	require.NoError(t, err)
	first, err := w.AppendBatch(ctx, Entry{Key: "a"}, Entry{Key: "b"})
	require.NoError(t, err)
	require.EqualValues(t, 1, first)
	var tickets []*Ticket
	for i := range 5 {
		ticket, err := w.AppendAsync(ctx, Entry{Key: fmt.Sprint("t", i)}, Entry{Key: fmt.Sprint("u", i)})
		require.NoError(t, err)
		tickets = append(tickets, ticket)
	}
	for i, ticket := range tickets {
		pos, err := ticket.Wait(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 3+2*i, pos, "the order of asking is the order in the log")
	}
	require.Equal(t, []string{"11t4", "12u4"}, keysFrom(t, w, 11))
	require.NoError(t, w.TruncateThrough(9))
	require.Equal(t, []string{"10u3", "11t4", "12u4"}, keysFrom(t, w, 0))
	require.NoError(t, w.TruncateThrough(3), "truncation never goes back")
	require.Len(t, keysFrom(t, w, 0), 3)
	require.NoError(t, w.Truncate())
	require.NoError(t, w.Append(Entry{Key: "z"}))
	require.Equal(t, []string{"13z"}, keysFrom(t, w, 0))
	require.NoError(t, w.Close())
	_, err = w.AppendAsync(ctx, Entry{})
	require.ErrorIs(t, err, ErrClosed)
	for _, err := range w.Entries(0) {
		require.ErrorIs(t, err, ErrClosed)
	}
}

// A batch is replayed whole or not at all, whatever is left of it.
func TestBatchesAreAtomic(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err)
	require.NoError(t, w.Append(Entry{Key: "first"}))
	batch := make([]Entry, 12)
	for i := range batch {
		batch[i] = Entry{Key: "batch", Data: make([]byte, 300)}
	}
	partly := 0
	disk.OnOp(func(o op.Op) {
		if o.Kind != op.Datasync {
			return
		}
		for seed := range uint64(200) {
			survivor := disk.Survive(crashfs.Random(seed))
			v, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: survivor})
			require.NoError(t, err)
			require.NoError(t, v.Append(Entry{Key: "next"}))
			var keys []string
			require.NoError(t, v.Replay(func(e Entry) error { keys = append(keys, e.Key); return nil }))
			n := len(slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k != "batch" }))
			require.Contains(t, []int{0, len(batch)}, n)
			require.Equal(t, []string{"first", "next"}, []string{keys[0], keys[len(keys)-1]})
			if v.log.c.idx.entries.next > 3 && n == 0 {
				partly++
			}
			require.NoError(t, v.Close())
		}
	})
	_, err = w.AppendBatch(context.Background(), batch...)
	require.NoError(t, err)
	disk.OnOp(nil)
	require.Positive(t, partly, "no survivor had a part of the batch")
	require.NoError(t, w.Close())
}

func TestSyncNoneIsDurableAfterSyncAndClose(t *testing.T) {
	for _, end := range []func(*FileWAL) error{(*FileWAL).Sync, (*FileWAL).Close} {
		disk := newDisk()
		w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk, Sync: SyncNone})
		require.NoError(t, err)
		require.NoError(t, w.Append(Entry{Key: "k"}))
		require.Zero(t, disk.Counts()[op.Datasync])
		v, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk.Killed(), ReadOnly: true})
		require.NoError(t, err)
		require.Len(t, keysFrom(t, v, 0), 1, "it is in the kernel")
		require.NoError(t, v.Close())
		require.NoError(t, end(w))
		v, err = OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk.Survive(crashfs.AllLost()), ReadOnly: true})
		require.NoError(t, err)
		require.Len(t, keysFrom(t, v, 0), 1)
		require.ErrorIs(t, v.Append(Entry{}), ErrReadOnly)
		require.NoError(t, v.Close())
	}
}

// What a power cut takes of entries that were not synced are the newest, whole
// batches of them.
func TestSyncNoneLosesOnlyTheNewest(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk, Sync: SyncNone})
	require.NoError(t, err)
	e := Entry{Data: make([]byte, 700)}
	for i := range 40 {
		_, err := w.AppendBatch(context.Background(), e, e, e)
		require.NoError(t, err)
		if i == 9 {
			require.NoError(t, w.Sync())
		}
	}
	lost := map[int]bool{}
	for seed := range uint64(100) {
		v, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk.Survive(crashfs.Random(seed))})
		require.NoError(t, err)
		n := 0
		for r, err := range v.Entries(0) {
			require.NoError(t, err)
			n++
			require.EqualValues(t, n, r.Pos)
		}
		require.GreaterOrEqual(t, n, 30)
		require.Zero(t, n%3)
		lost[n] = true
		require.NoError(t, v.Close())
	}
	require.Greater(t, len(lost), 2)
	require.NoError(t, w.Close())
}

func TestLesson7And26RecordSizeIsCheckedOnAppend(t *testing.T) {
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: newDisk(), RecordLimit: 100_000})
	require.NoError(t, err)
	overhead := len((&Entry{Data: make([]byte, 99_000)}).encode(nil)) - 99_000
	require.NoError(t, w.Append(Entry{Data: make([]byte, 100_000-overhead)}))
	err = w.Append(Entry{Data: make([]byte, 100_001-overhead)})
	require.Equal(t, fail.TooLarge, fail.KindOf(err))
	_, err = w.AppendBatch(context.Background(), Entry{}, Entry{Key: strings.Repeat("k", 100_001)})
	require.Equal(t, fail.TooLarge, fail.KindOf(err))
	err = w.log.with(func(l *Log) error { return l.AppendHost(Intent{ID: strings.Repeat("i", 100_001)}) })
	require.Equal(t, fail.TooLarge, fail.KindOf(err))
	err = w.log.with(func(l *Log) error {
		g, err := l.Begin(Begin{})
		require.NoError(t, err)
		defer g.Done()
		st := Step{LinkOf: -1, Edits: []Replacement{{New: make([]byte, 100_001)}}}
		require.Equal(t, fail.TooLarge, fail.KindOf(g.Step(&st)))
		_, err = l.Begin(Begin{Label: strings.Repeat("l", 100_001)})
		return err
	})
	require.Equal(t, fail.TooLarge, fail.KindOf(err))
	require.Len(t, keysFrom(t, w, 0), 1)
	require.NoError(t, w.Close())
}

// What append accepts, replay returns, beyond the 16 and 64 MiB that others read.
func TestLesson7And26LargeRecordsComeBack(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456\x00"), 65<<20/8)
	w, err := NewFileWAL(dir, SyncNone)
	require.NoError(t, err)
	want := []Entry{{Key: "before"}, {Key: strings.Repeat("k", 1<<16), Data: big}, {Key: "after"}}
	for _, e := range want {
		require.NoError(t, w.Append(e))
	}
	original := map[string][]byte{"f": big[:17<<20]}
	require.NoError(t, Append(dir, Intent{ID: "large", Originals: original}))
	require.NoError(t, Append(dir, Intent{ID: "last"}))
	require.NoError(t, w.Close())

	w, err = NewFileWAL(dir, SyncNone)
	require.NoError(t, err)
	n := 0
	require.NoError(t, w.Replay(func(e Entry) error {
		require.True(t, want[n].Key == e.Key && bytes.Equal(want[n].Data, e.Data), n)
		n++
		return nil
	}))
	require.Equal(t, len(want), n)
	require.NoError(t, w.Close())
	hosts, err := Replay(dir)
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	require.True(t, bytes.Equal(original["f"], hosts[0].Originals["f"]))
	require.Equal(t, "last", hosts[1].ID)
}

func (l *Log) with(fn func(*Log) error) error {
	if err := l.Acquire(context.Background(), time.Second, nil); err != nil {
		return err
	}
	defer l.Release()
	return fn(l)
}

// Payloads that look like something else.
func TestHostilePayloads(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err)
	require.NoError(t, w.Append(Entry{Key: "plain"}))
	image, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	foreign := slices.Clone(image)
	for i := range 3 { // frames that claim to come later, and to vouch for everything
		putFrameHeader(foreign[64+48*i:], w.log.c.scan.salt, position{off: 4096, seq: 1 << 40}, 1<<40)
	}
	for _, data := range [][]byte{{}, make([]byte, 70_000), image, foreign, []byte("\xff\xfe\xc0"), []byte(closeTrailer)} {
		require.NoError(t, w.Append(Entry{Entity: string(data), Key: string(data), Data: data}))
		got := replayAll(t, w)
		require.Equal(t, string(data), string(got[len(got)-1].Data))
		require.Equal(t, string(data), got[len(got)-1].Key)
		for name, survivor := range disk.Killed().Survivors() { // no clean close
			v, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: survivor})
			require.NoError(t, err, name)
			require.Len(t, replayAll(t, v), len(got))
			require.NoError(t, v.Close())
		}
	}
	require.NoError(t, w.Close())
	require.Equal(t, "ok", health(t, disk))
}

// A process that comes after a clean close reads no history, however long that
// is, nor does its last release.
func TestOpenAfterCleanCloseReadsNoHistory(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	require.NoError(t, busy(l, b))
	for i := range 60 {
		require.NoError(t, b.entry(l, fmt.Sprint("more ", i), 100_000))
	}
	require.NoError(t, ledgerClose(l))

	var read int64
	l, err = ledgerOpen(&wrapped{disk, func(f vfs.File) vfs.File { return readsFile{f, &read} }})
	require.NoError(t, err)
	require.True(t, l.Report().CleanClose)
	require.Len(t, l.Pending(), 1)
	require.Len(t, l.Parked(), 1)
	require.NoError(t, b.retire(l, l.Pending()[0].ID, Committed))
	require.NoError(t, ledgerClose(l))
	require.Less(t, read, int64(2<<20), "zeros and a few frames")
	require.NoError(t, b.check(disk))
}

// wrapped has every file that is opened for writing go through wrap.
type wrapped struct {
	vfs.FS
	wrap func(vfs.File) vfs.File
}

func (w *wrapped) OpenRoot(name string) (vfs.Dir, error) {
	d, err := w.FS.OpenRoot(name)
	return wrappedDir{d, w}, err
}

type wrappedDir struct {
	vfs.Dir
	w *wrapped
}

func (d wrappedDir) OpenWrite(name string) (vfs.File, error) {
	f, err := d.Dir.OpenWrite(name)
	if err != nil {
		return nil, err
	}
	return d.w.wrap(f), nil
}

// readsFile counts what is read.
type readsFile struct {
	vfs.File
	bytes *int64
}

func (f readsFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	*f.bytes += int64(n)
	return n, err
}

// Damage in what a replay passes ends it with an error, never early with nil.
func TestReplayOfADamagedLogIsAnError(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err)
	for range 5 {
		require.NoError(t, w.Append(Entry{Data: make([]byte, 1000)}))
	}
	require.NoError(t, w.Close())
	data, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	data[2500] ^= 1
	require.NoError(t, disk.WriteFile(ledgerDir+"/"+logName, data, 0o600))
	w, err = OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err, "the clean close vouches for everything but history")
	n := 0
	err = w.Replay(func(Entry) error { n++; return nil })
	var corrupt *CorruptError
	require.True(t, errors.As(err, &corrupt))
	require.Equal(t, 2, n)
	require.Contains(t, corrupt.Lost, "frame 3")
	require.Equal(t, fail.LogCorrupt, fail.KindOf(err))
	require.NoError(t, w.Close())
}

// Truncating through the middle of a batch leaves the rest of it, also when
// compaction has dropped what was truncated.
func TestRestOfABatchOutlivesTruncationAndCompaction(t *testing.T) {
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: newDisk()})
	require.NoError(t, err)
	_, err = w.AppendBatch(context.Background(), Entry{Key: "a"}, Entry{Key: "b"}, Entry{Key: "c"})
	require.NoError(t, err)
	require.NoError(t, w.Append(Entry{Key: "d"}))
	require.NoError(t, w.TruncateThrough(1))
	require.Equal(t, []string{"2b", "3c", "4d"}, keysFrom(t, w, 0))
	_, err = compactNow(w.log)
	require.NoError(t, err)
	require.Equal(t, []string{"2b", "3c", "4d"}, keysFrom(t, w, 0))
	require.NoError(t, w.Close())
}
