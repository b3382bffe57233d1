package recovery

import (
	"strings"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/wal"
)

// leftover is a slot of no sealed, unretired intent and of no transaction in
// flight.
type leftover struct {
	name   string
	intent string
	known  bool // the log holds the intent: it was retired, and its slots not all emptied
}

// Sweep removes the slots that are nobody's, for whoever holds the log's lock.
// Those of an intent that never reached its commit point are reported as
// discarded.
func (r *Report) Sweep(w *apply.Workspace) error {
	left, err := slotsOfNobody(w)
	if err != nil || len(left) == 0 {
		return err
	}
	// A retire that is only in the page cache must not outlive its slots.
	if err := w.Log.Sync(); err != nil {
		return err
	}
	for _, l := range left {
		if err := w.RemoveSlot(l.name); err != nil {
			return fail.Wrap(err, "empty", l.name)
		}
	}
	r.discarded(left)
	return nil
}

// discarded reports the intents of slots that the log does not know.
func (r *Report) discarded(left []leftover) {
	seen := make(map[string]bool)
	for _, l := range left {
		if !l.known && !seen[l.intent] {
			seen[l.intent] = true
			r.Intents = append(r.Intents, IntentReport{ID: l.intent, Action: ActionDiscarded})
		}
	}
}

func slotsOfNobody(w *apply.Workspace) ([]leftover, error) {
	names, err := w.Slots()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	// What is in flight first: a transaction that ends between the two looks
	// without being retired is pending at the second.
	ended := make(map[string]wal.ID)
	for _, name := range names {
		intent, _, _ := strings.Cut(name, "-")
		if id, err := wal.ParseID(intent); err == nil && !w.Log.Live(id) {
			ended[intent] = id
		}
	}
	for _, tx := range w.Log.Pending() {
		delete(ended, tx.ID.String())
	}
	known := make(map[string]bool)
	for intent, id := range ended {
		tx, err := w.Log.Find(id)
		if err != nil {
			return nil, err
		}
		known[intent] = tx != nil
	}
	var left []leftover
	for _, name := range names {
		intent, _, _ := strings.Cut(name, "-")
		if _, ok := ended[intent]; ok {
			left = append(left, leftover{name, intent, known[intent]})
		}
	}
	return left, nil
}
