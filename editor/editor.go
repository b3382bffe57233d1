// Package editor applies a set of edits to many files as one transaction that
// survives crashes: every file is changed, or none, whatever happens in
// between.
//
// Open a root, Prepare a plan (which only reads), look at its Diff, and Commit
// it. Apply does both. docs/GUARANTEES.md says what is promised and what is
// not; docs/PROTOCOL.md says how it is done.
package editor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// Error is the one error object: every error of this package is or wraps one.
// Its Kind says what went wrong, its State what the workspace looks like now.
type Error = fail.Error

// Editor is an open workspace. It holds no lock between transactions and is
// safe for concurrent use: transactions on different files run side by side,
// those on the same file queue.
type Editor struct {
	opts options

	mu        sync.Mutex
	ws        *apply.Workspace
	recovered []recovery.IntentReport
	replayed  map[hashing.Digest]wal.ID // by plan: intents that recovery has finished and no Commit has answered with
	closed    bool
}

type options struct {
	fs            vfs.FS
	reportOnly    bool
	lockWait      time.Duration
	durability    Durability
	onDrift       DriftPolicy
	forceReadOnly bool
	write         WriteMode
	onRecovered   func(recovery.IntentReport)
	progress      *Progress
}

// Option changes how an Editor works.
type Option func(*options)

// Durability says what Commit waits for.
type Durability uint8

// Full waits until a power cut cannot take the change back. None never syncs:
// a killed process is survived, a power cut is not.
const (
	DurabilityFull Durability = iota
	DurabilityNone
)

// defaultLockWait is how long another process's transaction is waited for.
const defaultLockWait = 10 * time.Second

// WithReportOnly opens for looking: nothing is recovered, made or written, and
// Commit is an error.
func WithReportOnly() Option { return func(o *options) { o.reportOnly = true } }

// WithLockWait bounds the wait for another process's lock; the default is ten
// seconds.
func WithLockWait(d time.Duration) Option { return func(o *options) { o.lockWait = d } }

// WithDurability says what Commit waits for; the default is DurabilityFull.
func WithDurability(d Durability) Option { return func(o *options) { o.durability = d } }

// WithOnDrift says what to do with edits whose file is not the one they were
// made for; the default is Reject.
func WithOnDrift(p DriftPolicy) Option { return func(o *options) { o.onDrift = p } }

// WithForceReadOnly changes files that nobody has permission to write to; they
// stay read-only.
func WithForceReadOnly() Option { return func(o *options) { o.forceReadOnly = true } }

// WithFS works on another file system: tests only.
func WithFS(fs vfs.FS) Option { return func(o *options) { o.fs = fs } }

// WithRecovered calls fn for every intent that is recovered, at Open and
// before a transaction. No lock is held meanwhile: fn may use the workspace.
func WithRecovered(fn func(recovery.IntentReport)) Option {
	return func(o *options) { o.onRecovered = fn }
}

// Open opens the workspace at root and recovers, by the default policy, what a
// crash has left there. It makes nothing: the first Commit makes .emend. Where
// another process holds the lock, nothing has crashed that this process could
// know of; the first transaction looks again.
func Open(ctx context.Context, root string, opts ...Option) (*Editor, error) {
	o := options{lockWait: defaultLockWait}
	for _, opt := range opts {
		opt(&o)
	}
	if o.fs == nil {
		o.fs = vfs.OS()
	}
	ws, err := apply.OpenWorkspace(ctx, root, apply.WorkspaceOptions{FS: o.fs, ReadOnly: o.reportOnly,
		NoSync: o.durability == DurabilityNone})
	if err != nil {
		return nil, err
	}
	ed := &Editor{opts: o, ws: ws, replayed: make(map[hashing.Digest]wal.ID)}
	if err := ed.recoverAtOpen(ctx); err != nil {
		return nil, fail.Wrap(errors.Join(err, ws.Close()), "open", "")
	}
	return ed, nil
}

// log is the workspace's log, nil where there is no .emend: the first
// transaction of the Editor makes it.
func (ed *Editor) log() *wal.Log {
	ed.mu.Lock()
	defer ed.mu.Unlock()
	return ed.ws.Log
}

// Recovered reports the intents that this Editor has recovered so far.
func (ed *Editor) Recovered() []recovery.IntentReport {
	ed.mu.Lock()
	defer ed.mu.Unlock()
	return append([]recovery.IntentReport(nil), ed.recovered...)
}

// Close releases the workspace. Transactions in flight must have returned.
func (ed *Editor) Close() error {
	ed.mu.Lock()
	defer ed.mu.Unlock()
	if ed.closed {
		return nil
	}
	ed.closed = true
	return fail.Wrap(ed.ws.Close(), "close", "")
}

// blockedPaths are the paths of parked intents: nothing but a person's decision
// touches them.
func (tx *Tx) blockedPaths() (map[string]wal.ID, error) {
	paths := make(map[string]wal.ID)
	log := tx.ed.log()
	if log == nil || tx.decides {
		return paths, nil
	}
	for _, parked := range log.Parked() {
		err := parked.EachStep(func(st *wal.Step) error {
			paths[st.Path] = parked.ID
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func blocked(p string, id wal.ID) error {
	return fail.New(fail.PendingRecovery, "prepare", p, "the parked intent %s touches it", id).
		WithState(fail.Unchanged).WithHint("decide it with: emend resolve %s", id)
}
