package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emend/emend/internal/vfs"
)

const (
	// holdLimit is how long a process keeps the kernel lock for ever new
	// holders: then it gives it back once, to whoever waits for it.
	holdLimit = time.Second

	// The lock is polled, because waiting for flock cannot be interrupted.
	minPoll = time.Millisecond
	maxPoll = 20 * time.Millisecond
)

// hold is the process's hold of the kernel lock: taken by the first, given
// back by the last.
type hold struct {
	locked atomic.Bool // the kernel lock is ours

	mu      sync.Mutex
	changed chan struct{} // closed and made anew when what follows changes
	count   int           // holders
	busy    bool          // one of them is taking the lock, recovering, or giving it back
	since   time.Time     // when the lock was taken
	ended   time.Time     // when it was given back
	file    vfs.File      // DIR/lock; guarded by busy
	turn    turn          // guarded by busy
	closed  bool          // there are no more holders
}

func (h *hold) init() { h.changed = make(chan struct{}) }

// drain waits until nobody holds the lock, and lets nobody take it any more.
func (h *hold) drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for h.busy || h.count > 0 {
		changed := h.changed
		h.mu.Unlock()
		<-changed
		h.mu.Lock()
	}
}

func (h *hold) holders() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// change tells everybody who waits to look again. Callers have mu.
func (h *hold) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// errWaitedEnough says that a limit has ended.
var errWaitedEnough = errors.New("waited long enough")

// limit is how long an Acquire may take.
type limit struct {
	ctx      context.Context
	wait     time.Duration
	deadline time.Time
}

// pause waits for d, for woken, or for the end of the limit: false.
func (l *limit) pause(d time.Duration, woken <-chan struct{}) (bool, error) {
	left := time.Until(l.deadline)
	if left <= 0 {
		return false, nil
	}
	t := time.NewTimer(min(d, left))
	defer t.Stop()
	select {
	case <-l.ctx.Done():
		return false, l.ctx.Err()
	case <-t.C:
	case <-woken:
	}
	return true, nil
}

// poll asks again and again, at least every atMost, until the answer is yes.
func (l *limit) poll(atMost time.Duration, ask func() (bool, error)) error {
	for d := minPoll; ; d = min(2*d, atMost) {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		if ok, err := l.pause(d, nil); err != nil {
			return err
		} else if !ok {
			return errWaitedEnough
		}
	}
}

func (l *limit) atLeast(d time.Duration) *limit {
	longer := *l
	if least := time.Now().Add(d); longer.deadline.Before(least) {
		longer.deadline = least
	}
	return &longer
}

// Acquire holds the log for appending, and keeps other processes out until
// Release. It waits up to wait for them, then fails with a *LockedError. The
// first holder reads what others appended and repairs a torn tail. If there
// are orphans, recoverFn (where it is not nil) is called while every other
// Acquire in this process waits; its error is returned, and the log is not
// held. RecoverFn must not call Acquire. After a second of holding, new holders
// wait until the lock has been given back once.
func (l *Log) Acquire(ctx context.Context, wait time.Duration, recoverFn func() error) error {
	c, err := l.use()
	if err != nil {
		return err
	}
	if c.opts.ReadOnly {
		return ErrReadOnly
	}
	lim := &limit{ctx: ctx, wait: wait, deadline: time.Now().Add(wait)}
	joined, err := c.enter(lim, recoverFn != nil, false)
	if joined || err != nil {
		return err
	}
	err = c.settle(lim, recoverFn)
	c.leave(err == nil)
	return err
}

// enter waits until this caller may join the holders, or is the one who is
// busy: it has to settle something first. Who wants to be alone never joins.
func (c *shared) enter(lim *limit, recovers, alone bool) (joined bool, err error) {
	h := &c.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.busy || h.count > 0 && (alone || time.Since(h.since) > holdLimit) {
		changed := h.changed
		h.mu.Unlock()
		ok, err := lim.pause(time.Hour, changed)
		h.mu.Lock()
		if err != nil {
			return false, err
		}
		if !ok {
			return false, &LockedError{Path: c.path, PID: os.Getpid(), Wait: lim.wait}
		}
	}
	if h.closed {
		return false, ErrClosed
	}
	if h.count > 0 && !(recovers && c.hasOrphans()) {
		h.count++
		return true, nil
	}
	h.busy = true
	return false, nil
}

// settle takes the kernel lock if it is not ours yet, and recovers.
func (c *shared) settle(lim *limit, recoverFn func() error) error {
	if !c.hold.locked.Load() {
		if err := c.takeLock(lim); err != nil {
			return err
		}
		if err := c.catchUp(lim.ctx); err != nil {
			return err
		}
	}
	if recoverFn != nil && c.hasOrphans() {
		return recoverFn()
	}
	return nil
}

// catchUp reads the log, or makes it.
func (c *shared) catchUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.everHeld = true
	if err := c.refresh(ctx, true); err != nil {
		return err
	}
	if c.gen == nil {
		if err := c.create(); err != nil {
			return err
		}
	}
	c.current = true
	return nil
}

