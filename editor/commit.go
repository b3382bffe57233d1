package editor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// commit is one transaction on its way through the three barriers of
// docs/PROTOCOL.md.
type commit struct {
	ed    *Editor
	tx    *Tx
	job   *apply.Job
	group *wal.Group
	held  []slotFile // staged, to be synced by the first barrier
	whole bool       // the first barrier is one sync of the slots' whole file system
	many  bool       // there are too many images to hold open those that are synced alone

	buffers sync.Pool // *[]byte, for images that are written at once
}

// commit applies the transaction; with again it prepares once more where
// another transaction of this process had been waited for.
func (tx *Tx) commit(ctx context.Context, again bool) (*Result, error) {
	if tx.used.Swap(true) {
		return nil, fail.New(fail.Usage, "commit", "", "the transaction was committed or discarded before")
	}
	if tx.already != nil {
		return tx.answer(), nil
	}
	if len(tx.p.changes) == 0 {
		return tx.result(StateUnchanged), nil
	}
	release, waited, err := tx.hold(ctx)
	if err != nil {
		return nil, fail.Wrap(err, "commit", "")
	}
	defer release()
	tx.ed.ws.Tree.Refresh()
	if again && waited {
		if err := tx.prepareAgain(ctx); err != nil {
			return nil, err
		}
		if len(tx.p.changes) == 0 {
			return tx.result(StateUnchanged), nil
		}
	}
	// Under the lock nobody else can use the key, or park an intent.
	if tx.already, err = tx.done(); err != nil || tx.already != nil {
		return tx.answer(), err
	}
	if err := tx.checkParked(); err != nil {
		return nil, err
	}
	return tx.run(ctx)
}

// hold takes the lock, unless the caller has it, and claims what the transaction
// is about.
func (tx *Tx) hold(ctx context.Context) (release func(), waited bool, err error) {
	if tx.locked { // taking it twice could wait for itself
		return tx.ed.ws.Log.Claim(ctx, tx.claims())
	}
	return tx.ed.hold(ctx, tx.claims(), tx.recovered)
}

// prepareAgain prepares with the paths claimed; a plan that needs others by now,
// or fails because of others that are just being published, starts over.
func (tx *Tx) prepareAgain(ctx context.Context) error {
	claimed := make(map[string]bool)
	for _, p := range tx.paths() {
		claimed[p] = true
	}
	if err := tx.prepare(ctx); err != nil {
		return moved(fail.From(err, "", "").Path)
	}
	for _, p := range tx.paths() {
		if !claimed[p] {
			return moved(p)
		}
	}
	return nil
}

func (tx *Tx) paths() []string {
	var paths []string
	for i := range tx.p.changes {
		paths = append(paths, tx.p.changes[i].Path)
		for _, p := range []string{tx.p.changes[i].DirFrom, tx.p.changes[i].origin} {
			if p != "" && p != tx.p.changes[i].Path {
				paths = append(paths, p)
			}
		}
	}
	return paths
}

// claims are the paths, and the key as a path that no file has.
func (tx *Tx) claims() []string {
	if tx.plan.Key == "" {
		return tx.paths()
	}
	return append(tx.paths(), "/"+tx.plan.Key)
}

// checkParked refuses what touches the files of a parked intent; a directory
// takes those beneath it along.
func (tx *Tx) checkParked() error {
	parked, err := tx.blockedPaths()
	if err != nil || len(parked) == 0 {
		return err
	}
	for _, p := range tx.paths() {
		if id, ok := parked[p]; ok {
			return blocked(p, id)
		}
	}
	for i := range tx.p.changes {
		from := tx.p.changes[i].DirFrom
		for p, id := range parked {
			if from != "" && apply.Below(p, from) {
				return blocked(from, id)
			}
		}
	}
	return nil
}

