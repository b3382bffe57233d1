package editor_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/recovery"
)

// TestModel does plans, crashes, foreign edits, recoveries, undos, redos and
// decisions in any order, and holds every file to what it may be after each:
// a step that failed changed nothing, one that succeeded did what the model
// did, one that was cut off did all of it or nothing, and whatever a user wrote
// is somewhere: in its file, or in a copy under .emend. EMEND_LONG makes it
// thousands of steps, EMEND_SEED repeats a run.
func TestModel(t *testing.T) {
	s := newSampler(t)
	rounds := 20
	if long() {
		rounds = 400
	}
	counts := make(map[string]int)
	for range rounds {
		w := newWorld(t, s, counts)
		for range 60 {
			w.step()
		}
	}
	t.Logf("%v", counts)
	for _, what := range []string{"plan", "undo", "redo", "resolve", "crash", "foreign", "parked", "committed", "rolled-back"} {
		require.NotZero(t, counts[what], "the run never met %s (seed %d)", what, s.seed)
	}
}

// files is a tree as the model has it: mode and content by path.
type files map[string]string

func filesOf(fs *crashfs.FS) files {
	m := make(files)
	for path, n := range userTree(fs) {
		if n.Kind == vfs.Regular {
			m[path] = fmt.Sprintf("%o:%s", n.Mode, n.Data)
		}
	}
	return m
}

// effect is what a step does to the tree: before and after by path, of the
// paths that differ.
type effect struct{ before, after files }

func effectOf(before, after files) effect {
	c := effect{files{}, files{}}
	for _, m := range []files{before, after} {
		for path := range m {
			if old, now := before[path], after[path]; old != now {
				c.before[path], c.after[path] = old, now
			}
		}
	}
	return c
}

// world is a disk with one workspace, and what is known about it.
type world struct {
	t      *testing.T
	s      *sampler
	fs     *crashfs.FS
	tree   files
	done   map[string]effect // by ID of a transaction
	parked map[string]effect
	wrote  map[string]bool // what users wrote and did not take away themselves
	last   int             // token
	what   string          // the step, for messages
	counts map[string]int
}

var worldPaths = []string{"a", "b", "c", "x", "d/e", "d/f", "n/g", "n/h"}

func newWorld(t *testing.T, s *sampler, counts map[string]int) *world {
	w := &world{t: t, s: s, fs: crashfs.New(crashfs.Options{}), counts: counts,
		done: map[string]effect{}, parked: map[string]effect{}, wrote: map[string]bool{}}
	require.NoError(t, w.fs.MkdirAll(crashRoot+"/d", 0o755))
	for _, path := range []string{"a", "b", "d/e"} {
		require.NoError(t, w.fs.WriteFile(crashRoot+"/"+path, []byte(w.text()), 0o644))
	}
	w.fs.Settle()
	w.tree = filesOf(w.fs)
	return w
}

// token is a text that stands nowhere else.
func (w *world) token(kind string) string {
	w.last++
	return fmt.Sprintf("%s%06d", kind, w.last)
}

func (w *world) text() string {
	var b strings.Builder
	for range 3 + w.s.IntN(6) {
		b.WriteString(w.token("L") + "\n")
	}
	return b.String()
}

func (w *world) pick(list []string) string { return list[w.s.IntN(len(list))] }

func (w *world) step() {
	switch w.s.IntN(10) {
	case 0, 1, 2:
		w.plan()
	case 3:
		w.what = "a user edits"
		w.meddle(w.pick(worldPaths))
		w.tree = filesOf(w.fs)
	case 4, 5, 6:
		w.reverse("undo", editor.StateCommitted, (*editor.Editor).Undo)
	case 7:
		w.reverse("redo", editor.StateUndone, (*editor.Editor).Redo)
	default:
		w.resolve()
	}
	w.nothingLost()
	w.nothingLinked()
}

