package editor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// TestTransactionsAreSerial runs random transactions of two Editors, many at a
// time, on the same few files. Those that committed, one after another in the
// order of the log, must be possible in a model, each on what the ones before it
// left, and end in what is on the disk: no update is lost, none is half done.
// EMEND_LONG makes it thousands.
func TestTransactionsAreSerial(t *testing.T) {
	noLeaks(t)
	s := newSampler(t)
	root, workers, each := t.TempDir(), 8, 60
	if long() {
		each = 400
	}
	w := &serialWorld{root: root, plans: make(map[string][]editor.Op)}
	start := texts{}
	for _, p := range []string{"a", "b", "c", "d/e"} {
		start[p] = p + " at first\n"
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(p)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, p), []byte(start[p]), 0o644))
	}
	for range 2 {
		ed, err := editor.Open(t.Context(), root, editor.WithDurability(editor.DurabilityNone))
		require.NoError(t, err)
		defer ed.Close()
		w.editors = append(w.editors, ed)
	}
	bounded(t, "random transactions", func() {
		var wg sync.WaitGroup
		for n := range workers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(s.seed, uint64(n)))
				for k := range each {
					w.run(t, w.editors[n%2], r, fmt.Sprintf("%d-%d", n, k))
				}
			})
		}
		wg.Wait()
	})
	list, err := w.editors[0].History(t.Context(), editor.HistoryOptions{})
	require.NoError(t, err)
	require.Len(t, list, len(w.plans), "seed %d", s.seed)
	slices.Reverse(list)
	model := start
	for _, tx := range list {
		for _, o := range w.plans[tx.ID] {
			require.NoError(t, model.apply(o), "transaction %s, %#v (seed %d)", tx.ID, o, s.seed)
		}
	}
	require.Equal(t, model, w.read(t), "seed %d", s.seed)
	t.Logf("%d of %d transactions committed; refused: %v", len(list), workers*each, w.refused)
	require.Greater(t, len(list), workers, "seed %d", s.seed)
}

// serialWorld is a workspace at which many work, and what they have done.
type serialWorld struct {
	root    string
	editors []*editor.Editor

	mu      sync.Mutex
	plans   map[string][]editor.Op // committed, by ID
	refused map[fail.Kind]int
}

// texts are files by path.
type texts map[string]string

var serialPaths = []string{"a", "b", "c", "d/e", "d/f", "n/g"}

func (w *serialWorld) read(t *testing.T) texts {
	now := texts{}
	for _, p := range serialPaths {
		b, err := os.ReadFile(filepath.Join(w.root, p))
		if err == nil {
			now[p] = string(b)
		} else if !os.IsNotExist(err) {
			t.Error(err)
		}
	}
	return now
}

// run makes a plan for the files as they seem to be, and applies it.
func (w *serialWorld) run(t *testing.T, ed *editor.Editor, r *rand.Rand, token string) {
	seen := w.read(t)
	var ops []editor.Op
	paths := r.Perm(len(serialPaths))
	for range 1 + r.IntN(2) {
		p, other := serialPaths[paths[0]], serialPaths[paths[1]]
		paths = paths[2:]
		ops = append(ops, draftSerial(seen, p, other, token+" "+p+"\n", r))
	}
	plan := editor.Plan{Label: token, Ops: ops}
	res, err := ed.Apply(context.Background(), plan)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.plans[res.ID] = ops
		return
	}
	kind := fail.KindOf(err)
	if stateOf(t, err, token) != string(fail.Unchanged) || !slices.Contains([]fail.Kind{fail.Drift, fail.Exists, fail.NotFound}, kind) {
		t.Errorf("%s: %v", token, err)
	}
	if w.refused == nil {
		w.refused = make(map[fail.Kind]int)
	}
	w.refused[kind]++
}

func draftSerial(seen texts, p, other, text string, r *rand.Rand) editor.Op {
	old, stands := seen[p]
	expect := editor.RawHash(hashing.Raw([]byte(old)))
	_, taken := seen[other]
	switch kind := r.IntN(8); {
	case !stands:
		return editor.Create{Path: p, Content: []byte(text)}
	case kind == 0:
		return editor.Delete{Path: p, Expect: expect}
	case kind <= 2 && !taken:
		return editor.Rename{From: p, To: other}
	case kind <= 4:
		return editor.Write{Path: p, Content: []byte(text), Expect: expect}
	}
	return editor.Edit{Path: p, Expect: expect, Edits: []locator.Edit{{Start: 0, End: len(old), Text: []byte(text)}}}
}

// apply does what an operation says, or tells why it was not possible.
func (m texts) apply(o editor.Op) error {
	is := func(p string, expect editor.Expect) error {
		if old, ok := m[p]; !ok || hashing.Raw([]byte(old)) != *expect.Raw {
			return fmt.Errorf("%s is %q", p, old)
		}
		return nil
	}
	switch o := o.(type) {
	case editor.Create:
		if old, ok := m[o.Path]; ok {
			return fmt.Errorf("%s is %q", o.Path, old)
		}
		m[o.Path] = string(o.Content)
	case editor.Delete:
		if err := is(o.Path, o.Expect); err != nil {
			return err
		}
		delete(m, o.Path)
	case editor.Rename:
		text, ok := m[o.From]
		if old, taken := m[o.To]; !ok || taken {
			return fmt.Errorf("%q to %q", text, old)
		}
		delete(m, o.From)
		m[o.To] = text
	case editor.Write:
		if err := is(o.Path, o.Expect); err != nil {
			return err
		}
		m[o.Path] = string(o.Content)
	case editor.Edit:
		if err := is(o.Path, o.Expect); err != nil {
			return err
		}
		m[o.Path] = string(o.Edits[0].Text)
	}
	return nil
}
