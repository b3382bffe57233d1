package editor

import (
	"context"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/wal"
)

// maxKey is the longest Plan.Key, in bytes.
const maxKey = 256

// prepareOptions say how a plan is resolved.
type prepareOptions struct {
	OnDrift       DriftPolicy
	ForceReadOnly bool
	Write         WriteMode
	Creator       apply.Creator
	// BaseFor returns content that once had this raw hash, nil if nobody knows.
	// May be nil.
	BaseFor func(raw hashing.Digest) []byte
	// PathBlocked is an error for a path that must not be changed now. May be
	// nil.
	PathBlocked func(path string) error
	// Progress may be nil.
	Progress *Progress
	// Hold is how many bytes of small files are held for the commit.
	Hold int64
}

// prepared is a plan resolved against the workspace of one moment.
type prepared struct {
	changes []change       // in publish order, numbered
	files   []FileReport   // one a changed path that the plan names, in plan order
	hash    hashing.Digest // of the plan's operations
	// degraded: some of it is on a file system, other than the root's, on which a
	// power cut is not survived.
	degraded bool
}

// steps returns the steps of the changes.
func (p *prepared) steps() []wal.Step {
	steps := make([]wal.Step, len(p.changes))
	for i := range p.changes {
		steps[i] = p.changes[i].Step
	}
	return steps
}

// preparer applies the operations of a plan to a virtual workspace.
type preparer struct {
	*virtual
	opts     prepareOptions
	degraded bool // see prepared
}

// prepare resolves plan against the tree. It only reads: the disk is as it was,
// whatever it returns.
func prepare(ctx context.Context, tree *apply.Tree, plan Plan, o prepareOptions) (*prepared, error) {
	if len(plan.Key) > maxKey {
		return nil, fail.New(fail.Usage, "prepare", "", "the key is longer than %d bytes", maxKey)
	}
	p := &preparer{virtual: newVirtual(tree, plan.PruneDirs, o.Creator), opts: o}
	p.mayHold = o.Hold
	hash, err := p.operations(ctx, plan)
	if err != nil {
		return nil, err
	}
	if err := p.sweep(nil); err != nil {
		return nil, fail.Wrap(err, "prepare", "")
	}
	changes, err := p.changes(ctx)
	if err != nil {
		return nil, err
	}
	done := &prepared{changes: changes, hash: hash, degraded: p.degraded}
	done.files = reportOf(done.steps())
	return done, nil
}

// operations applies those of plan and returns their digest.
func (p *preparer) operations(ctx context.Context, plan Plan) (hashing.Digest, error) {
	d := newPlanDigest(plan)
	total := len(plan.Ops)
	if plan.More != nil {
		total = 0
	}
	p.opts.Progress.begin(PhasePrepare, total)
	for op, err := range p.readAhead(plan.all()) {
		if err == nil {
			err = fail.Wrap(ctx.Err(), "prepare", "")
		}
		if err != nil {
			return hashing.Digest{}, err
		}
		d.operation(op)
		p.cause, p.size = cause{op.op(), op.origin()}, 0
		if err := p.apply(op); err != nil {
			return hashing.Digest{}, err
		}
		p.order++
		p.opts.Progress.done(p.size)
	}
	return d.h.Raw(), p.settleAll()
}

// apply applies one operation to the virtual workspace. Edits follow each other;
// any other operation finds all settled.
func (p *preparer) apply(op Op) error {
	if o, ok := op.(Edit); ok {
		return p.failed(p.edit(o), o.Path)
	}
	if err := p.settleAll(); err != nil {
		return err
	}
	switch o := op.(type) {
	case Write:
		return p.failed(p.write(o), o.Path)
	case Rewrite:
		return p.failed(p.rewrite(o), o.Path)
	case Create:
		return p.failed(p.create(o), o.Path)
	case Delete:
		return p.failed(p.remove(o), o.Path)
	case Rename:
		return p.rename(o)
	case Copy:
		return p.copy(o)
	case Chmod:
		return p.failed(p.chmod(o), o.Path)
	case Symlink:
		return p.failed(p.symlink(o), o.Path)
	case Mkdir:
		return p.failed(p.mkdir(o), o.Path)
	case revert:
		return p.revert(o)
	case decision:
		return p.decide(o)
	}
	return fail.New(fail.Usage, "prepare", "", "operation %d is none that emend knows: %T", p.order+1, op)
}

// cause is an operation as errors name it.
type cause struct{ verb, origin string }

// failed is err as an error of the operation about path, spelled as in the
// plan.
func (c cause) failed(err error, path string) error {
	if err == nil {
		return nil
	}
	e := fail.From(err, c.verb, path)
	if e.Origin == "" {
		e.Origin = c.origin
	}
	return e
}
