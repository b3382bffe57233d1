package wal

import (
	"errors"
	"fmt"
	"time"

	"github.com/emend/emend/internal/fail"
)

// Errors of a moment, without particulars.
var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("the log is closed")
	// ErrNotHeld is returned by an append that no Acquire covers.
	ErrNotHeld = errors.New("the log is not held: Acquire first")
	// ErrReadOnly is returned by an append to a log that was opened read-only.
	ErrReadOnly = errors.New("the log was opened read-only")
)

// CorruptError says that bytes which were durable once are no longer what was
// written. The file has not been touched.
type CorruptError struct {
	Path     string
	From, To int64  // half-open byte range
	Lost     string // what was there, as far as what is left can tell
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: bytes %d to %d are damaged: %s", fail.QuotePath(e.Path), e.From, e.To, e.Lost)
}

// Failure returns e as the one error object.
func (e *CorruptError) Failure() *fail.Error {
	f := fail.New(fail.LogCorrupt, "read", e.Path, "bytes %d to %d are damaged: %s", e.From, e.To, e.Lost)
	f.Err = e
	return f.WithHint("keep a copy of the log; run fsck to see all of the damage")
}

// VersionError says that the log was written by a newer version. Nothing was
// touched.
type VersionError struct {
	Path     string
	Version  uint32
	Features uint32 // the unknown ones
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: %s", fail.QuotePath(e.Path), e.what())
}

func (e *VersionError) what() string {
	if e.Version != formatVersion {
		return fmt.Sprintf("log format %d is newer than this program's %d", e.Version, formatVersion)
	}
	return fmt.Sprintf("the log uses features that this program does not know (%#x)", e.Features)
}

// Failure returns e as the one error object.
func (e *VersionError) Failure() *fail.Error {
	f := fail.New(fail.LogVersion, "open", e.Path, "%s", e.what())
	f.Err = e
	return f.WithHint("use the version that wrote it, or a newer one")
}

// LockedError says that another process kept the lock for all of the wait.
type LockedError struct {
	Path string
	PID  int // of the holder, a hint; 0 if not known
	Wait time.Duration
}

func (e *LockedError) Error() string { return fail.QuotePath(e.Path) + ": " + e.what() }

func (e *LockedError) what() string {
	if e.PID == 0 {
		return fmt.Sprintf("locked by another process for more than %v", e.Wait)
	}
	return fmt.Sprintf("locked by process %d for more than %v", e.PID, e.Wait)
}

// Failure returns e as the one error object.
func (e *LockedError) Failure() *fail.Error {
	f := fail.New(fail.Locked, "lock", e.Path, "%s", e.what())
	f.Err = e
	return f
}

// PoisonedError says that a sync, or the repair after a failed write, failed:
// what this handle wrote may be lost although it can be read. Only a fresh
// open continues, which writes and syncs it again.
type PoisonedError struct {
	Path string
	Err  error
}

func (e *PoisonedError) Error() string {
	return fmt.Sprintf("sync %s: %v", fail.QuotePath(e.Path), e.Err)
}

func (e *PoisonedError) Unwrap() error { return e.Err }

// Failure returns e as the one error object.
func (e *PoisonedError) Failure() *fail.Error {
	f := fail.From(e.Err, "sync", e.Path)
	f.Kind, f.State, f.Err = fail.IO, fail.NeedsRecovery, e
	return f
}

// wrap is fail.Wrap for a result of type error: nil stays nil.
func wrap(err error, op, path string) error {
	if err == nil {
		return nil
	}
	return fail.Wrap(err, op, path)
}
