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
	replayed  map[hashing.Digest]wal.ID // by plan: intents that recovery has just finished
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
// before a transaction.
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
	ws, err := apply.OpenWorkspace(root, apply.WorkspaceOptions{FS: o.fs, ReadOnly: o.reportOnly,
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

func (ed *Editor) recoverAtOpen(ctx context.Context) error {
	if ed.ws.Log == nil || ed.opts.reportOnly {
		return nil
	}
	left, err := ed.ws.Slots()
	if err != nil || len(left) == 0 && len(ed.ws.Log.Pending()) == 0 {
		return err
	}
	err = ed.ws.Log.Acquire(ctx, 0, func() error { return ed.recover(ctx) })
	if fail.KindOf(err) == fail.Locked {
		return nil
	}
	if err != nil {
		return err
	}
	defer ed.ws.Log.Release()
	return ed.told(func(r *recovery.Report) error { return r.Sweep(ed.ws) })
}

// recover finishes, undoes or parks what belongs to no transaction in flight.
// The caller is the one that Acquire lets recover.
func (ed *Editor) recover(ctx context.Context) error {
	ed.ws.Tree.Refresh()
	return ed.told(func(r *recovery.Report) error { return r.Recover(ctx, ed.ws, recovery.Auto) })
}

// told runs a part of recovery and tells what it did.
func (ed *Editor) told(do func(*recovery.Report) error) error {
	var r recovery.Report
	err := do(&r)
	ed.mu.Lock()
	for _, i := range r.Intents {
		ed.recovered = append(ed.recovered, i)
		if i.Action == recovery.ActionForward || i.Action == recovery.ActionFinished {
			if id, perr := wal.ParseID(i.ID); perr == nil {
				ed.replayed[i.Plan] = id
			}
		}
	}
	ed.mu.Unlock()
	if ed.opts.onRecovered != nil {
		for _, i := range r.Intents {
			ed.opts.onRecovered(i)
		}
	}
	if err == nil {
		return nil
	}
	// This call has changed nothing; what a crash left still waits.
	e := fail.From(err, "recover", "")
	if e.State == fail.NeedsRecovery {
		e = e.WithState(fail.Unchanged)
		e.Kind = fail.PendingRecovery
	}
	return e
}

// recoverFirst recovers where there is anything to recover, before a plan is
// prepared.
func (ed *Editor) recoverFirst(ctx context.Context) error {
	if log := ed.log(); log == nil || ed.opts.reportOnly || len(log.Orphans()) == 0 {
		return nil
	}
	release, err := ed.acquire(ctx)
	if err == nil {
		release()
	}
	return err
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

// acquire makes .emend where it is missing and takes the lock; release gives
// it back. What others left sealed and unretired is recovered first.
func (ed *Editor) acquire(ctx context.Context) (release func(), err error) {
	if ed.opts.reportOnly {
		return nil, fail.New(fail.Usage, "commit", "", "the workspace was opened for looking only")
	}
	ed.mu.Lock()
	err = ed.ws.Ensure()
	ed.mu.Unlock()
	if err != nil {
		return nil, err
	}
	err = ed.ws.Log.Acquire(ctx, ed.opts.lockWait, func() error { return ed.recover(ctx) })
	if err != nil {
		return nil, err
	}
	if err := ed.ws.CheckCurrent(); err != nil {
		ed.ws.Log.Release()
		return nil, err
	}
	return ed.ws.Log.Release, nil
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
