package editor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// Resolution says what becomes of the files of a parked intent.
type Resolution uint8

// The resolutions.
const (
	KeepCurrent Resolution = iota // they stay as they are
	UseBefore                     // they become what they were before the intent
	UseAfter                      // they become what the intent wanted
)

// ResolveOptions say how a parked intent is decided.
type ResolveOptions struct {
	Use Resolution
	// Files are the paths that are decided, as the intent names them; none: all
	// that are not decided yet. The two names of a renamed file go together.
	Files []string
}

// Decided is what Resolve did.
type Decided struct {
	*Result                  // the transaction that changed the files; unchanged where none had to
	Undecided recovery.Paths // the intent's paths that still wait
}

// Resolve decides what becomes of the files of the parked intent id. What has
// to change does so in a transaction of its own; what stood there before is in
// that transaction, which can be undone, and on the intent's shelf
// .emend/parked/ID, as N.replaced. Once all its files are decided the intent is
// retired and blocks nothing any more: as committed if every path is as it
// wanted, else as rolled back. The shelf stays until the next GC.
func (ed *Editor) Resolve(ctx context.Context, id string, o ResolveOptions) (*Decided, error) {
	if ed.log() == nil {
		return nil, notParked(id)
	}
	var found reports
	// One decision about an intent at a time: the next one goes by its record.
	release, _, err := ed.hold(ctx, []string{"/resolve/" + strings.ToUpper(id)}, &found)
	if err != nil {
		return nil, fail.Wrap(err, "resolve", "")
	}
	defer release()
	p, err := ed.openParked(id)
	if err != nil {
		return nil, err
	}
	chosen, err := p.choose(o.Files)
	if err != nil {
		return nil, err
	}
	d := &Decided{Result: &Result{State: StateUnchanged, Durability: ed.durability(), Files: []FileReport{}}}
	if o.Use != KeepCurrent {
		if d.Result, err = p.settle(ctx, o.Use, chosen); err != nil {
			return nil, err
		}
	}
	d.Recovered = found
	for _, n := range chosen {
		p.decided[n] = o.Use
	}
	if err := p.record(); err != nil {
		return nil, err
	}
	d.Undecided = p.undecided()
	if len(d.Undecided) > 0 {
		return d, nil
	}
	outcome, err := p.outcome()
	if err == nil {
		err = ed.log().Retire(p.tx.ID, outcome)
	}
	return d, fail.Wrap(err, "resolve", "")
}

// parkedIntent is a parked intent and what has been decided about it.
type parkedIntent struct {
	ed      *Editor
	tx      *wal.Transaction
	steps   []wal.Step
	decided map[int]Resolution // by step
}

func (ed *Editor) openParked(id string) (*parkedIntent, error) {
	for _, tx := range ed.log().Parked() {
		if want, err := wal.ParseID(id); err != nil || tx.ID != want {
			continue
		}
		steps, err := tx.LoadSteps()
		if err != nil {
			return nil, err
		}
		p := &parkedIntent{ed: ed, tx: tx, steps: steps}
		p.decided, err = p.readDecided()
		return p, err
	}
	return nil, notParked(id)
}

func notParked(id string) error {
	return fail.New(fail.NotFound, "resolve", "", "there is no parked transaction %.40q", id).
		WithHint("emend status lists those that there are")
}

// choose returns the steps that files name, or all that are not decided.
func (p *parkedIntent) choose(files []string) ([]int, error) {
	var chosen []int
	named := make(map[string]bool)
	for _, f := range files {
		named[f] = false
	}
	// The old name of a renamed file has no operation of its own.
	partner := make(map[string]bool)
	for i := range p.steps {
		st := &p.steps[i]
		for _, path := range []string{st.Path, st.From} {
			if _, ok := named[path]; ok && path != "" {
				named[path] = true
				partner[st.Path] = true
				partner[st.From] = true
			}
		}
	}
	for path, known := range named {
		if !known {
			return nil, fail.New(fail.NotFound, "resolve", path, "the transaction %s does not touch it", p.tx.ID)
		}
	}
	dirs := dirMovesOf(p.steps)
	for i := range p.steps {
		path := dirs.before(p.steps[i].Path)
		if len(files) == 0 && !p.isDecided(i) || partner[p.steps[i].Path] || partner[path] {
			chosen = append(chosen, i)
		}
	}
	return chosen, nil
}

