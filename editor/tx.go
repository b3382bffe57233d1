package editor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"sync/atomic"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// Tx is a prepared transaction: a plan resolved against the workspace of one
// moment. Nothing is written, locked or logged until Commit.
type Tx struct {
	ed      *Editor
	plan    Plan
	done    func() (*Result, error) // whether this has been done before; asked again under the lock
	undoes  wal.ID                  // the transaction that this one takes back; zero: none
	redo    bool                    // ... which is an undo
	decides bool                    // a person decides about parked files: none of them is in the way
	locked  bool                    // the caller of commit has the lock already
	p       *prepared
	already *Result   // what done has found
	read    time.Time // before the first file was read
	used    atomic.Bool
	mayHold int64 // bytes of files that Prepare holds for a commit that follows at once

	recovered *reports // before it could begin
}

// Result is what a transaction did.
type Result struct {
	ID         string // empty where nothing was committed
	Key        string
	Already    bool   // the plan had been applied before; nothing was done now
	State      string // "committed", "unchanged" or "checked"
	Label      string
	Undoes     string
	Durability string                  // "full", "degraded" or "none"
	Recovered  []recovery.IntentReport // by this call, before it did anything
	Files      []FileReport
}

// The states of a Result.
const (
	StateCommitted = "committed"
	StateUnchanged = "unchanged"
	StateChecked   = "checked"
)

// Prepare resolves and checks plan against the workspace. It reads and never
// writes. Errors: drift, conflict, exists and the other kinds of a refusal,
// all with state unchanged; pending-recovery where a parked intent is in the
// way.
func (ed *Editor) Prepare(ctx context.Context, plan Plan) (*Tx, error) {
	return ed.newTx(plan).begin(ctx)
}

func (ed *Editor) newTx(plan Plan) *Tx {
	return &Tx{ed: ed, plan: plan, done: func() (*Result, error) { return ed.already(plan) }}
}

// begin prepares a transaction that has not been done before.
func (tx *Tx) begin(ctx context.Context) (*Tx, error) {
	already, err := tx.done()
	if err != nil {
		return nil, err
	}
	tx.recovered = new(reports)
	tx.already, tx.read = already, time.Now()
	if already != nil {
		return tx, nil
	}
	return tx, tx.prepare(ctx)
}

func (tx *Tx) prepare(ctx context.Context) error {
	parked, err := tx.blockedPaths()
	if err != nil {
		return err
	}
	tx.ed.ws.Tree.Refresh()
	tx.read = time.Now()
	tx.p, err = prepare(ctx, tx.ed.ws.Tree, tx.plan, prepareOptions{
		OnDrift: tx.ed.opts.onDrift, ForceReadOnly: tx.ed.opts.forceReadOnly, Write: tx.ed.opts.write,
		Creator: tx.ed.ws.Creator(),
		BaseFor: tx.ed.baseFor,
		Hold:    tx.mayHold, Progress: tx.ed.opts.progress,
		PathBlocked: func(p string) error {
			if id, ok := parked[p]; ok {
				return blocked(p, id)
			}
			return nil
		},
	})
	if err != nil {
		return fail.Wrap(err, "prepare", "")
	}
	return tx.checkParked()
}

// already says whether the plan has been done before: by its key, or because
// recovery has just finished it.
func (ed *Editor) already(plan Plan) (*Result, error) {
	log := ed.log()
	if log == nil {
		return nil, nil
	}
	ed.mu.Lock()
	replayed := maps.Clone(ed.replayed)
	ed.mu.Unlock()
	if plan.Key == "" && len(replayed) == 0 {
		return nil, nil
	}
	digest, err := plan.digest()
	if err != nil {
		return nil, err
	}
	if id, ok := replayed[digest]; ok {
		h, err := ed.past()
		if err != nil {
			return nil, err
		}
		if h.undoneBy[id].IsZero() {
			return ed.doneBefore(id, plan)
		}
	}
	if plan.Key == "" {
		return nil, nil
	}
	rec, err := log.FindKey(plan.Key)
	if err != nil || rec == nil || rec.Undone || rec.Outcome == wal.RolledBack {
		return nil, err
	}
	switch {
	case rec.Outcome == wal.Pending && !ed.opts.reportOnly:
		return nil, nil // at work, for all that is known without the lock: Commit asks again
	case rec.Outcome != wal.Committed:
		return nil, fail.New(fail.PendingRecovery, "prepare", "", "the plan with the key %q is not finished: intent %s", plan.Key, rec.ID).
			WithHint("run emend recover, or emend resolve %s if it is parked", rec.ID)
	case rec.Plan != digest:
		return nil, fail.New(fail.Conflict, "prepare", "", "the key %q belongs to another plan: transaction %s", plan.Key, rec.ID)
	}
	return ed.doneBefore(rec.ID, plan)
}

// doneBefore is the result of the transaction that did the plan; what it did
// to which file is told as long as the log has it.
func (ed *Editor) doneBefore(id wal.ID, plan Plan) (*Result, error) {
	r := &Result{ID: id.String(), Key: plan.Key, Already: true, State: StateCommitted, Label: plan.Label,
		Files: []FileReport{}, Durability: ed.durability()}
	tx, err := ed.ws.Log.Find(id)
	if err != nil || tx == nil {
		return r, err
	}
	steps, err := tx.LoadSteps()
	r.Files = reportOf(steps)
	return r, err
}

