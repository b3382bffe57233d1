package editor

import (
	"errors"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/wal"
)

// errEnough ends a walk over steps.
var errEnough = errors.New("found")

// baseFor looks in the log for bytes that have the raw hash, newest first; nil
// where it has none any more.
func (ed *Editor) baseFor(raw hashing.Digest) []byte {
	h, err := ed.past()
	if err != nil {
		return nil // the log's trouble shows where the log is needed
	}
	for _, tx := range slices.Backward(h.all) {
		if content := ed.imageOf(tx, raw); content != nil {
			return content
		}
	}
	return nil
}

// imageOf returns an image of tx with the raw hash.
func (ed *Editor) imageOf(tx *wal.Transaction, raw hashing.Digest) []byte {
	n, img := -1, wal.Before
	err := tx.EachStep(func(st *wal.Step) error {
		switch raw {
		case st.Before.Hash:
			n, img = st.N, wal.Before
		case st.After.Hash:
			n, img = st.N, wal.After
		default:
			return nil
		}
		return errEnough
	})
	if n < 0 || !errors.Is(err, errEnough) {
		return nil
	}
	steps, err := tx.LoadSteps()
	if err != nil {
		return nil
	}
	content, err := (&logImages{tree: ed.ws.Tree, tx: tx, steps: steps}).image(n, img)
	if err != nil || hashing.Raw(content) != raw {
		return nil
	}
	return content
}
