package recovery

import (
	"slices"
	"time"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/wal"
)

// Survey is a workspace that was opened to be looked at, without the lock.
type Survey struct {
	*apply.Workspace
	// Pending are the intents that a crash left: sealed, not retired, and of no
	// process that is alive.
	Pending []*wal.Transaction
	Lock    LockStatus
}

// OpenSurvey opens the workspace at root and writes nothing. What looks like a
// crash to a reader without the lock may be a transaction in flight, which
// holds the lock from before its seal until it is retired. So an intent is
// pending only if it was there before a moment at which nobody held the lock,
// and still is after it.
func OpenSurvey(root string, o Options) (*Survey, error) {
	w, err := openReadOnly(root, o)
	if err != nil || w.Log == nil {
		return &Survey{Workspace: w}, err
	}
	s := &Survey{Workspace: w}
	if s.Lock.Held, s.Lock.PID, err = w.Log.Holder(); err != nil {
		w.Close()
		return nil, err
	}
	if info, err := w.Tree.Lstat(apply.EmendDir + "/lock"); err == nil && s.Lock.Held {
		s.Lock.Since = time.Unix(0, info.Mtime) // whoever takes it writes its number there
	}
	before := w.Log.Pending()
	if s.Lock.Held || len(before) == 0 {
		return s, nil
	}
	if err := w.Log.Refresh(); err != nil {
		w.Close()
		return nil, err
	}
	for _, tx := range w.Log.Pending() {
		if slices.ContainsFunc(before, func(b *wal.Transaction) bool { return b.ID == tx.ID }) {
			s.Pending = append(s.Pending, tx)
		}
	}
	return s, nil
}

// IsPending reports whether id is one of s.Pending.
func (s *Survey) IsPending(id wal.ID) bool {
	return slices.ContainsFunc(s.Pending, func(tx *wal.Transaction) bool { return tx.ID == id })
}
