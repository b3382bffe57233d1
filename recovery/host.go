package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// hostIntent is a host program's intent as an engine's: the before of a path is
// its original, its after that with the edits.
type hostIntent struct {
	wal.Intent
	steps         []wal.Step
	before, after [][]byte // by step
}

// recoverHosts finishes or undoes what host programs have logged and not
// retired, by the same classes and the same table, and retires it. One that
// cannot be acted on stays, and is an error, after the others had their turn.
func (r *Report) recoverHosts(ctx context.Context, w *apply.Workspace, o Options) error {
	list, err := w.Log.HostIntents()
	if err != nil {
		return err
	}
	if o.Policy == PolicyBack {
		slices.Reverse(list) // an older one's after is a newer one's before
	}
	var errs failures
	for _, in := range list {
		if ctx.Err() != nil {
			return fail.Wrap(context.Cause(ctx), "recover", "")
		}
		ir, err := recoverHost(w, in, o)
		if err != nil {
			errs.add(fmt.Sprintf("host intent %q", in.ID), err)
			continue
		}
		r.Intents = append(r.Intents, ir)
	}
	return errs.join()
}

func recoverHost(w *apply.Workspace, in wal.Intent, o Options) (IntentReport, error) {
	h, err := newHostIntent(w, in)
	if err != nil {
		return IntentReport{}, err
	}
	ir, acts, err := h.look(w, o.Policy)
	if err != nil || o.looking {
		return ir, err
	}
	if acts {
		if ir, err = h.act(w, o.Policy); err != nil {
			return ir, err
		}
	}
	return ir, w.Log.RetireHost(in.ID)
}

// newHostIntent makes steps of the intent's edits.
func newHostIntent(w *apply.Workspace, in wal.Intent) (*hostIntent, error) {
	h := &hostIntent{Intent: in}
	spans := make(map[string][]locator.Span)
	for _, e := range in.Edits {
		spans[e.Path] = append(spans[e.Path], e.Span())
	}
	homes, err := w.Tree.Homes(func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	for i, p := range slices.Sorted(maps.Keys(spans)) {
		if err := apply.CheckPath(p); err != nil {
			return nil, err
		}
		meta, info, err := hostMeta(w, p)
		if err != nil {
			return nil, fail.Wrap(err, "", p)
		}
		st := wal.Step{N: i, Order: i, Path: p, Op: wal.StepEdit, LinkOf: -1, HasAfter: true, NumEdits: len(spans[p])}
		original, known := in.Originals[p]
		want, hashed := in.ExpectedRawHash[p]
		switch {
		case !known:
			return nil, fail.New(fail.Unsupported, "", p, "the intent has no original of the file")
		case original == nil && !hashed:
			st.Op = wal.StepCreate
		case hashed && want != hashing.Raw(original).String():
			return nil, fail.New(fail.LogCorrupt, "", p, "the original is not the file that the intent expects")
		default:
			st.Before, st.HasBefore = fileState(original, meta), true
		}
		locator.Sort(spans[p])
		after, err := locator.Splice(original, spans[p])
		if err != nil {
			return nil, fail.Wrap(err, "", p)
		}
		st.After = fileState(after, meta)
		if st.InPlace = st.HasBefore && info.Nlink > 1; !st.InPlace {
			home, err := homes.Of(p)
			if err != nil {
				return nil, fail.Wrap(err, "", p)
			}
			st.Sibling = home.Sibling
		}
		if st.HasBefore && st.Before.Hash == st.After.Hash {
			continue
		}
		st.N = len(h.steps)
		h.steps, h.before, h.after = append(h.steps, st), append(h.before, original), append(h.after, after)
	}
	return h, nil
}

// hostMeta is what the file at p has besides its bytes; of one that is missing,
// what a new file would have.
func hostMeta(w *apply.Workspace, p string) (wal.Meta, vfs.Info, error) {
	c := w.Creator()
	fresh := wal.Meta{Mode: 0o666 &^ c.Umask, UID: c.UID, GID: c.GID}
	d, name, err := w.Tree.Parent(p)
	if vfs.NotExist(err) && fail.KindOf(err) != fail.SymlinkRefused {
		return fresh, vfs.Info{}, nil
	}
	if err != nil {
		return wal.Meta{}, vfs.Info{}, err
	}
	defer d.Close()
	meta, info, err := apply.ReadMeta(d, name)
	if vfs.NotExist(err) {
		return fresh, vfs.Info{}, nil
	}
	return meta, info, err
}

func fileState(content []byte, m wal.Meta) wal.State {
	h := hashing.NewHasher()
	_, _ = h.Write(content) // a hash takes everything
	return wal.State{Kind: vfs.Regular, Hash: h.Raw(), Norm: h.Norm(), Size: h.Size(), Meta: m}
}

// look classifies the paths and decides; acts says that a path has to move, or
// a person to decide.
func (h *hostIntent) look(w *apply.Workspace, policy Policy) (ir IntentReport, acts bool, err error) {
	steps := slices.Clone(h.steps)
	for i := range steps {
		steps[i].InPlace = false // the host's way of writing is its own
	}
	job, err := w.NewJob(wal.ID{}, steps)
	if err != nil {
		return ir, false, err
	}
	defer job.Close()
	v, err := inspect(job, &wal.Transaction{Begin: wal.Begin{Label: h.label()}})
	if err != nil {
		return ir, false, err
	}
	course := Decide(v.verdicts, wal.Undecided, policy)
	ir = v.report(course)
	ir.ID = h.ID
	acts = course == Park
	for n := range steps {
		acts = acts || v.moves(n, course)
	}
	return ir, acts, nil
}

func (h *hostIntent) label() string { return "host intent " + h.ID }

// act logs the intent as one of the engine's, images and all, and recovers that:
// from its durable seal on it is finished or undone whatever happens.
func (h *hostIntent) act(w *apply.Workspace, policy Policy) (IntentReport, error) {
	id, err := wal.NewID()
	if err != nil {
		return IntentReport{}, err
	}
	g, err := w.Log.Begin(wal.Begin{ID: id, Time: time.Now(), Label: h.label()})
	if err != nil {
		return IntentReport{}, err
	}
	defer g.Done()
	for n := range h.steps {
		err := g.Step(&h.steps[n])
		if err == nil && h.steps[n].HasBefore {
			err = g.Data(n, wal.Before, 0, h.before[n])
		}
		if err == nil {
			err = g.Data(n, wal.After, 0, h.after[n])
		}
		if err != nil {
			return IntentReport{}, err
		}
	}
	if err := g.Seal(); err != nil { // durable with the decision, before anything moves
		return IntentReport{}, needsRecovery(err)
	}
	tx, err := w.Log.Find(id)
	if err != nil || tx == nil {
		return IntentReport{}, needsRecovery(errors.Join(err, fail.New(fail.LogCorrupt, "", "", "intent %s is not in the log", id)))
	}
	ir, err := Resolve(w, tx, policy)
	if ir.Action != ActionParked { // of a parked one the engine's ID is the one to decide
		ir.ID = h.ID
	}
	return ir, err
}
