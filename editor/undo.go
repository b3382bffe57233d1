package editor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/wal"
)

// Undo takes back what the committed transaction id did, as a transaction of
// its own: deleted files come back with their metadata, created ones go, as do
// the directories made for them if they are empty, renames go back. An empty id
// means the newest committed transaction that is neither undone nor an undo.
// What others have changed since stays: edits that do not overlap are carried
// along, everything else is a conflict that names the transaction in the way,
// or a drift, and nothing is changed. What is undone already is Already; what
// the log no longer has is not-found.
func (ed *Editor) Undo(ctx context.Context, id string) (*Result, error) {
	return ed.commitNow(ctx, func() (*Tx, error) { return ed.PrepareUndo(ctx, id) })
}

// Redo is the undo of an undo. Id is the undone transaction or its undo; empty:
// the newest undo that stands.
func (ed *Editor) Redo(ctx context.Context, id string) (*Result, error) {
	return ed.commitNow(ctx, func() (*Tx, error) { return ed.PrepareRedo(ctx, id) })
}

// PrepareUndo is the first half of Undo: it only reads.
func (ed *Editor) PrepareUndo(ctx context.Context, id string) (*Tx, error) {
	return ed.prepareReversal(ctx, func() (*wal.Transaction, error) {
		h, err := ed.past()
		if err != nil {
			return nil, err
		}
		return h.toUndo(id)
	}, id == "", false)
}

// PrepareRedo is the first half of Redo: it only reads.
func (ed *Editor) PrepareRedo(ctx context.Context, id string) (*Tx, error) {
	return ed.prepareReversal(ctx, func() (*wal.Transaction, error) {
		h, err := ed.past()
		if err != nil {
			return nil, err
		}
		return h.toRedo(id)
	}, id == "", true)
}

// prepareReversal prepares taking back the transaction that target finds; newest
// says that it was not named, redo that it is an undo.
func (ed *Editor) prepareReversal(ctx context.Context, target func() (*wal.Transaction, error), newest, redo bool) (*Tx, error) {
	if newest {
		if r, err := ed.justReversed(redo); err != nil || r != nil {
			return &Tx{ed: ed, already: r, recovered: new(reports)}, err
		}
	}
	chosen, err := target()
	if err != nil {
		return nil, err
	}
	tx := &Tx{ed: ed, undoes: chosen.ID, redo: isUndo(chosen)}
	h, err := ed.past()
	if err != nil {
		return nil, err
	}
	tx.plan = Plan{Label: reversalLabel(chosen), Ops: []Op{revert{tx: h.standIn(chosen), past: ed.past}}}
	tx.done = func() (*Result, error) {
		now, err := target()
		if err != nil {
			return nil, err
		}
		if now.ID != chosen.ID {
			return nil, moved("")
		}
		h, err := ed.past()
		if err != nil {
			return nil, err
		}
		return ed.reversed(h.undoneBy[chosen.ID])
	}
	return tx.begin(ctx)
}

// reversed is the result of taking back what by has taken back before, nil if
// by is none.
func (ed *Editor) reversed(by wal.ID) (*Result, error) {
	if by.IsZero() {
		return nil, nil
	}
	tx, err := ed.log().Find(by)
	if err != nil {
		return nil, err
	}
	r, err := ed.doneBefore(by, Plan{Label: tx.Label})
	r.Undoes = tx.Undoes.String()
	return r, err
}

// justReversed answers an undo, or redo, of the newest transaction which a crash
// had cut off and recovery has finished.
func (ed *Editor) justReversed(redo bool) (*Result, error) {
	ed.mu.Lock()
	replayed := maps.Clone(ed.replayed)
	ed.mu.Unlock()
	for _, id := range replayed {
		tx, err := ed.log().Find(id)
		if err != nil {
			return nil, err
		}
		if tx != nil && !tx.Undoes.IsZero() && tx.Redo == redo {
			return ed.reversed(id)
		}
	}
	return nil, nil
}

// isUndo reports whether tx is an undo: taking it back is a redo.
func isUndo(tx *wal.Transaction) bool { return !tx.Undoes.IsZero() && !tx.Redo }

// reversalLabel is the label of what takes tx back.
func reversalLabel(tx *wal.Transaction) string {
	verb, label := "undo", tx.Label
	if isUndo(tx) {
		verb = "redo"
	}
	for _, prefix := range []string{"undo", "redo"} {
		if rest, ok := strings.CutPrefix(label, prefix); ok && !tx.Undoes.IsZero() {
			label = strings.TrimPrefix(rest, ": ")
			break
		}
	}
	if label == "" {
		return verb
	}
	return verb + ": " + label
}