func (c *shared) leave(ok bool) {
	h := &c.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		h.count++
	}
	c.settled()
}

// Release gives one Acquire back; the last gives back the kernel lock.
func (l *Log) Release() {
	h := &l.c.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	if h.count > 0 || h.busy {
		return
	}
	h.busy = true
	h.mu.Unlock()
	l.c.compactIfDue()
	h.mu.Lock()
	l.c.settled()
}

// settled ends being busy, and gives the kernel lock back if nobody holds it.
func (c *shared) settled() {
	h := &c.hold
	if h.count == 0 && h.locked.Load() {
		h.ended = time.Now()
		h.locked.Store(false)
		if h.file.Unlock() != nil { // closing does it in any case
			_ = h.file.Close()
			h.file = nil
		}
	}
	h.busy = false
	h.change()
}

// takeLock takes the kernel lock, after whoever waits for it already; the
// caller is the one who is busy. Somebody who asks for the holder has the lock
// for a moment: a single try is not enough to tell it from one, however short
// the wait.
func (c *shared) takeLock(lim *limit) error {
	h := &c.hold
	lim = lim.atLeast(maxPoll)
	if !h.turn.taken(c.dir) {
		if ok, err := c.tryLock(); ok || err != nil {
			return err
		}
	}
	// Others who wait as long have the first go.
	if err := h.turn.take(c.dir, lim, maxPoll-time.Since(h.ended)); err != nil {
		return c.notLocked(err, lim)
	}
	defer h.turn.pass()
	return c.notLocked(lim.poll(maxPoll, c.tryLock), lim)
}

// notLocked makes the end of the waiting an error that names the holder.
func (c *shared) notLocked(err error, lim *limit) error {
	if !errors.Is(err, errWaitedEnough) {
		return err
	}
	pid := 0
	if c.openLock() == nil {
		pid = readPID(c.hold.file)
	}
	return &LockedError{Path: c.path, PID: pid, Wait: lim.wait}
}

// tryLock locks the file that is at DIR/lock when it returns true: one that
// was replaced or removed meanwhile protects nothing.
func (c *shared) tryLock() (bool, error) {
	h := &c.hold
	for {
		if err := c.openLock(); err != nil {
			return false, wrap(err, "lock", c.path)
		}
		if ok, err := h.file.TryLock(); !ok || err != nil {
			return false, wrap(err, "lock", c.path)
		}
		held, err := h.file.Stat()
		if err != nil {
			return false, err
		}
		named, err := c.dir.Lstat(lockName)
		if err == nil && named.SameFile(held) {
			h.writePID()
			c.gotLock()
			return true, nil
		}
		if err != nil && !vfs.NotExist(err) {
			return false, err
		}
		if err := h.file.Close(); err != nil {
			return false, err
		}
		h.file = nil
	}
}

// gotLock: what others did meanwhile has not been read yet.
func (c *shared) gotLock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = false
	c.hold.since = time.Now()
	c.hold.locked.Store(true)
}

func (c *shared) openLock() error {
	h := &c.hold
	for h.file == nil {
		f, err := c.dir.OpenWrite(lockName)
		if vfs.NotExist(err) {
			f, err = c.dir.Create(lockName, 0o600)
		}
		if errors.Is(err, fs.ErrExist) {
			continue // somebody else made it just now
		}
		if err != nil {
			return err
		}
		h.file = f
	}
	return nil
}

// writePID tells others who holds the lock: a hint, worth no failure. Whoever
// takes the lock time and again has written it already.
func (h *hold) writePID() {
	if pid := os.Getpid(); readPID(h.file) != pid {
		_, _ = h.file.WriteAt(fmt.Appendf(nil, "%-19d\n", pid), 0)
	}
}

// readPID returns the process id in the lock file, 0 where there is none.
func readPID(f io.ReaderAt) int {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// Holder says whether a process holds the lock just now, and which: a hint.
// Nothing is made or written.
func (l *Log) Holder() (held bool, pid int, err error) {
	c, err := l.use()
	if err != nil {
		return false, 0, err
	}
	if c.hold.locked.Load() {
		return true, os.Getpid(), nil
	}
	f, err := c.dir.Open(lockName)
	if vfs.NotExist(err) {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, wrap(err, "open", lockName)
	}
	defer f.Close()
	free, err := f.TryLockShared() // shared: others who ask are no holders
	if err != nil {
		return false, 0, wrap(err, "lock", lockName)
	}
	if free {
		return false, 0, wrap(f.Unlock(), "unlock", lockName)
	}
	return true, readPID(f), nil
}

// hasOrphans reports whether there is an intent that recovery has to end.
func (c *shared) hasOrphans() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.idx.pending {
		if c.orphaned(t) {
			return true
		}
	}
	return false
}

func (c *shared) orphaned(t *txn) bool {
	return t.outcome == Pending && c.live[t.begin.ID] == nil
}