// meddle is a user at work on path: a new text, an edit, or gone.
func (w *world) meddle(path string) {
	w.counts["foreign"]++
	d, name, found := strings.Cut(path, "/")
	if !found {
		d, name = "", path
	} else if userTree(w.fs)[d].Kind != vfs.Directory {
		return
	}
	old, stood := filesOf(w.fs)[path]
	token := w.token("USER") + "\n"
	text, action := token, w.s.IntN(4)
	if stood {
		content := textOf(old)
		lines := strings.SplitAfter(content, "\n")
		i := w.s.IntN(len(lines))
		kept := ""
		if action > 1 {
			kept = content
			text = strings.Join(lines[:i], "") + token + strings.Join(lines[i:], "")
		}
		for written := range w.wrote { // what the user takes away is no loss
			if strings.Contains(content, written) && !strings.Contains(kept, written) {
				delete(w.wrote, written)
			}
		}
		dir, err := w.fs.Meddler().OpenRoot(crashRoot + "/" + d)
		require.NoError(w.t, err)
		require.NoError(w.t, dir.Remove(name))
		require.NoError(w.t, dir.Close())
		if action == 0 {
			w.fs.Settle()
			return
		}
	}
	w.wrote[strings.TrimSpace(token)] = true
	require.NoError(w.t, w.fs.WriteFile(crashRoot+"/"+path, []byte(text), 0o644))
	w.fs.Settle()
}

// nothingLost finds every text of a user somewhere on the disk.
func (w *world) nothingLost() {
	var all strings.Builder
	for _, n := range w.fs.Tree(crashRoot) {
		all.WriteString(n.Data)
	}
	for token := range w.wrote {
		require.Contains(w.t, all.String(), token, "%s: a user's text is lost (seed %d)", w.what, w.s.seed)
	}
}

// nothingLinked: only a rename that is parked half way leaves two names of one
// file.
func (w *world) nothingLinked() {
	for path, n := range userTree(w.fs) {
		if n.Kind == vfs.Regular && n.Nlink > 1 {
			require.True(w.t, w.isParked(path), "%s: %s has a second name (seed %d)", w.what, path, w.s.seed)
		}
	}
}

// part is a user who makes two files of what such a rename has left, when it is
// decided that all stays as it is.
func (w *world) part() {
	for path, n := range userTree(w.fs) {
		if n.Kind != vfs.Regular || n.Nlink == 1 {
			continue
		}
		dir, err := w.fs.Meddler().OpenRoot(crashRoot)
		require.NoError(w.t, err)
		if d, name, ok := strings.Cut(path, "/"); ok {
			dir, err = dir.OpenDir(d)
			require.NoError(w.t, err)
			require.NoError(w.t, dir.Remove(name))
		} else {
			require.NoError(w.t, dir.Remove(path))
		}
		require.NoError(w.t, w.fs.WriteFile(crashRoot+"/"+path, []byte(n.Data), n.Mode))
		w.fs.Settle()
		return
	}
}

// draft makes a random plan, and what the tree is after it.
func (w *world) draft() (editor.Plan, files) {
	after, plan := maps.Clone(w.tree), editor.Plan{}
	for range 1 + w.s.IntN(4) {
		var there, free []string
		for _, path := range worldPaths {
			if _, ok := after[path]; ok {
				there = append(there, path)
			} else {
				free = append(free, path)
			}
		}
		kind := w.s.IntN(7)
		if len(there) == 0 || len(free) == 0 && (kind == 4 || kind == 5) {
			kind = 6
		}
		plan.Ops = append(plan.Ops, w.operation(kind, there, free, after))
	}
	return plan, after
}

