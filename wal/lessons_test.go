package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

func TestLesson4RetiringOneIntentLeavesTheOthers(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	a, err := b.seal(l, "a", 100)
	require.NoError(t, err)
	_, err = b.seal(l, "b", 100)
	require.NoError(t, err)
	require.NoError(t, b.retire(l, a, Committed))
	require.NoError(t, ledgerClose(l))
	require.NoError(t, b.check(disk))
	l, err = ledgerOpen(disk)
	require.NoError(t, err)
	require.Len(t, l.Orphans(), 1)
	require.NoError(t, ledgerClose(l))
}

func TestLesson8BytesComeBackAsBytes(t *testing.T) {
	l, err := ledgerOpen(newDisk())
	require.NoError(t, err)
	raw := "a\xff\xfe\x00\u2028\xc3\x28"
	g, err := l.Begin(Begin{Label: raw, Key: raw})
	require.NoError(t, err)
	st := Step{Path: raw, LinkOf: -1, Edits: []Replacement{{Old: []byte(raw), New: []byte(raw + raw)}}}
	require.NoError(t, g.Step(&st))
	require.NoError(t, g.Seal())
	require.NoError(t, l.Sync())
	g.Done()
	tx := l.Orphans()[0]
	require.Equal(t, raw, tx.Label)
	steps, err := tx.LoadSteps()
	require.NoError(t, err)
	require.Equal(t, []Step{st}, steps)
	require.NoError(t, ledgerClose(l))
}

func TestLesson21TwoProcessesDoNotInterleave(t *testing.T) {
	disk := newDisk()
	one, err := ledgerOpen(disk.Process())
	require.NoError(t, err)
	two, err := Open(context.Background(), ledgerDir, Options{FS: disk.Process()})
	require.NoError(t, err)
	locked := new(LockedError)
	err = two.Acquire(context.Background(), 30*time.Millisecond, nil)
	require.ErrorAs(t, err, &locked)
	require.Equal(t, os.Getpid(), locked.PID)
	require.Equal(t, fail.Locked, fail.KindOf(err))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, two.Acquire(ctx, time.Second, nil), context.Canceled)
	held, pid, err := two.Holder()
	require.NoError(t, err)
	require.True(t, held)
	require.Equal(t, os.Getpid(), pid)

	// Turn by turn, each finds what the other appended.
	b := newLedger()
	for i := range 6 {
		require.NoError(t, b.entry(one, fmt.Sprint(i), 10))
		one.Release()
		require.NoError(t, two.Acquire(context.Background(), time.Second, nil))
		one, two = two, one
	}
	require.NoError(t, b.compare(one))
	require.NoError(t, ledgerClose(one))
	require.NoError(t, two.Close())
	require.NoError(t, b.check(disk))
	ids := map[ID]bool{}
	for range 1000 {
		id, err := NewID()
		require.NoError(t, err)
		require.False(t, ids[id])
		ids[id] = true
	}
}

func TestLesson25TruncateIsDurableAndReportsItsFailure(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk, Sync: SyncNone})
	require.NoError(t, err)
	require.NoError(t, w.Append(Entry{Key: "k"}))
	require.NoError(t, w.Truncate())
	for name, survivor := range disk.Survivors() {
		v, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: survivor})
		require.NoError(t, err)
		require.Empty(t, keysFrom(t, v, 0), name)
		require.NoError(t, v.Close())
	}
	disk.FailSync(func(op.Op) error { return syscall.EIO })
	require.Error(t, w.Truncate())
	require.Error(t, w.Err())
	disk.FailSync(nil)
	require.NoError(t, w.Close())
}

// A corrupt length makes nobody allocate: it is not believed before its
// checksum, and nothing longer than the file is read.
func TestLesson33CorruptLengthAllocatesNothing(t *testing.T) {
	s := samples(t)[0]
	for _, length := range []uint32{1<<32 - 1, 1 << 31, hardLimit, maxPayload + 1} {
		for _, forged := range []bool{false, true} {
			data := append([]byte(nil), s.data...)
			f := s.frames[2]
			h := data[f.off:]
			h[8], h[9], h[10], h[11] = byte(length), byte(length>>8), byte(length>>16), byte(length>>24)
			if forged {
				putFrameHeader(h, saltOf(h), position{off: f.off, seq: f.seq, chain: f.chain}, f.synced)
			}
			disk := diskWith(t, data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := Verify(disk, ledgerDir)
			require.NoError(t, err)
			require.Equal(t, "damaged", r.Health())
			_, err = ledgerOpen(disk)
			require.Error(t, err)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
		}
	}
}

// A directory is synced at every change of a name in it before anything that
// depends on the name is acknowledged.
func TestLesson34DirectoriesAreSyncedAtEveryNameChange(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	require.NoError(t, compacting(disk, b))
	dirty := map[string]bool{}
	for _, o := range disk.Trace() {
		dir := filepath.Dir(o.Path)
		switch o.Kind {
		case op.Mkdir, op.Rename:
			dirty[dir] = true
		case op.SyncDir:
			delete(dirty, o.Path)
		case op.Datasync:
			// The first sync of a generation goes side by side with its directory's.
		case op.Write:
			if o.Off > minZeros {
				require.Empty(t, dirty, "%v at %d", o, o.Off)
			}
		}
	}
	require.Empty(t, dirty)
}

func TestLesson44TemporariesOfTheDeadAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".wal.log123", ".wal.log99999999999", ".wal.logx", "user"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	require.NoError(t, Append(dir, Intent{ID: "a"}))
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	var left []string
	for _, n := range names {
		left = append(left, n.Name())
	}
	require.Equal(t, []string{ignoreName, ".wal.logx", lockName, "user", logName}, left)
}

