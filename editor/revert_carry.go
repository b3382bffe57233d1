package editor

import (
	"bytes"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// after are the committed transactions that came after tx, oldest first.
func (h *past) after(tx *wal.Transaction) []*wal.Transaction {
	i := slices.IndexFunc(h.all, func(t *wal.Transaction) bool { return t.ID == tx.ID })
	var later []*wal.Transaction
	for _, t := range h.all[i+1:] {
		if t.Outcome == wal.Committed {
			later = append(later, t)
		}
	}
	return later
}

// carry moves spans, which were made for the file as step st of tx left it,
// through what later transactions did to the file, if that leads to the bytes
// with the hash now; nil if not. By is one that changed what the spans replace.
// One that was undone is not in the way: then what all of them did counts.
func (h *past) carry(tx *wal.Transaction, images *logImages, st *wal.Step, now hashing.Digest, spans []locator.Span) (
	found *placed, by *wal.Transaction, err error) {
	found = &placed{spans: spans, anchor: locator.AnchorMoved}
	at, later := st.After.Hash, h.after(tx)
	var all []locator.Span
	for _, t := range later {
		steps, err := stepsAt(t, st.Path)
		if err != nil {
			return nil, nil, err
		}
		for i := range steps {
			next := &steps[i]
			if next.Before.Kind != vfs.Regular || next.After.Kind != vfs.Regular || next.Before.Hash != at {
				return nil, nil, nil
			}
			theirs, err := spansOfStep(t, images, next)
			if err != nil {
				return nil, nil, err
			}
			if by == nil && !found.carry(theirs) {
				if by = t; !h.cancelled(t, later) {
					return nil, by, nil
				}
			}
			if all, err = locator.Compose(st.After.Size, all, theirs); err != nil {
				return nil, nil, err
			}
			at = next.After.Hash
		}
	}
	switch {
	case at != now:
		return nil, nil, nil
	case by == nil:
		return found, nil, nil
	}
	found = &placed{spans: spans, anchor: locator.AnchorMoved}
	after, err := images.after(st.N)
	if fail.KindOf(err) == fail.NotFound { // nothing tells what came back as it was
		return nil, by, nil
	}
	if err != nil {
		return nil, nil, err
	}
	all = slices.DeleteFunc(all, func(s locator.Span) bool { return bytes.Equal(after[s.Start:s.End], s.Text) })
	if found.carry(all) {
		return found, nil, nil
	}
	if last, err := h.lastToTouch(tx, st.Path); last != nil || err != nil {
		by = last
	}
	return nil, by, err
}

// carry moves the spans through theirs; false, and nothing has moved, where these
// touch one. They may even have done the same.
func (p *placed) carry(theirs []locator.Span) bool {
	carried, shifted, met := rebase(p.spans, theirs)
	if met != nil || len(carried) < len(p.spans) {
		return false
	}
	p.spans, p.shifted = carried, shifted
	return true
}

// cancelled reports whether t, one of later, was undone, or undoes or redoes
// another of them.
func (h *past) cancelled(t *wal.Transaction, later []*wal.Transaction) bool {
	return !h.stands(t) || slices.ContainsFunc(later, func(o *wal.Transaction) bool { return o.ID == t.Undoes })
}

// stepsAt returns the steps of tx at path: one, or none.
func stepsAt(tx *wal.Transaction, path string) (steps []wal.Step, err error) {
	err = tx.EachStep(func(st *wal.Step) error {
		if st.Path == path {
			steps = append(steps, *st)
		}
		return nil
	})
	return steps, err
}

// spansOfStep are the changes that a step of another transaction made.
func spansOfStep(tx *wal.Transaction, near *logImages, st *wal.Step) ([]locator.Span, error) {
	if len(st.Edits) > 0 || st.Before.Hash == st.After.Hash {
		return spansTo(st, wal.After), nil
	}
	steps, err := tx.LoadSteps()
	if err != nil {
		return nil, err
	}
	images := &logImages{tree: near.tree, tx: tx, steps: steps}
	before, err := images.before(st.N)
	if err != nil {
		return nil, err
	}
	after, err := images.after(st.N)
	if err != nil {
		return nil, err
	}
	return locator.Diff(before, after), nil
}

// lastToTouch is the newest transaction after tx that changed path and stands.
// An undo of one that came after tx itself, and what it undoes, cancel out.
func (h *past) lastToTouch(tx *wal.Transaction, path string) (*wal.Transaction, error) {
	later := h.after(tx)
	for _, t := range slices.Backward(later) {
		if h.cancelled(t, later) {
			continue
		}
		touches := false
		err := t.EachStep(func(st *wal.Step) error {
			touches = touches || st.Path == path || st.DirFrom != "" && (apply.Below(path, st.DirFrom) || apply.Below(path, st.Path))
			return nil
		})
		if err != nil || touches {
			return t, err
		}
	}
	return nil, nil
}