func (w *world) operation(kind int, there, free []string, after files) editor.Op {
	path := ""
	if len(there) > 0 {
		path = w.pick(there)
	}
	mode, content, _ := strings.Cut(after[path], ":")
	switch kind {
	case 0, 1:
		lines := strings.SplitAfter(content, "\n")
		i := w.s.IntN(len(lines))
		start, by := len(strings.Join(lines[:i], "")), w.token("E")+"\n"
		after[path] = mode + ":" + strings.Join(lines[:i], "") + by + strings.Join(lines[i+1:], "")
		return editor.Edit{Path: path, Expect: editor.RawHash(hashing.Raw([]byte(content))),
			Edits: []locator.Edit{{Start: start, End: start + len(lines[i]), Text: []byte(by)}}}
	case 2:
		delete(after, path)
		return editor.Delete{Path: path}
	case 3:
		bits := []uint32{0o600, 0o644, 0o755}[w.s.IntN(3)]
		after[path] = fmt.Sprintf("%o:%s", bits, content)
		return editor.Chmod{Path: path, Mode: editor.Mode(bits)}
	case 4:
		to := w.pick(free)
		after[to] = after[path]
		delete(after, path)
		return editor.Rename{From: path, To: to}
	case 5:
		to, text := w.pick(free), w.text()
		after[to] = "644:" + text
		return editor.Create{Path: to, Content: []byte(text)}
	}
	path, text := w.pick(worldPaths), w.text()
	mode = "644"
	if old, ok := after[path]; ok {
		mode, _, _ = strings.Cut(old, ":")
	}
	after[path] = mode + ":" + text
	return editor.Write{Path: path, Content: []byte(text)}
}

func (w *world) plan() {
	w.counts["plan"]++
	plan, after := w.draft()
	w.what = fmt.Sprintf("plan %v", plan.Ops)
	blocked := false
	for path := range effectOf(w.tree, after).before {
		blocked = blocked || w.isParked(path)
	}
	err := w.do(effectOf(w.tree, after), func(ed *editor.Editor) error {
		_, err := ed.Apply(context.Background(), plan)
		return err
	})
	if !blocked {
		w.requireAllowed(err)
	}
}

func (w *world) isParked(path string) bool {
	for _, c := range w.parked {
		if _, ok := c.before[path]; ok {
			return true
		}
	}
	return false
}

// requireAllowed: a file that a parked intent touched without changing it in
// the end may still be in the way.
func (w *world) requireAllowed(err error) {
	if err != nil && fail.KindOf(err) != fail.PendingRecovery {
		require.NoError(w.t, err, "%s (seed %d)", w.what, w.s.seed)
	}
}

func (w *world) open(fs *crashfs.FS) *editor.Editor {
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	require.NoError(w.t, err, "%s (seed %d)", w.what, w.s.seed)
	return ed
}

// history lists IDs of transactions in the state.
func (w *world) history(state string) []string {
	ed := w.open(w.fs)
	defer ed.Close()
	list, err := ed.History(context.Background(), editor.HistoryOptions{})
	require.NoError(w.t, err)
	var ids []string
	for _, tx := range list {
		if tx.State == state {
			ids = append(ids, tx.ID)
		}
	}
	return ids
}

func (w *world) reverse(verb, state string, do func(*editor.Editor, context.Context, string) (*editor.Result, error)) {
	ids := w.history(state)
	if len(ids) == 0 {
		return
	}
	id := ids[0]
	if w.s.IntN(2) == 0 {
		id = w.pick(ids)
	}
	w.what = verb + " " + id
	// What it does is tried on a copy: alone, it has to do it exactly.
	copied := w.fs.Killed()
	ed := w.open(copied)
	_, err := do(ed, context.Background(), id)
	require.NoError(w.t, ed.Close())
	after := filesOf(copied)
	c := effectOf(w.tree, after)
	if err != nil {
		require.Empty(w.t, c.before, "%s: refused, and changed (seed %d)", w.what, w.s.seed)
		w.counts["refused"]++
		return
	}
	w.counts[verb]++
	if verb == "undo" {
		w.requireUndone(id, c)
	}
	w.requireAllowed(w.do(c, func(ed *editor.Editor) error {
		_, err := do(ed, context.Background(), id)
		return err
	}))
	if verb == "redo" && slices.Contains(w.history(editor.StateCommitted), id) {
		w.done[id] = c // another mode may have been there than the first time
	}
}