func TestLesson45StaleLockFileKeepsNobodyOut(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, lockName), []byte("1\n"), 0o600))
	require.NoError(t, Append(dir, Intent{ID: "a"}))
	l, err := Open(context.Background(), dir, Options{ReadOnly: true})
	require.NoError(t, err)
	held, _, err := l.Holder()
	require.NoError(t, err)
	require.False(t, held)
	require.NoError(t, l.Close())
}

// Who asks for the holder is none, neither for others who ask nor for who takes
// the lock just then.
func TestWhoAsksForTheHolderIsNone(t *testing.T) {
	disk := newDisk()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	l.Release()
	dir, err := disk.Process().OpenRoot(ledgerDir)
	require.NoError(t, err)
	asking, err := dir.Open(lockName)
	require.NoError(t, err)
	free, err := asking.TryLockShared()
	require.NoError(t, err)
	require.True(t, free)
	held, _, err := l.Holder()
	require.NoError(t, err)
	require.False(t, held)

	late, err := Open(context.Background(), ledgerDir, Options{FS: &wrapped{disk.Process(), func(f vfs.File) vfs.File { return &askedFile{f, asking, 2} }}})
	require.NoError(t, err)
	require.NoError(t, late.Acquire(context.Background(), 0, nil))
	require.NoError(t, ledgerClose(late))
	require.NoError(t, l.Close())
}

// askedFile is a lock file that somebody asks about until it was tried in vain.
type askedFile struct {
	vfs.File
	asking vfs.File
	tries  int
}

func (f *askedFile) TryLock() (bool, error) {
	if f.tries--; f.tries == 0 {
		return false, f.asking.Unlock()
	}
	return f.File.TryLock()
}

// A lock on a file that is no longer at DIR/lock protects nothing.
func TestLockFileReplacedUnderneath(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	acquire(t, l)
	l.Release()
	require.NoError(t, os.Remove(filepath.Join(dir, lockName)))
	acquire(t, l)
	other, err := vfs.OS().OpenRoot(dir)
	require.NoError(t, err)
	f, err := other.OpenWrite(lockName)
	require.NoError(t, err)
	free, err := f.TryLock()
	require.NoError(t, err)
	require.False(t, free)
	require.NoError(t, errors.Join(f.Close(), other.Close()))
	l.Release()
	require.NoError(t, l.Close())
}

// The log itself replaced or removed underneath: what was known of it is
// forgotten, and nothing is written to a file that nobody will find.
func TestLogReplacedUnderneath(t *testing.T) {
	dir := t.TempDir()
	other := t.TempDir()
	require.NoError(t, Append(other, Intent{ID: "other"}))
	l, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, l.with(func(l *Log) error { return l.AppendHost(Intent{ID: "lost"}) }))
	require.NoError(t, os.Rename(filepath.Join(other, logName), filepath.Join(dir, logName)))
	require.NoError(t, l.with(func(l *Log) error { return l.AppendHost(Intent{ID: "new"}) }))
	hosts, err := Replay(dir)
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	require.NoError(t, os.Remove(filepath.Join(dir, logName)))
	require.NoError(t, l.with(func(l *Log) error { return l.AppendHost(Intent{ID: "again"}) }))
	require.NoError(t, l.Close())
	hosts, err = Replay(dir)
	require.NoError(t, err)
	require.Len(t, hosts, 1)

	// Cut shorter underneath: what was synced is gone, and that is an error.
	l, err = Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, l.with(func(l *Log) error { return l.AppendHost(Intent{ID: "more"}) }))
	require.NoError(t, os.Truncate(filepath.Join(dir, logName), 70))
	err = l.with(func(l *Log) error { return nil })
	require.Equal(t, fail.LogCorrupt, fail.KindOf(err))
	require.Error(t, l.Close())
}

