package wal

import (
	"time"

	"github.com/emend/emend/internal/vfs"
)

// turnPoll is how often those who wait for their turn ask for it, all alike:
// nobody is favoured for having come late.
const turnPoll = 5 * time.Millisecond

// turn is a lock on DIR/turn, held while waiting for the kernel lock: whoever
// wants that one while somebody waits for it comes after them, so that a
// process which takes it time and again cannot keep others from it for ever.
// It is good manners and protects nothing: where the file cannot be used,
// everybody tries as they come.
type turn struct {
	file vfs.File // nil: not used yet
}

// taken reports whether somebody waits for the kernel lock.
func (t *turn) taken(dir vfs.Dir) bool {
	if t.file == nil {
		f, err := dir.OpenWrite(turnName)
		if err != nil {
			return false // nobody ever waited
		}
		t.file = f
	}
	free, err := t.file.TryLockShared() // shared: others who ask are not waiting
	if free {
		t.pass()
	}
	return err == nil && !free
}

// take waits for the turn, and lets those who wait already ask first for the
// time ahead. Its error is errWaitedEnough or the context's.
func (t *turn) take(dir vfs.Dir, lim *limit, ahead time.Duration) error {
	if ahead > 0 {
		if _, err := lim.pause(ahead, nil); err != nil {
			return err
		}
	}
	if t.file == nil {
		f, err := dir.Create(turnName, 0o600)
		if err != nil { // somebody was faster, or it cannot be made
			f, err = dir.OpenWrite(turnName)
		}
		if err != nil {
			return nil
		}
		t.file = f
	}
	return lim.poll(turnPoll, func() (bool, error) {
		ok, err := t.file.TryLock()
		return ok || err != nil, nil
	})
}

// pass lets the next one wait.
func (t *turn) pass() {
	if t.file != nil && t.file.Unlock() != nil { // closing does it in any case
		_ = t.close()
	}
}

func (t *turn) close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	return f.Close()
}