// Files reports what Commit would do, one entry a changed path, in plan order.
func (tx *Tx) Files() []FileReport {
	if tx.already != nil {
		return tx.already.Files
	}
	return tx.p.files
}

// Already reports whether the plan was applied before and Commit would do
// nothing.
func (tx *Tx) Already() bool { return tx.already != nil }

// WriteDiff writes the final bytes against those on disk as a unified diff,
// which git apply and emend apply take. It reads the files again.
func (tx *Tx) WriteDiff(w io.Writer) error {
	if tx.already != nil {
		return nil
	}
	return tx.p.diff(context.Background(), tx.ed.ws.Tree, w)
}

// Diff is WriteDiff into a string; where a file cannot be read any more, the
// diff ends with a line that says so.
func (tx *Tx) Diff() string {
	var b bytes.Buffer
	if err := tx.WriteDiff(&b); err != nil {
		b.WriteString("# " + err.Error() + "\n")
	}
	return b.String()
}

// Checked is the result of looking only: what Commit would do.
func (tx *Tx) Checked() *Result {
	if tx.already != nil {
		return tx.already
	}
	r := tx.result(StateChecked)
	if len(tx.p.changes) == 0 {
		r.State = StateUnchanged
	}
	return r
}

func (tx *Tx) result(state string) *Result {
	r := &Result{Key: tx.plan.Key, State: state, Label: tx.plan.Label, Durability: tx.ed.durability(),
		Files: tx.Files(), Recovered: *tx.recovered}
	if tx.p.degraded && r.Durability == durabilityFull {
		r.Durability = durabilityDegraded
	}
	if !tx.undoes.IsZero() {
		r.Undoes = tx.undoes.String()
	}
	return r
}

// Discard drops the transaction. Nothing was written, so nothing is undone.
func (tx *Tx) Discard() { tx.used.Store(true) }

// Commit applies the transaction. On nil every file is durable. Otherwise the
// error's state says how the workspace is: unchanged; needs-recovery, when
// this process cannot know; or parked. Cancelling ctx before the commit point
// leaves everything unchanged; after it the transaction is finished.
func (tx *Tx) Commit(ctx context.Context) (*Result, error) { return tx.commit(ctx, false) }

// answer is the result of a transaction that had been done before. One that
// recovery has finished answers the plan once: who applies it again means it.
func (tx *Tx) answer() *Result {
	r := tx.already
	if r == nil {
		return nil
	}
	r.Recovered = *tx.recovered
	tx.ed.mu.Lock()
	defer tx.ed.mu.Unlock()
	maps.DeleteFunc(tx.ed.replayed, func(_ hashing.Digest, id wal.ID) bool { return id.String() == r.ID })
	return r
}

// Apply is Prepare and Commit. What a crash or a failed commit has left is
// recovered first, and no other emend transaction is seen half done. Where the
// files change between the two, it prepares again, the last times with other
// emend transactions kept out.
func (ed *Editor) Apply(ctx context.Context, plan Plan) (*Result, error) {
	return ed.commitNow(ctx, func() (*Tx, error) {
		tx := ed.newTx(plan)
		tx.mayHold = holdLimit
		return tx.begin(ctx)
	})
}

// commitNow recovers what there is to recover, prepares and commits.
func (ed *Editor) commitNow(ctx context.Context, prepare func() (*Tx, error)) (*Result, error) {
	var found reports
	if err := ed.recoverFirst(ctx, &found); err != nil {
		return nil, fail.Wrap(err, "recover", "")
	}
	return persist(ctx, func() (*Tx, error) {
		tx, err := ed.undisturbed(ctx, &found, prepare)
		if err == nil {
			tx.recovered = &found
		}
		return tx, err
	})
}

// persist prepares and commits, again where the files change in between.
func persist(ctx context.Context, prepare func() (*Tx, error)) (*Result, error) {
	for try := 0; ; try++ {
		tx, err := prepare()
		if err != nil {
			return nil, err
		}
		res, err := tx.commit(ctx, true)
		if try == applyTries || !errors.Is(err, errMoved) {
			return res, err
		}
	}
}

// holdLimit is what Apply holds of small files from Prepare to Commit; all
// others are read twice.
const holdLimit = 16 << 20

// applyTries bounds how often Apply prepares again.
const applyTries = 8

// errMoved marks a drift that was found by Commit: between Prepare and Commit
// somebody wrote to the files.
var errMoved = errors.New("the files changed after they were prepared")

// What Result says of durability, where it was not done without.
const (
	durabilityFull     = "full"
	durabilityDegraded = "degraded"
)

func (ed *Editor) durability() string {
	if ed.opts.durability == DurabilityNone {
		return "none"
	}
	if f, err := ed.ws.Tree.Features(); err == nil && f.Journal {
		return durabilityFull
	}
	return durabilityDegraded
}