func (p *parkedIntent) isDecided(i int) bool {
	_, ok := p.decided[i]
	return ok
}

// undecided are the paths that still wait. Directories that the plan did not
// name go with the files.
func (p *parkedIntent) undecided() recovery.Paths {
	var paths recovery.Paths
	for i := range p.steps {
		if p.steps[i].Op != wal.StepNone && !p.isDecided(i) {
			paths = append(paths, p.steps[i].Path)
		}
	}
	return paths
}

// settle brings the chosen steps to one of their states, as a transaction.
func (p *parkedIntent) settle(ctx context.Context, use Resolution, chosen []int) (*Result, error) {
	image, label := wal.Before, "resolve "+p.tx.ID.String()+": before"
	if use == UseAfter {
		image, label = wal.After, "resolve "+p.tx.ID.String()+": after"
	}
	op := decision{tx: p.tx, steps: p.steps, image: image, chosen: chosen, bytes: p.bytes}
	return persist(ctx, func() (*Tx, error) {
		tx := &Tx{ed: p.ed, locked: true, decides: true, plan: Plan{Label: label, Ops: []Op{op}},
			done: func() (*Result, error) { return nil, nil }}
		tx, err := tx.begin(ctx)
		if err == nil {
			err = p.keepReplaced(tx)
		}
		return tx, err
	})
}

// bytes returns an image of step n: from the log or, where that has hashes only,
// from the shelf.
func (p *parkedIntent) bytes(n int, img wal.Image) ([]byte, error) {
	st := &p.steps[n]
	want, name := &st.Before, recovery.ShelfName(n, "before")
	if img == wal.After {
		want, name = &st.After, recovery.ShelfName(n, "after")
	}
	content, err := (&logImages{tree: p.ed.ws.Tree, tx: p.tx, steps: p.steps}).image(n, img)
	if err == nil && hashing.Raw(content) == want.Hash {
		return content, nil
	}
	content, err = p.ed.ws.ReadShelf(p.tx.ID, name)
	if err == nil && hashing.Raw(content) == want.Hash {
		return content, nil
	}
	return nil, fail.New(fail.NotFound, "", "", "neither the log nor .emend/parked/%s has its bytes any more", p.tx.ID)
}

// keepReplaced puts a copy of every file that tx is about to replace or remove
// onto the shelf.
func (p *parkedIntent) keepReplaced(tx *Tx) (err error) {
	shelf, err := p.ed.ws.Shelf(p.tx.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shelf.Close()) }()
	dirs := dirMovesOf(p.steps)
	for i := range tx.p.changes {
		c := &tx.p.changes[i]
		n := slices.IndexFunc(p.steps, func(st wal.Step) bool { return st.Path == c.Path || dirs.before(st.Path) == c.disk })
		if n < 0 || c.Before.Kind != vfs.Regular || sameContent(&c.Before, &c.After) {
			continue
		}
		content, err := readFile(p.ed.ws.Tree, c.disk)
		if err != nil {
			return err
		}
		if err := shelf.PutNew(recovery.ShelfName(n, "replaced"), content); err != nil {
			return err
		}
	}
	return nil
}

// outcome is how a decided intent ended: committed only if every path is as it
// wanted.
func (p *parkedIntent) outcome() (wal.Outcome, error) {
	for i := range p.steps {
		st := &p.steps[i]
		if use, ok := p.decided[i]; ok && use == UseAfter {
			continue
		}
		d, name, err := p.ed.ws.Tree.Parent(st.Path)
		if vfs.NotExist(err) {
			d, err = nil, nil
		}
		if err != nil {
			return wal.RolledBack, err
		}
		look, err := apply.LookAt(d, name, st)
		if d != nil {
			_ = d.Close()
		}
		if err != nil || !look.After {
			return wal.RolledBack, err
		}
	}
	return wal.Committed, nil
}