// past is the history as the log has it at one moment.
type past struct {
	log      *wal.Log           // nil: there is none
	all      []*wal.Transaction // oldest first
	undoneBy map[wal.ID]wal.ID
}

func (ed *Editor) past() (*past, error) {
	h := &past{log: ed.log()}
	if h.log == nil {
		return h, nil
	}
	err := h.log.History(func(tx *wal.Transaction) error {
		h.all = append(h.all, tx)
		return nil
	})
	h.undoneBy = undoers(h.all)
	return h, err
}

// undoers returns, by the ID of an undone transaction, the one that undoes it
// and is not undone itself. An undo is always younger than what it undoes.
func undoers(oldestFirst []*wal.Transaction) map[wal.ID]wal.ID {
	by := make(map[wal.ID]wal.ID)
	for _, tx := range slices.Backward(oldestFirst) {
		if tx.Outcome == wal.Committed && !tx.Undoes.IsZero() && by[tx.ID].IsZero() {
			by[tx.Undoes] = tx.ID
		}
	}
	return by
}

// stands reports whether tx was committed and is not undone.
func (h *past) stands(tx *wal.Transaction) bool {
	return tx.Outcome == wal.Committed && h.undoneBy[tx.ID].IsZero()
}

// standIn is the transaction whose steps say how tx stands now: of one that was
// undone and redone the last redo.
func (h *past) standIn(tx *wal.Transaction) *wal.Transaction {
	byID := make(map[wal.ID]*wal.Transaction, len(h.all))
	for _, t := range h.all {
		byID[t.ID] = t
	}
	// redone is what t redoes in the end.
	redone := func(t *wal.Transaction) wal.ID {
		for t.Redo {
			undo := byID[t.Undoes]
			if undo == nil || byID[undo.Undoes] == nil {
				break // too long ago
			}
			t = byID[undo.Undoes]
		}
		return t.ID
	}
	of, last := redone(tx), tx
	for _, t := range h.all {
		if t.Redo && h.stands(t) && redone(t) == of {
			last = t
		}
	}
	return last
}

func (h *past) toUndo(id string) (*wal.Transaction, error) {
	if id != "" {
		return h.find("undo", id)
	}
	for _, tx := range slices.Backward(h.all) {
		if tx.Undoes.IsZero() && h.stands(tx) {
			return tx, nil
		}
	}
	return nil, fail.New(fail.NotFound, "undo", "", "there is no transaction to undo")
}

func (h *past) toRedo(id string) (*wal.Transaction, error) {
	if id == "" {
		for _, tx := range slices.Backward(h.all) {
			if isUndo(tx) && h.stands(tx) {
				return tx, nil
			}
		}
		return nil, fail.New(fail.NotFound, "redo", "", "there is no undone transaction to redo")
	}
	tx, err := h.find("redo", id)
	if err != nil || isUndo(tx) {
		return tx, err
	}
	by := h.undoneBy[tx.ID]
	if by.IsZero() {
		return nil, fail.New(fail.Conflict, "redo", "", "transaction %s was not undone", tx.ID)
	}
	return h.find("redo", by.String())
}

// find returns the committed transaction id, whole in the log.
func (h *past) find(op, id string) (*wal.Transaction, error) {
	unknown := fail.New(fail.NotFound, op, "", "there is no transaction %.40q", id).WithHint("emend log lists those that there are")
	want, err := wal.ParseID(id)
	if err != nil || h.log == nil {
		return nil, unknown
	}
	tx, err := h.log.Find(want)
	switch {
	case err != nil:
		return nil, err
	case tx == nil:
		return nil, unknown
	case tx.Compacted:
		return nil, fail.New(fail.NotFound, op, "", "the bytes of transaction %s were compacted away", id).
			WithHint("the log keeps the newest history only; take the files from a backup or from version control")
	case tx.Outcome == wal.RolledBack:
		return nil, fail.New(fail.Conflict, op, "", "transaction %s was rolled back: there is nothing to %s", id, op)
	case tx.Outcome != wal.Committed:
		return nil, fail.New(fail.PendingRecovery, op, "", "transaction %s is not finished", id).
			WithHint("run emend recover, or emend resolve %s if it is parked", id)
	}
	return tx, nil
}
