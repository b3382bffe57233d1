// Package recovery says what a crash left and what to do about it: it looks at
// every path and slot of an intent that is sealed and not retired, classifies
// what it saw (Classify, pure), decides (Decide, pure), and acts.
package recovery

import (
	"context"
	"slices"
	"time"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Options say how to recover.
type Options struct {
	Policy   Policy
	Host     bool          // act on the intents of host programs, too
	LockWait time.Duration // how long another process's lock is waited for
	FS       vfs.FS        // nil: the operating system

	looking bool // nothing is written
}

// tries bounds how often an intent is looked at again because somebody wrote
// to its paths while it was being recovered.
const tries = 20

// Inspect reports what Run would do, file by file, and writes nothing. It needs no
// lock: what belongs to a process that is alive is left out.
func Inspect(ctx context.Context, root string, o Options) (*Report, error) {
	r := &Report{Intents: []IntentReport{}}
	o.looking = true
	return r, r.preview(ctx, root, o)
}

// Run recovers the workspace at root: every sealed intent that no process has
// in flight is finished, undone or parked, each on its own, and slots of no
// intent are removed. On nil all of it is durable; a second Run finds nothing
// to do. On an error what was not retired stays for the next run. A root
// without .emend has nothing to recover.
func Run(ctx context.Context, root string, o Options) (*Report, error) {
	r := &Report{Intents: []IntentReport{}}
	w, err := apply.OpenWorkspace(ctx, root, apply.WorkspaceOptions{FS: o.FS})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if w.Log == nil {
		return r, nil
	}
	err = w.Log.Acquire(ctx, o.LockWait, func() error { return r.Recover(ctx, w, o.Policy) })
	if err == nil {
		defer w.Log.Release()
		// What is over must stay so: whoever retired it may have died before it was synced.
		if err = w.Log.Sync(); err == nil {
			err = r.Sweep(w)
		}
		if err == nil && o.Host {
			err = r.recoverHosts(ctx, w, o)
		}
	}
	r.repaired(w)
	return r, fail.Wrap(err, "recover", "")
}

// repaired notes what was repaired in the log.
func (r *Report) repaired(w *apply.Workspace) {
	rep := w.Log.Report()
	r.Log = LogReport{TornBytes: rep.TornBytes, Quarantine: rep.Quarantine}
}

// Recover is Run for whoever Acquire lets recover: nobody else does so
// meanwhile. The intents are added to the report; one that cannot be ended stays,
// and is an error, after the others had their turn.
func (r *Report) Recover(ctx context.Context, w *apply.Workspace, policy Policy) error {
	orphans := w.Log.Orphans()
	if len(orphans) > 0 {
		if err := w.Log.Sync(); err != nil {
			return needsRecovery(err)
		}
	}
	slices.Reverse(orphans) // newest first: an older intent's after is a newer one's before
	var errs failures
	for _, tx := range orphans {
		if ctx.Err() != nil {
			return fail.Wrap(context.Cause(ctx), "recover", "")
		}
		ir, err := Resolve(w, tx, policy)
		if err != nil {
			errs.add("intent "+tx.ID.String(), err)
			continue
		}
		r.Intents = append(r.Intents, ir)
	}
	if err := errs.join(); err != nil {
		return err
	}
	return r.Sweep(w)
}

// Resolve recovers one sealed intent, under the log's lock.
func Resolve(w *apply.Workspace, tx *wal.Transaction, policy Policy) (IntentReport, error) {
	return resolve(w, tx, policy, nil)
}

// RollBack is how a transaction that fails after its commit point is undone; the
// decision back is logged already. begun marks the files into which it has begun
// to write in place: foreign bytes in any other were never mixed with its own.
func RollBack(w *apply.Workspace, tx *wal.Transaction, begun []bool) (IntentReport, error) {
	return resolve(w, tx, Auto, begun)
}

func resolve(w *apply.Workspace, tx *wal.Transaction, policy Policy, begun []bool) (IntentReport, error) {
	job, err := load(w, tx)
	if err != nil {
		return IntentReport{}, err
	}
	defer job.Close()
	if begun != nil {
		job.Begun = begun
	}
	job.Note = func(n int) error { return w.Log.Note(tx.ID, n, wal.NoteInPlace, "") }
	var first *IntentReport
	for range tries {
		ir, done, err := attempt(w, job, tx, policy)
		if first == nil && ir.ID != "" {
			first = &ir
		}
		if err != nil {
			return ir, needsRecovery(err)
		}
		if done {
			// The states to report are those that were found, not those of the
			// last look.
			first.Action = ir.Action
			// The intent is over; a slot that stays is removed by the next sweep.
			_ = job.EmptyAll()
			return *first, nil
		}
	}
	return IntentReport{}, needsRecovery(fail.New(fail.Busy, "recover", "",
		"intent %s: its files keep changing", tx.ID).WithHint("stop what writes to them and run emend recover"))
}

func load(w *apply.Workspace, tx *wal.Transaction) (*apply.Job, error) {
	steps, err := tx.LoadSteps()
	if err != nil {
		return nil, err
	}
	for i := range steps {
		if err := checkStep(&steps[i], i, len(steps)); err != nil {
			return nil, needsRecovery(fail.Wrap(err, "recover", steps[i].Path))
		}
	}
	job, err := w.NewJob(tx.ID, steps)
	if err == nil {
		for i := range job.Begun {
			job.Begun[i] = true // for all that can be known after a crash
		}
	}
	return job, err
}

// checkStep refuses what emend never writes: the log is input like any other.
func checkStep(st *wal.Step, n, steps int) error {
	if err := apply.CheckPath(st.Path); err != nil {
		return err
	}
	if st.DirFrom != "" {
		if err := apply.CheckPath(st.DirFrom); err != nil {
			return err
		}
	}
	if err := apply.CheckSibling(st.Sibling, st.Path); err != nil {
		return err
	}
	if st.N != n || st.LinkOf >= steps || st.LinkOf == n {
		return fail.New(fail.LogCorrupt, "", "", "step %d of the intent does not fit the others", n)
	}
	return nil
}

// attempt looks, decides and acts once. It is not done when somebody's bytes
// came out on the way, or had been swapped out before: then it is to be called
// again.
func attempt(w *apply.Workspace, job *apply.Job, tx *wal.Transaction, policy Policy) (IntentReport, bool, error) {
	v, err := inspect(job, tx)
	if err != nil {
		return IntentReport{}, false, err
	}
	course := Decide(v.verdicts, tx.Decision, policy)
	ir := v.report(course)
	if swapped, err := v.swapBack(); err != nil || swapped {
		return ir, false, err
	}
	if err := v.logDecision(w, course); err != nil {
		return ir, false, err
	}
	if err := v.keepStrange(w); err != nil {
		return ir, false, err
	}
	if err := v.keepLast(w, course); err != nil {
		return ir, false, err
	}
	switch course {
	case GoForward:
		err = v.forward()
	case GoBack:
		err = v.back()
	case Park:
		err = v.park(w)
	}
	if fail.KindOf(err) == fail.Foreign {
		return ir, false, nil
	}
	if err != nil {
		return ir, false, err
	}
	if err := job.Barrier(true); err != nil {
		return ir, false, err
	}
	return ir, true, w.Log.Retire(tx.ID, outcomes[course])
}

var outcomes = map[Course]wal.Outcome{GoForward: wal.Committed, GoBack: wal.RolledBack, Park: wal.ParkedOutcome}

// logDecision makes the direction durable before the first path is touched.
// Where nothing moves there is nothing to decide.
func (v *view) logDecision(w *apply.Workspace, course Course) error {
	d := map[Course]wal.Decision{GoForward: wal.Forward, GoBack: wal.Back}[course]
	if course == Park || v.tx.Decision == d {
		return nil
	}
	for n := range v.job.Steps {
		if v.moves(n, course) {
			if err := w.Log.Decide(v.tx.ID, d); err != nil {
				return err
			}
			v.tx.Decision = d
			return nil
		}
	}
	return nil
}

func needsRecovery(err error) error {
	return fail.From(err, "recover", "").WithState(fail.NeedsRecovery).WithHint("run emend recover")
}
