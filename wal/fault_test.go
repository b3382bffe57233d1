package wal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

// stubborn is session by somebody who goes on after errors.
func stubborn(fsys vfs.FS, b *ledger) (failed []error) {
	var l *Log
	try := func(step func() error) {
		if l == nil {
			var err error
			if l, err = ledgerOpen(fsys); err != nil {
				failed = append(failed, err)
				return
			}
		}
		err := step()
		if err == nil {
			return
		}
		failed = append(failed, err)
		if poisoned := new(PoisonedError); errors.As(err, &poisoned) && l != nil {
			_ = ledgerClose(l) // only a fresh open continues
			l = nil
		}
	}
	for i := range 3 {
		try(func() error { return b.entry(l, fmt.Sprint("e", i), 3000) })
		try(func() error { return b.appendHost(l, fmt.Sprint("h", i)) })
		try(func() error {
			id, err := b.seal(l, fmt.Sprint("i", i), 30_000*i)
			if err != nil {
				return err
			}
			return errors.Join(l.Decide(id, Forward), b.retire(l, id, Committed))
		})
	}
	try(func() error { return b.truncate(l) })
	try(func() error {
		err := ledgerClose(l)
		l = nil
		return err
	})
	try(func() error { return b.entry(l, "last", 10) })
	if l != nil {
		_ = ledgerClose(l)
	}
	return failed
}

// endings are what may come after a run: the process goes on living, is
// killed, or the power goes.
func endings(disk *crashfs.FS) map[string]*crashfs.FS {
	return map[string]*crashfs.FS{
		"killed": disk.Killed(), "all lost": disk.Survive(crashfs.AllLost()), "all kept": disk.Survive(crashfs.AllKept()),
		"random": disk.Survive(crashfs.Random(1)), "random 2": disk.Survive(crashfs.Random(2)),
	}
}

// Failing at the n-th operation, n = 1, 2, ... until the run passes, once and
// for ever: what was acknowledged is there, and what was not may be.
func TestFailAtEveryOperation(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EACCES} {
		for _, forever := range []bool{false, true} {
			t.Run(fmt.Sprint(errno, " forever ", forever), func(t *testing.T) {
				stride := 1
				if errno != syscall.EIO {
					stride = rounds(5, 1)
				}
				for n := 1; ; n += stride {
					disk := newDisk()
					b := newLedger()
					faulty := faultfs.New(disk, faultfs.Fault{N: n, Forever: forever, Err: errno, Short: n * 7 % 50})
					failed := stubborn(faulty, b)
					if len(faulty.Delivered()) == 0 {
						require.Empty(t, failed)
						require.Greater(t, n, 100)
						return
					}
					for name, survivor := range endings(disk) {
						if err := checkAndUse(b, survivor); err != nil {
							t.Fatalf("%v at operation %v (failed: %v), then %s: %v", errno, faulty.Delivered()[0], failed, name, err)
						}
					}
				}
			})
		}
	}
}

// A write that fails or comes short takes nobody else with it: the next
// append, in the same process, succeeds.
func TestLesson27And31LogIsUsableAfterAFailedWrite(t *testing.T) {
	for n := 1; ; n++ {
		disk := newDisk()
		b := newLedger()
		faulty := faultfs.New(disk, faultfs.Fault{Match: faultfs.Kinds(op.Write), N: n, Err: syscall.ENOSPC, Short: n * 13 % 41})
		failed := stubborn(faulty, b)
		if len(faulty.Delivered()) == 0 {
			return
		}
		require.LessOrEqual(t, len(failed), 1, "write %d: %v", n, failed)
		for _, err := range failed {
			require.Equal(t, fail.NoSpace, fail.KindOf(err), "%v", err)
		}
		for name, survivor := range endings(disk) {
			require.NoError(t, checkAndUse(b, survivor), "%d %s", n, name)
		}
	}
}

