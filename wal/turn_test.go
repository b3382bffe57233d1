package wal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs/crashfs"
)

// forEver is how long the tests wait for a lock that they are to get at last,
// however slow the machine is.
const forEver = 10 * time.Minute

// keepBusy takes the log's lock again and again in n goroutines, each time for
// held, until the test ends it.
func keepBusy(l *Log, n int, held time.Duration) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				if l.Acquire(ctx, forEver, nil) == nil {
					time.Sleep(held)
					l.Release()
				}
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// Some goroutine always holds: after a second of that nobody joins until the
// lock has been given back to those who wait for it.
func TestHoldersLetOthersHaveATurn(t *testing.T) {
	disk := newDisk()
	l, other := openAs(t, disk.Process()), openAs(t, disk.Process())
	require.NoError(t, l.Acquire(context.Background(), 0, nil))
	end := keepBusy(l, 4, 20*time.Millisecond)
	for l.c.hold.holders() < 3 {
		time.Sleep(time.Millisecond)
	}
	l.Release()
	require.NoError(t, other.Acquire(context.Background(), forEver, nil))
	other.Release()
	end()
	require.NoError(t, errors.Join(l.Close(), other.Close()))
}

// Who gives the lock back and wants it again at once comes after those who
// wait for it.
func TestWhoWaitsHasTheNextTurn(t *testing.T) {
	disk := newDisk()
	l, other := openAs(t, disk.Process()), openAs(t, disk.Process())
	ctx := context.Background()
	for range 10 {
		require.NoError(t, l.Acquire(ctx, forEver, nil))
		order := make(chan string, 2)
		failed := make(chan error)
		go func() {
			err := other.Acquire(ctx, forEver, nil)
			order <- "other"
			other.Release()
			failed <- err
		}()
		waitForAWaiter(t, disk.Process())
		l.Release()
		require.NoError(t, l.Acquire(ctx, forEver, nil))
		order <- "again"
		require.NoError(t, <-failed)
		require.Equal(t, "other", <-order)
		l.Release()
	}
	require.NoError(t, errors.Join(l.Close(), other.Close()))
}

// With several who take it as often as they can, everybody gets it.
func TestManyWaitAndNobodyStarves(t *testing.T) {
	disk := newDisk()
	greedy := []*Log{openAs(t, disk.Process()), openAs(t, disk.Process())}
	patient := openAs(t, disk.Process())
	var ends []func()
	for _, l := range greedy {
		ends = append(ends, keepBusy(l, 2, 0))
	}
	for range 5 {
		waitForAWaiter(t, disk.Process())
		require.NoError(t, patient.Acquire(context.Background(), forEver, nil))
		patient.Release()
	}
	for i, end := range ends {
		end()
		require.NoError(t, greedy[i].Close())
	}
	require.NoError(t, patient.Close())
}

// waitForAWaiter returns when somebody waits for the lock.
func waitForAWaiter(t *testing.T, fs *crashfs.FS) {
	dir, err := fs.OpenRoot(ledgerDir)
	require.NoError(t, err)
	var look turn
	for !look.taken(dir) {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, errors.Join(look.close(), dir.Close()))
}

// Where the file for the turns cannot be made, the lock is taken as ever.
func TestLockWithoutTurns(t *testing.T) {
	disk := newDisk()
	l, other := openAs(t, disk.Process()), openAs(t, disk.Process())
	dir, err := disk.OpenRoot(ledgerDir)
	require.NoError(t, err)
	require.NoError(t, dir.Mkdir(turnName, 0o700))
	require.NoError(t, l.Acquire(context.Background(), 0, nil))
	var locked *LockedError
	require.ErrorAs(t, other.Acquire(context.Background(), 0, nil), &locked)
	l.Release()
	require.NoError(t, other.Acquire(context.Background(), forEver, nil))
	other.Release()
	require.NoError(t, errors.Join(l.Close(), other.Close(), dir.Close()))
}

func openAs(t *testing.T, fs *crashfs.FS) *Log {
	l, err := Open(context.Background(), ledgerDir, Options{FS: fs})
	require.NoError(t, err)
	return l
}
