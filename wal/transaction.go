package wal

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Transaction is a sealed intent as the log has it when it is handed out.
// Steps and images are read from the file when they are asked for; it stays
// readable when the log is compacted, until the log is closed.
type Transaction struct {
	Begin
	Outcome   Outcome
	Decision  Decision
	Steps     int       // how many there are
	RetiredAt time.Time // zero while pending
	Compacted bool      // only ID, key, plan, Undoes, Redo and outcome are left

	gen    *generation
	salt   uint32
	path   string
	from   int64 // offset of the begin frame
	to     int64 // offset of the seal
	notes  []note
	images func() (map[imageKey][]extent, error) // found once
}

func (c *shared) transaction(t *txn) *Transaction {
	tx := &Transaction{
		Begin: t.begin, Outcome: t.outcome, Decision: t.decision, Steps: t.steps, RetiredAt: t.retiredAt,
		gen: c.gen, salt: c.scan.salt, path: c.path, from: t.beginAt, to: t.sealAt, notes: slices.Clone(t.notes),
	}
	tx.images = sync.OnceValues(tx.findImages)
	return tx
}

// scanner returns a reader of the transaction's part of the file. It has one
// user at a time.
func (t *Transaction) scanner() *scanner {
	return &scanner{r: t.gen.file, size: t.to, salt: t.salt}
}

// EachStep calls fn for every step, in the order in which they were logged,
// notes applied. Memory does not grow with their number.
func (t *Transaction) EachStep(fn func(*Step) error) error {
	if t.Compacted {
		return nil
	}
	s := t.scanner()
	return t.each(s, func(h *frame) error {
		if h.typ != typeFile {
			return nil
		}
		f, ok, err := s.frame(h.off)
		if err != nil || !ok {
			return t.readError(h.off, err)
		}
		id, step, err := decodeStep(f.payload)
		if err != nil {
			return decodeError(t.path, &f, err)
		}
		if id != t.ID {
			return nil
		}
		for _, n := range t.notes {
			if n.n == step.N {
				n.apply(&step)
			}
		}
		return fn(&step)
	})
}

// each calls fn with the header of every frame, of whichever intent, between
// begin and seal.
func (t *Transaction) each(s *scanner, fn func(h *frame) error) error {
	for off := t.from; off < t.to; {
		h, _, ok, err := s.header(off)
		if err != nil || !ok {
			return t.readError(off, err)
		}
		if err := fn(&h); err != nil {
			return err
		}
		off = h.end()
	}
	return nil
}

func (t *Transaction) readError(off int64, err error) error {
	if err != nil {
		return wrap(err, "read", t.path)
	}
	return &CorruptError{Path: t.path, From: off, To: t.to, Lost: fmt.Sprintf("frames of intent %v", t.ID)}
}

// LoadSteps returns all steps, ordered by their numbers, notes applied.
func (t *Transaction) LoadSteps() ([]Step, error) {
	var steps []Step
	err := t.EachStep(func(s *Step) error {
		steps = append(steps, *s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Compare(a.N, b.N) })
	for i, s := range steps {
		if s.N != i || len(steps) != t.Steps {
			return nil, &CorruptError{Path: t.path, From: t.from, To: t.to,
				Lost: fmt.Sprintf("the steps of intent %v are not numbered one by one", t.ID)}
		}
	}
	return steps, nil
}
