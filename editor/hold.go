package editor

import (
	"context"
	"errors"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// reports collects what one call has had recovered.
type reports []recovery.IntentReport

func (ed *Editor) recoverAtOpen(ctx context.Context) error {
	log := ed.ws.Log
	if log == nil || ed.opts.reportOnly {
		return nil
	}
	left, err := ed.ws.Slots()
	if err != nil || len(left) == 0 && len(log.Pending()) == 0 {
		return err
	}
	var found reports
	err = log.Acquire(ctx, 0, func() error { return ed.recover(ctx, &found) })
	if err == nil {
		err = ed.noting(&found, func(r *recovery.Report) error { return r.Sweep(ed.ws) })
		log.Release()
	}
	ed.tell(found)
	if fail.KindOf(err) == fail.Locked {
		return nil
	}
	return err
}

// recover finishes, undoes or parks what belongs to no transaction in flight.
// The caller is the one that Acquire lets recover.
func (ed *Editor) recover(ctx context.Context, found *reports) error {
	ed.ws.Tree.Refresh()
	return ed.noting(found, func(r *recovery.Report) error { return r.Recover(ctx, ed.ws, recovery.Auto) })
}

// noting runs a part of recovery and takes down what it did, before anybody can
// ask whether a plan has been done.
func (ed *Editor) noting(found *reports, do func(*recovery.Report) error) error {
	var r recovery.Report
	err := do(&r)
	*found = append(*found, r.Intents...)
	ed.mu.Lock()
	defer ed.mu.Unlock()
	for _, i := range r.Intents {
		ed.recovered = append(ed.recovered, i)
		if i.Action == recovery.ActionForward || i.Action == recovery.ActionFinished {
			if id, perr := wal.ParseID(i.ID); perr == nil {
				ed.replayed[i.Plan] = id
			}
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

// tell hands what was recovered to whoever wants to know; the caller holds no
// lock that could keep them out.
func (ed *Editor) tell(found reports) {
	if ed.opts.onRecovered == nil {
		return
	}
	for _, i := range found {
		ed.opts.onRecovered(i)
	}
}

// recoverFirst recovers where there is anything to recover, before a plan is
// prepared.
func (ed *Editor) recoverFirst(ctx context.Context, found *reports) error {
	if log := ed.log(); log == nil || ed.opts.reportOnly || len(log.Orphans()) == 0 {
		return nil
	}
	release, err := ed.acquire(ctx, found)
	if err == nil {
		release()
	}
	return err
}

// acquire makes .emend where it is missing and takes the lock; release gives
// it back. What others left sealed and unretired is recovered first, and told
// before the lock is taken again.
func (ed *Editor) acquire(ctx context.Context, found *reports) (release func(), err error) {
	if ed.opts.reportOnly {
		return nil, fail.New(fail.Usage, "commit", "", "the workspace was opened for looking only")
	}
	ed.mu.Lock()
	err = ed.ws.Ensure(ctx)
	ed.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for log := ed.ws.Log; ; {
		var now reports
		err := log.Acquire(ctx, ed.opts.lockWait, func() error { return ed.recover(ctx, &now) })
		if err == nil && len(now) == 0 {
			break
		}
		if err == nil {
			log.Release()
		}
		*found = append(*found, now...)
		ed.tell(now)
		if err != nil {
			return nil, err
		}
	}
	if err := ed.ws.CheckCurrent(); err != nil {
		ed.ws.Log.Release()
		return nil, err
	}
	return ed.ws.Log.Release, nil
}

// hold takes the lock and claims the paths. A transaction that was in flight
// until then may have failed and left its intent to nobody: it is recovered
// before anything else touches its paths. Waited says that a claim was in the
// way.
func (ed *Editor) hold(ctx context.Context, paths []string, found *reports) (release func(), waited bool, err error) {
	for {
		releaseLock, err := ed.acquire(ctx, found)
		if err != nil {
			return nil, false, err
		}
		releaseClaim, queued, err := ed.ws.Log.Claim(ctx, paths)
		if err != nil {
			releaseLock()
			return nil, false, err
		}
		waited = waited || queued
		if len(ed.ws.Log.Orphans()) == 0 {
			return func() { releaseClaim(); releaseLock() }, waited, nil
		}
		releaseClaim()
		releaseLock()
	}
}

// undisturbed prepares and, where that fails while another transaction was at
// work, does so again with all of them kept out: it may have looked at files of
// which some were published and some not yet.
func (ed *Editor) undisturbed(ctx context.Context, found *reports, prepare func() (*Tx, error)) (*Tx, error) {
	frames := ed.logged()
	tx, err := prepare()
	log := ed.log()
	if err == nil || log == nil || ed.opts.reportOnly || ctx.Err() != nil {
		return tx, err
	}
	if rerr := log.Refresh(); rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	if ed.logged() == frames && len(log.Pending()) == 0 {
		return tx, err
	}
	release, _, err := ed.hold(ctx, []string{wal.AllPaths}, found)
	if err != nil {
		return nil, fail.Wrap(err, "prepare", "")
	}
	defer release()
	return prepare()
}

// logged is how many frames of the log this process knows of.
func (ed *Editor) logged() int64 {
	if log := ed.log(); log != nil {
		return log.Report().Frames
	}
	return 0
}