// requireUndone: where the files stand as the transaction left them, they are
// as before it now; no other file has changed.
func (w *world) requireUndone(id string, c effect) {
	made := w.done[id]
	exact := true
	for path := range made.before {
		exact = exact && w.tree[path] == made.after[path]
	}
	for path, now := range c.after {
		require.Contains(w.t, made.before, path, "%s changed another file (seed %d)", w.what, w.s.seed)
		if exact {
			require.Equal(w.t, made.before[path], now, "%s: %s (seed %d)", w.what, path, w.s.seed)
		}
	}
	if exact {
		w.counts["exact"]++
		require.Len(w.t, c.before, len(made.before), "%s (seed %d)", w.what, w.s.seed)
	}
}

func (w *world) resolve() {
	if len(w.parked) == 0 {
		return
	}
	id := w.pick(slices.Sorted(maps.Keys(w.parked)))
	meant := w.parked[id]
	o := editor.ResolveOptions{Use: editor.Resolution(w.s.IntN(3))}
	w.what = fmt.Sprintf("resolve %s %d", id, o.Use)
	copied := w.fs.Killed()
	ed := w.open(copied)
	d, err := ed.Resolve(context.Background(), id, o)
	if fail.KindOf(err) == fail.NotFound { // users have removed the last name of a renamed file
		o.Use = editor.KeepCurrent
		d, err = ed.Resolve(context.Background(), id, o)
	}
	require.NoError(w.t, ed.Close())
	require.NoError(w.t, err, "%s (seed %d)", w.what, w.s.seed)
	require.Empty(w.t, d.Undecided)
	w.counts["resolve"]++
	c := effectOf(w.tree, filesOf(copied))
	for path, now := range c.after {
		require.Contains(w.t, meant.before, path, "%s changed another file (seed %d)", w.what, w.s.seed)
		want := map[editor.Resolution]string{editor.UseBefore: meant.before[path], editor.UseAfter: meant.after[path]}[o.Use]
		if textOf(meant.before[path]) == textOf(meant.after[path]) {
			want = w.tree[path] // its mode is all that is decided
		}
		require.Equal(w.t, textOf(want), textOf(now), "%s: %s (seed %d)", w.what, path, w.s.seed)
	}
	delete(w.parked, id)
	err = w.do(c, func(ed *editor.Editor) error {
		_, err := ed.Resolve(context.Background(), id, o)
		return err
	})
	// A decision that was cut off is to be taken again.
	if err == nil && !slices.Contains(w.history(editor.StateParked), id) {
		if o.Use == editor.KeepCurrent {
			w.part()
		}
		return
	}
	w.parked[id] = meant
}

// textOf is a file without its mode.
func textOf(file string) string {
	_, text, _ := strings.Cut(file, ":")
	return text
}

// do runs an operation that changes c, or crashes it, and holds the tree to
// that. The error is that of the operation; nil after a crash.
func (w *world) do(c effect, run func(*editor.Editor) error) error {
	known := w.transactions()
	err, crashed := w.run(2, func(fs *crashfs.FS) error {
		ed := w.open(fs)
		defer ed.Close()
		return run(ed)
	})
	foreign := make(map[string]bool)
	if crashed {
		w.counts["crash"]++
		for _, path := range slices.Sorted(maps.Keys(c.before)) {
			if w.s.IntN(2) == 0 {
				w.meddle(path)
				foreign[path] = true
			}
		}
		err = nil
	}
	met := filesOf(w.fs)
	if crashed {
		w.recover()
	}
	state := w.newcomer(c, known)
	w.requireTree(c, state, foreign, met)
	w.tree = filesOf(w.fs)
	if !crashed && err != nil {
		require.NotEqual(w.t, editor.StateCommitted, state, "%s (seed %d)", w.what, w.s.seed)
	}
	return err
}