func TestLogThatIsNoFile(t *testing.T) {
	for what, make := range map[string]func(name string) error{
		"directory": func(name string) error { return os.Mkdir(name, 0o700) },
		"link":      func(name string) error { return os.Symlink("/etc/passwd", name) },
		"fifo":      makeFIFO,
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, logName)); errors.Is(err, errors.ErrUnsupported) {
			continue
		} else {
			require.NoError(t, err)
		}
		for _, readOnly := range []bool{false, true} {
			_, err := Open(context.Background(), dir, Options{ReadOnly: readOnly})
			require.Error(t, err, what)
		}
		_, err := Verify(vfs.OS(), dir)
		require.Error(t, err, what)
		_, err = Replay(dir)
		require.Error(t, err, what)
		require.Error(t, Append(dir, Intent{ID: "x"}), what)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, logName), []byte("some text that is no log, and longer than a header of it is"), 0o600))
	_, err := Open(context.Background(), dir, Options{})
	require.Equal(t, fail.LogCorrupt, fail.KindOf(err))
	h := fileHeader{generation: 1, baseSeq: 1, birth: 64}.encode()
	h[8] = 2
	fixHeaderCRC(h)
	require.NoError(t, os.WriteFile(filepath.Join(dir, logName), h, 0o600))
	_, err = Open(context.Background(), dir, Options{})
	require.Equal(t, fail.LogVersion, fail.KindOf(err))
	_, err = Verify(vfs.OS(), dir)
	require.Equal(t, fail.LogVersion, fail.KindOf(err))
	left, err := os.ReadFile(filepath.Join(dir, logName))
	require.NoError(t, err)
	require.Equal(t, h, left)
}

// Recovery runs once for each orphan, while nobody else may come in; its error
// is the caller's, and the log is not held then.
func TestAcquireRecovers(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	id, err := b.seal(l, "left", 10)
	require.NoError(t, err)
	ctx := context.Background()
	failing := errors.New("cannot")
	require.ErrorIs(t, l.Acquire(ctx, time.Second, func() error { return failing }), failing)
	calls := 0
	recoverAll := func() error {
		calls++
		for _, tx := range l.Orphans() {
			if err := l.Retire(tx.ID, RolledBack); err != nil {
				return err
			}
		}
		return nil
	}
	for range 3 {
		require.NoError(t, l.Acquire(ctx, time.Second, recoverAll))
		l.Release()
	}
	require.Equal(t, 1, calls)
	g, err := l.Begin(Begin{})
	require.NoError(t, err)
	require.NoError(t, g.Seal())
	require.True(t, l.Live(g.ID()))
	require.NoError(t, l.Acquire(ctx, time.Second, recoverAll), "a transaction in flight is no orphan")
	require.Equal(t, 1, calls)
	g.Done()
	g.Done()
	require.False(t, l.Live(g.ID()))
	require.NoError(t, l.Acquire(ctx, time.Second, recoverAll))
	require.Equal(t, 2, calls)
	for range 2 {
		l.Release()
	}
	require.NotEqual(t, id, g.ID())
	require.NoError(t, ledgerClose(l))
}

func TestAppendWithoutHoldingIsAnError(t *testing.T) {
	l, err := Open(context.Background(), ledgerDir, Options{FS: newDisk()})
	require.NoError(t, err)
	_, err = l.Begin(Begin{})
	require.ErrorIs(t, err, ErrNotHeld)
	require.ErrorIs(t, l.Retire(ID{1}, Committed), ErrNotHeld)
	require.ErrorIs(t, l.Sync(), ErrNotHeld)
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Sync(), ErrClosed)
	require.ErrorIs(t, l.Acquire(context.Background(), 0, nil), ErrClosed)
	require.True(t, strings.Contains(ErrClosed.Error(), "closed"))
}

// A directory in which nothing may be changed: what is there can be read, and
// an append says why it cannot be made.
func TestReadOnlyDirectory(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err)
	require.NoError(t, errors.Join(w.Append(Entry{Key: "k"}), w.Close()))
	for _, errno := range []syscall.Errno{syscall.EROFS, syscall.EACCES} {
		writes := faultfs.Kinds(op.Create, op.Write, op.Rename, op.Remove, op.Sync, op.Datasync, op.SyncDir)
		readOnly := faultfs.New(disk, faultfs.Fault{Match: writes, N: 1, Forever: true, Err: errno})
		w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: readOnly})
		require.NoError(t, err)
		require.Len(t, replayAll(t, w), 1)
		require.Equal(t, fail.Permission, fail.KindOf(w.Append(Entry{})))
		require.Len(t, replayAll(t, w), 1)
		require.NoError(t, w.Close())
	}
	require.Equal(t, "ok", health(t, disk))
}
