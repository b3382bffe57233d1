package wal

import (
	"context"
	"errors"
	"io/fs"
)

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
	l, err := Open(context.Background(), dir, Options{ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
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
	l, err := Open(context.Background(), dir, Options{ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
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
	l, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Acquire(context.Background(), defaultWait, nil); err != nil {
		return err
	}
	defer l.Release()
	return fn(l)
}