// run takes the transaction through log and stage, publish, and retire.
func (tx *Tx) run(ctx context.Context) (*Result, error) {
	ed := tx.ed
	id, err := wal.NewID()
	if err != nil {
		return nil, fail.Wrap(err, "commit", "")
	}
	job, err := ed.ws.NewJob(id, tx.p.steps())
	if err != nil {
		return nil, fail.Wrap(err, "commit", "")
	}
	defer job.Close()
	c := &commit{ed: ed, tx: tx, job: job}
	if ed.opts.write != WriteRename {
		job.Note = func(n int) error { return ed.ws.Log.Note(id, n, wal.NoteInPlace, "") }
	}
	c.group, err = ed.ws.Log.Begin(wal.Begin{ID: id, Time: time.Now(), Label: tx.plan.Label, Key: tx.plan.Key, Plan: tx.p.hash,
		Undoes: tx.undoes, Redo: tx.redo})
	if err != nil {
		return nil, fail.Wrap(err, "commit", "")
	}
	defer c.group.Done()
	if err := c.logAndStage(ctx); err != nil {
		return nil, c.abandon(err)
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	r := tx.result(StateCommitted)
	r.ID = id.String()
	return r, nil
}

// abandon empties the slots of a transaction whose seal was not begun: to the
// log it never existed.
func (c *commit) abandon(err error) error {
	c.closeHeld()
	if c.group.SealStarted() {
		return c.rollBack(err)
	}
	// What cannot be removed now is removed by the next recovery; the error to
	// report is the one that ended the transaction.
	_ = c.job.EmptyAll()
	return fail.Wrap(err, "commit", "")
}

// finish is everything after the seal was written.
func (c *commit) finish() error {
	if err := c.firstBarrier(); err != nil {
		return c.rollBack(err)
	}
	// The commit point has passed: the seal is durable.
	c.ed.opts.progress.begin(PhasePublish, len(c.job.Steps))
	for n := range c.job.Steps {
		if err := c.job.Forward(n); err != nil {
			return c.rollBack(err)
		}
		c.ed.opts.progress.done(c.job.Steps[n].After.Size)
	}
	if err := c.job.Barrier(false); err != nil {
		return unknown(err)
	}
	if err := c.ed.ws.Log.Retire(c.job.ID, wal.Committed); err != nil {
		return unknown(err)
	}
	// The change is durable; a slot that stays is removed by the next recovery.
	c.ed.opts.progress.begin(PhaseClean, 0)
	_ = c.job.EmptyAll()
	return nil
}

// rollBack undoes a sealed transaction the way recovery would, with the
// decision logged first. Only its durable retirement makes the state unchanged.
func (c *commit) rollBack(cause error) error {
	log := c.ed.ws.Log
	err := log.Decide(c.job.ID, wal.Back)
	if err != nil {
		return stuck(cause, err)
	}
	tx, err := log.Find(c.job.ID)
	if err != nil || tx == nil {
		return stuck(cause, err)
	}
	report, err := recovery.RollBack(c.ed.ws, tx, c.job.Begun)
	if err != nil {
		return stuck(cause, err)
	}
	e := fail.From(cause, "commit", "")
	if report.Action == recovery.ActionParked {
		return e.WithState(fail.Parked).WithHint("decide it with: emend resolve %s", c.job.ID)
	}
	return e.WithState(fail.Unchanged)
}

// stuck is the error of a transaction that failed, and whose rollback failed.
func stuck(cause, rollback error) error {
	e := fail.From(cause, "commit", "")
	e.Err = errors.Join(cause, rollback)
	if rollback != nil {
		e.Message += "; rolling back: " + rollback.Error()
	}
	return unknown(e)
}

// unknown marks an error after which only recovery can tell how the workspace
// is.
func unknown(err error) error {
	return fail.From(err, "commit", "").WithState(fail.NeedsRecovery).
		WithHint("run emend recover; it finishes or undoes the change")
}

func moved(p string) error {
	return &fail.Error{Kind: fail.Drift, Op: "commit", Path: p, Message: "the file changed after the plan was prepared",
		State: fail.Unchanged, Err: errMoved, Hint: "prepare the plan again"}
}
