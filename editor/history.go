package editor

import (
	"context"
	"slices"
	"time"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// Transaction is one entry of the history.
type Transaction struct {
	ID       string
	Time     time.Time // when it began, UTC
	Label    string
	Key      string
	State    string         // one of the constants below
	Files    recovery.Paths // that its plan named, in the plan's order
	Undoes   string         // the ID of the transaction that it undoes
	UndoneBy string         // the ID of the one that undoes it, and is not undone itself
}

// The states of a Transaction, besides StateCommitted.
const (
	StateRolledBack = "rolled-back"
	StatePending    = "pending" // a crash left it: recovery finishes or undoes it
	StateParked     = "parked"  // a person decides
	StateUndone     = "undone"
)

// HistoryOptions bound a History.
type HistoryOptions struct {
	Limit int       // at most so many; 0: all
	Since time.Time // only those that began then or later
	fs    vfs.FS    // nil: the operating system
}

// History lists the transactions of the workspace, as the function does.
func (ed *Editor) History(ctx context.Context, o HistoryOptions) ([]Transaction, error) {
	o.fs = ed.opts.fs
	return History(ctx, ed.ws.Tree.RealRoot(), o)
}

// History lists the transactions that the log of the workspace at root still
// has, newest first. What another process has in flight is not among them. It
// takes no lock and writes nothing.
func History(ctx context.Context, root string, o HistoryOptions) ([]Transaction, error) {
	list := []Transaction{}
	err := eachTransaction(ctx, root, o.fs, func(_ *apply.Tree, tx *wal.Transaction, undoneBy wal.ID) (more bool, err error) {
		if tx.Time.Before(o.Since) {
			return true, nil
		}
		t := describe(tx, undoneBy)
		if t.Files, err = recovery.FilesOf(tx); err != nil {
			return false, err
		}
		list = append(list, t)
		return o.Limit == 0 || len(list) < o.Limit, nil
	})
	return list, err
}

// Details are a Transaction and what it did to each file.
type Details struct {
	Transaction
	Reports []FileReport
}

// Show describes the transaction id as History does, file by file. One that
// the log knows nothing of is kind not-found; of one that was compacted away,
// no files are left.
func Show(ctx context.Context, root, id string) (*Details, error) {
	var d *Details
	err := withTransaction(ctx, root, id, func(_ *apply.Tree, tx *wal.Transaction, undoneBy wal.ID) error {
		steps, err := tx.LoadSteps()
		if err != nil {
			return err
		}
		d = &Details{Transaction: describe(tx, undoneBy), Reports: reportOf(steps)}
		d.Files, err = recovery.FilesOf(tx)
		return err
	})
	return d, err
}

// withTransaction calls fn with the transaction id and who undoes it.
func withTransaction(ctx context.Context, root, id string,
	fn func(tree *apply.Tree, tx *wal.Transaction, undoneBy wal.ID) error) error {
	unknown := fail.New(fail.NotFound, "show", "", "there is no transaction %.40q", id).
		WithHint("emend log lists those that there are")
	want, err := wal.ParseID(id)
	if err != nil {
		return unknown
	}
	found := false
	err = eachTransaction(ctx, root, nil, func(tree *apply.Tree, tx *wal.Transaction, undoneBy wal.ID) (bool, error) {
		if tx.ID != want {
			return true, nil
		}
		found = true
		return false, fn(tree, tx, undoneBy)
	})
	if err == nil && !found {
		err = unknown
	}
	return err
}

// eachTransaction calls fn for the transactions of the log, newest first, with
// the ID of the one that undoes it (zero: none), until fn wants no more.
func eachTransaction(ctx context.Context, root string, fs vfs.FS,
	fn func(tree *apply.Tree, tx *wal.Transaction, undoneBy wal.ID) (more bool, err error)) error {
	s, err := recovery.OpenSurvey(root, recovery.Options{FS: fs})
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Log == nil {
		return nil
	}
	var all []*wal.Transaction
	err = s.Log.History(func(tx *wal.Transaction) error {
		all = append(all, tx)
		return nil
	})
	if err != nil {
		return err
	}
	undoneBy := undoers(all)
	for _, tx := range slices.Backward(all) {
		if err := ctx.Err(); err != nil {
			return fail.Wrap(err, "read", "history")
		}
		if tx.Outcome == wal.Pending && !s.IsPending(tx.ID) {
			continue // in flight
		}
		if more, err := fn(s.Tree, tx, undoneBy[tx.ID]); err != nil || !more {
			return err
		}
	}
	return nil
}

func describe(tx *wal.Transaction, undoneBy wal.ID) Transaction {
	t := Transaction{ID: tx.ID.String(), Time: tx.Time.UTC(), Label: tx.Label, Key: tx.Key, State: stateOf(tx)}
	if !tx.Undoes.IsZero() {
		t.Undoes = tx.Undoes.String()
	}
	if !undoneBy.IsZero() {
		t.UndoneBy = undoneBy.String()
		t.State = StateUndone
	}
	return t
}

func stateOf(tx *wal.Transaction) string {
	switch tx.Outcome {
	case wal.Committed:
		return StateCommitted
	case wal.RolledBack:
		return StateRolledBack
	case wal.ParkedOutcome:
		return StateParked
	}
	return StatePending
}