// run runs do on the disk. Once in n times the disk is then as a crash at some
// moment has left it.
func (w *world) run(n int, do func(*crashfs.FS) error) (err error, crashed bool) {
	if w.s.IntN(n) > 0 {
		return do(w.fs), false
	}
	copied := w.fs.Killed()
	moments := 0
	copied.OnOp(func(op.Op) { moments++ })
	_ = do(copied) // only to count
	if moments == 0 {
		return do(w.fs), false
	}
	at, seen := w.s.IntN(moments), 0
	var survivor *crashfs.FS
	w.fs.OnOp(func(op.Op) {
		if seen++; survivor != nil || seen <= at {
			return
		}
		switch w.s.IntN(3) {
		case 0:
			survivor = w.fs.Killed()
		case 1:
			survivor = w.fs.Survive(crashfs.AllLost())
		default:
			survivor = w.fs.Survive(crashfs.Random(w.s.Uint64()))
		}
	})
	err = do(w.fs)
	w.fs.OnOp(nil)
	if survivor == nil {
		return err, false
	}
	w.fs = survivor
	return nil, true
}

// recover recovers by any policy, crashed now and then.
func (w *world) recover() {
	o := recovery.Options{Policy: recovery.Policy(w.s.IntN(3))}
	for crashed := true; crashed; {
		var err error
		err, crashed = w.run(3, func(fs *crashfs.FS) error {
			with := o
			with.FS = fs
			_, err := recovery.Run(context.Background(), crashRoot, with)
			return err
		})
		require.NoError(w.t, err, "%s: recover (seed %d)", w.what, w.s.seed)
	}
	require.Empty(w.t, leftovers(w.fs), "%s (seed %d)", w.what, w.s.seed)
}

// transactions are the states of all transactions by ID.
func (w *world) transactions() map[string]string {
	ed := w.open(w.fs)
	defer ed.Close()
	list, err := ed.History(context.Background(), editor.HistoryOptions{})
	require.NoError(w.t, err, "%s (seed %d)", w.what, w.s.seed)
	states := make(map[string]string)
	for _, tx := range list {
		states[tx.ID] = tx.State
	}
	return states
}

// newcomer returns the state of the transaction that was not known, and notes
// what it does; empty if there is none.
func (w *world) newcomer(c effect, known map[string]string) string {
	for id, state := range w.transactions() {
		if _, old := known[id]; old {
			continue
		}
		w.counts[state]++
		w.done[id] = c
		if state == editor.StateParked {
			w.parked[id] = c
		}
		return state
	}
	return ""
}

// requireTree holds every file to what it may be after a step that would change
// c, whose transaction is in the state, and during which users wrote foreign
// files: met is what was there when they had.
func (w *world) requireTree(c effect, state string, foreign map[string]bool, met files) {
	now := filesOf(w.fs)
	for path := range effectOf(w.tree, now).before {
		if _, ok := c.before[path]; !ok {
			require.Equal(w.t, w.tree[path], now[path], "%s: %s was none of its business (seed %d)", w.what, path, w.s.seed)
		}
	}
	for path, before := range c.before {
		after, may := c.after[path], []string{before}
		switch {
		case foreign[path] && met[path] != "":
			may = []string{met[path]}
		case foreign[path] && (before == "" || after == ""):
			may = []string{"", before, after} // what is gone looks like one of the two
		case foreign[path]:
			may = []string{""}
		case state == editor.StateCommitted:
			may = []string{after}
		case state == editor.StateParked:
			may = []string{before, after}
		}
		got := now[path]
		if foreign[path] { // its mode is nobody's work, and may be the plan's business
			got = textOf(got)
			for i := range may {
				may[i] = textOf(may[i])
			}
		}
		require.Contains(w.t, may, got, "%s: %s, %s (seed %d)", w.what, path, state, w.s.seed)
	}
}
