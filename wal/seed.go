package wal

import (
	"context"
	"time"

	"github.com/emend/emend/internal/vfs"
)

// hostWait is how long the functions of this file wait for other processes.
const hostWait = 10 * time.Second

// Append appends a host's intent to the log in dir, which is made where it is
// missing. On nil it is durable. An ID that is live already is a conflict; on
// any error Replay does not return the intent, unless the error is a
// *PoisonedError: then it may.
func Append(dir string, in Intent) error {
	return withLog(dir, func(l *Log) error { return l.AppendHost(in) })
}

// Replay returns the host intents in dir that are not retired, in the order in
// which they were appended. It writes nothing and takes no lock. A directory
// or log that does not exist is empty; damage is a *CorruptError.
func Replay(dir string) ([]Intent, error) {
	l, err := Open(dir, Options{ReadOnly: true})
	if vfs.NotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.HostIntents()
}

// Retire says that the host is done with an intent: Replay no longer returns
// it. Durable on nil. Retiring what is not live is nil.
func Retire(dir, id string) error {
	l, err := Open(dir, Options{ReadOnly: true})
	if vfs.NotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	live := l.hostLive(id)
	if err := l.Close(); err != nil || !live {
		return err
	}
	return withLog(dir, func(l *Log) error { return l.RetireHost(id) })
}

// withLog opens the log in dir and runs fn holding it. That closing fails
// takes nothing back.
func withLog(dir string, fn func(*Log) error) error {
	l, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	return l.with(fn)
}

// with runs fn holding the log.
func (l *Log) with(fn func(*Log) error) error {
	if err := l.Acquire(context.Background(), hostWait, nil); err != nil {
		return err
	}
	defer l.Release()
	return fn(l)
}

// SyncMode says when an entry is durable.
type SyncMode int

// The modes.
const (
	// SyncAlways: when Append returns nil.
	SyncAlways SyncMode = iota
	// SyncNone: when Close does. Until then an entry survives the process (it
	// is in the kernel when Append returns), not a power cut.
	SyncNone
)

// WAL is a log of entries.
type WAL interface {
	Append(Entry) error
	Replay(fn func(Entry) error) error
	Truncate() error
	Close() error
}

// FileWAL is a WAL on the log of a directory, which it may share with intents:
// neither sees the other. Safe for concurrent use.
type FileWAL struct {
	log  *Log
	mode SyncMode
}

var _ WAL = (*FileWAL)(nil)

// NewFileWAL opens the log in dir, which is made where it is missing.
func NewFileWAL(dir string, syncMode SyncMode) (*FileWAL, error) {
	l, err := Open(dir, Options{})
	if err != nil {
		return nil, err
	}
	return &FileWAL{log: l, mode: syncMode}, nil
}

// Append appends an entry. On an error it is not in the log, unless the error
// is a *PoisonedError: then it may be.
func (w *FileWAL) Append(e Entry) error {
	return w.log.with(func(l *Log) error { return l.appendEntries(w.mode, e) })
}

// Replay calls fn for every entry that was appended before the call and is not
// truncated, in order. Fn may call Append. Damage is a *CorruptError; an error
// of fn ends the replay and is returned.
func (w *FileWAL) Replay(fn func(Entry) error) error {
	return w.log.replayEntries(fn)
}

// Truncate drops all entries that were appended before the call, in one atomic
// step; durable on nil.
func (w *FileWAL) Truncate() error {
	return w.log.with((*Log).truncateEntries)
}

// Close makes every entry durable and closes the handle; closing twice is nil.
func (w *FileWAL) Close() error {
	var err error
	if w.mode == SyncNone && !w.log.closed.Load() {
		err = w.log.with((*Log).Sync)
	}
	if closeErr := w.log.Close(); err == nil {
		err = closeErr
	}
	return err
}