func TestFullDiskAtEverySizeThenSpaceReturns(t *testing.T) {
	t.Parallel()
	for space := int64(0); space < 220<<10; space += int64(rounds(2521, 1)) {
		disk := newDisk()
		b := newLedger()
		faulty := faultfs.New(disk)
		faulty.Space(space)
		failed := stubborn(faulty, b)
		for _, err := range failed {
			require.Equal(t, fail.NoSpace, fail.KindOf(err), "%d: %v", space, err)
		}
		faulty.Disarm()
		require.NoError(t, b.check(faulty), "%d", space)
		for name, survivor := range endings(disk) {
			require.NoError(t, checkAndUse(b, survivor), "%d %s", space, name)
		}
	}
}

// Room for the decision and the retirement of a sealed intent is kept, however
// full the disk is and whoever else appends.
func TestRoomIsKeptForSealedIntents(t *testing.T) {
	for size := 0; size < 70<<10; size += rounds(3777, 377) {
		faulty := faultfs.New(newDisk())
		b := newLedger()
		l, err := ledgerOpen(faulty)
		require.NoError(t, err)
		one, err := b.seal(l, "one", size)
		require.NoError(t, err)
		two, err := b.seal(l, "two", size/2)
		require.NoError(t, err)
		faulty.Space(0)
		for i, size := 0, 20_000; size >= 0; i, size = i+1, size-1 {
			if i++; b.entry(l, fmt.Sprint(i), size) == nil {
				size++
			} else {
				size -= size/20 + 1
			}
		}
		require.NoError(t, l.Decide(one, Forward))
		require.NoError(t, b.retire(l, one, Committed))
		require.NoError(t, l.Decide(two, Back))
		require.NoError(t, b.retire(l, two, RolledBack))
		require.NoError(t, b.compare(l))
		require.NoError(t, ledgerClose(l))
	}
}

// A failed sync may have dropped the pages: nothing is retried on this handle,
// and nobody who waits is told otherwise.
func TestLesson32FailedSyncPoisons(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	require.NoError(t, b.entry(l, "before", 1))
	once := true
	disk.FailSync(func(o op.Op) error {
		if once && o.Kind == op.Datasync {
			once = false
			return syscall.EIO
		}
		return nil
	})
	poisoned := new(PoisonedError)
	require.ErrorAs(t, b.entry(l, "lost", 1), &poisoned)
	require.ErrorAs(t, b.entry(l, "after", 1), &poisoned)
	require.ErrorAs(t, l.Sync(), &poisoned)
	require.Equal(t, fail.IO, fail.KindOf(l.Sync()))
	l.Release()
	require.NoError(t, l.Acquire(context.Background(), time.Second, nil), "a fresh hold opens afresh")
	require.NoError(t, b.entry(l, "again", 1))
	for name, survivor := range disk.Survivors() {
		require.NoError(t, b.check(survivor), name)
	}
	require.NoError(t, ledgerClose(l))
}

// What a process could not sync, the next one can still read; before it acts
// on that, it makes it durable, by writing it again.
func TestAnotherProcessInheritsNoFailedSync(t *testing.T) {
	for _, death := range []string{"failed sync", "killed"} {
		disk := newDisk()
		b := newLedger()
		first := disk.Process()
		l, err := ledgerOpen(first)
		require.NoError(t, err)
		require.NoError(t, b.entry(l, "before", 1))
		disk.FailSync(func(o op.Op) error {
			if o.Kind != op.Datasync {
				return nil
			}
			return syscall.EIO
		})
		id, err := b.seal(l, "intent", 5000)
		require.Error(t, err)
		disk.FailSync(nil)
		if death == "killed" {
			first.Kill()
		} else {
			require.NoError(t, ledgerClose(l))
		}

		second, err := ledgerOpen(disk.Process())
		require.NoError(t, err)
		require.Len(t, second.Orphans(), 1)
		require.NoError(t, second.Sync())
		b.intents[id].made = true // recovery publishes from here on
		for name, survivor := range disk.Survivors() {
			require.NoError(t, b.check(survivor), "%s, %s", death, name)
		}
		require.NoError(t, b.retire(second, id, Committed))
		require.NoError(t, ledgerClose(second))
	}
}
