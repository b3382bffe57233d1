package editor

import (
	"slices"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// revert takes back what a transaction did. It is an operation like those of a
// plan, resolved over the same virtual workspace.
type revert struct {
	Origin
	tx   *wal.Transaction
	past func() (*past, error)
}

func (revert) op() string { return "undo" }

// reversal is a revert at work. Steps are taken back under the names that they
// are logged with: directories that were renamed go back last.
type reversal struct {
	*preparer
	revert
	steps  []wal.Step
	images *logImages
	source []int     // by step: the step of the path that its file had before, -1: none
	target []int     // by step: the step of the path that its file has now, -1: none
	found  []*placed // by step: where the edits go that take back its content, nil: where they were
	taken  []*node   // by step: what stood at its path
}

func (p *preparer) revert(o revert) error {
	steps, err := o.tx.LoadSteps()
	if err != nil {
		return err
	}
	r := &reversal{preparer: p, revert: o, steps: steps, images: &logImages{tree: p.tree, tx: o.tx, steps: steps},
		found: make([]*placed, len(steps)), taken: make([]*node, len(steps))}
	r.source, r.target = renames(steps)
	for _, do := range []func(int) error{r.check, r.lift} {
		for i := range steps {
			if err := do(i); err != nil {
				return p.failed(err, steps[i].Path)
			}
		}
	}
	for i := range slices.Backward(steps) {
		if err := r.put(i); err != nil {
			return p.failed(err, steps[i].Path)
		}
	}
	return nil
}

// renames pairs the steps of files and links that were moved: by the step of
// the new name that of the old one, and the other way round.
func renames(steps []wal.Step) (source, target []int) {
	gone, dirs := make(map[string]int), dirMovesOf(steps)
	for i := range steps {
		source, target = append(source, -1), append(target, -1)
		if steps[i].Before.Kind != vfs.Absent && steps[i].After.Kind == vfs.Absent {
			gone[dirs.before(steps[i].Path)] = i
		}
	}
	for i := range steps {
		old, ok := steps[i].LinkOf, steps[i].LinkOf >= 0
		if !ok && steps[i].From != "" {
			old, ok = gone[steps[i].From]
			ok = ok && steps[old].Before.Kind == steps[i].After.Kind
		}
		if ok && steps[i].DirFrom == "" {
			source[i], target[old] = old, i
		}
	}
	return source, target
}

// inPlace reports whether the file at step i's path is the one that stood there
// before, changed.
func (r *reversal) inPlace(i int) bool {
	st := &r.steps[i]
	return st.Before.Kind == vfs.Regular && st.After.Kind == vfs.Regular && r.source[i] < 0 && r.target[i] < 0
}

// goal is the state that the file at step i's path goes back to, with the step
// that knows it; false where it goes.
func (r *reversal) goal(i int) (*wal.State, int, bool) {
	switch {
	case r.source[i] >= 0:
		return &r.steps[r.source[i]].Before, r.source[i], true
	case r.inPlace(i):
		return &r.steps[i].Before, i, true
	}
	return nil, -1, false
}

// lift takes away what the transaction put at step i's path, unless it only
// changed it.
func (r *reversal) lift(i int) error {
	st := &r.steps[i]
	if st.After.Kind != vfs.Regular && st.After.Kind != vfs.Symlink || r.inPlace(i) {
		return nil
	}
	s, err := r.slotAt(st.Path)
	if err != nil {
		return err
	}
	n := r.take(s)
	if st.Op != wal.StepNone {
		n.op = wal.StepDelete
	}
	r.taken[i] = n
	return nil
}

// put brings back what stood at step i's path before.
func (r *reversal) put(i int) error {
	st := &r.steps[i]
	if st.DirFrom != "" {
		return r.moveDir(st.Path, st.DirFrom)
	}
	if st.After.Kind == vfs.Directory && st.Before.Kind != vfs.Directory {
		if gone, err := r.removeDir(st); err != nil || !gone {
			return err
		}
	}
	switch st.Before.Kind {
	case vfs.Directory:
		return r.putDir(st)
	case vfs.Symlink:
		return r.restore(st.Path, &st.Before, nil)
	case vfs.Regular:
		return r.putFile(i)
	}
	return nil
}

// moveDir moves a directory between two names of the log.
func (p *preparer) moveDir(from, to string) error {
	old, err := p.slotAt(from)
	if err == nil {
		err = p.movable(old)
	}
	if err != nil {
		return err
	}
	s, err := p.slotAt(to)
	if err != nil {
		return err
	}
	if s == old {
		s = p.respelled(old, to)
	}
	return p.move(old, s, false)
}

// removeDir removes a directory that the transaction made. One that is not
// empty by now stays: then gone is false, or, where something else has to come
// back to its place, the error is a conflict.
func (r *reversal) removeDir(st *wal.Step) (gone bool, err error) {
	s, err := r.slotAt(st.Path)
	if err != nil || !s.now.isDir() {
		return true, err
	}
	empty, err := r.isEmpty(s.now)
	switch {
	case err != nil:
		return false, err
	case !empty && st.Before.Kind == vfs.Absent:
		return false, nil
	case !empty:
		return false, r.inTheWay(st, "there is something in the directory")
	}
	n := r.take(s)
	if st.Op != wal.StepNone {
		n.op = wal.StepDelete
	}
	return true, nil
}

func (r *reversal) putDir(st *wal.Step) error {
	s, err := r.slotAt(st.Path)
	if err != nil {
		return err
	}
	if st.After.Kind == vfs.Directory {
		r.touch(s)
		s.now.is.Meta.Mode, s.now.op = st.Before.Meta.Mode, wal.StepChmod
		return nil
	}
	if s.now == nil { // else somebody has made it again
		op := wal.StepNone
		if st.Op != wal.StepNone {
			op = wal.StepMkdir
		}
		r.makeDir(s, st.Before.Meta, op)
	}
	return nil
}

// putFile brings back the file that stood at step i's path: the one that is
// there, the one that was moved away, or a new one.
func (r *reversal) putFile(i int) error {
	st, now := &r.steps[i], i
	if !r.inPlace(i) && r.target[i] < 0 {
		content, err := r.images.before(i)
		if err != nil {
			return err
		}
		return r.restore(st.Path, &st.Before, content)
	}
	s, err := r.slotAt(st.Path)
	if err != nil {
		return err
	}
	if r.inPlace(i) {
		if _, err := r.forAllNames(s.now); err != nil {
			return err
		}
	} else {
		now = r.target[i]
		if s.now != nil {
			return r.inTheWay(st, "something stands there")
		}
		r.place(r.taken[now], s)
	}
	n := s.now
	if r.steps[now].After.Meta.Mode != st.Before.Meta.Mode {
		n.is.Meta.Mode = st.Before.Meta.Mode
		n.note(wal.StepChmod, "")
	}
	if r.steps[now].After.Hash == st.Before.Hash {
		return nil
	}
	return r.putContent(i, now, n)
}

// putContent takes back what step now did to the content of n, whose bytes step
// i knows as they were before.
func (r *reversal) putContent(i, now int, n *node) error {
	if found := r.found[now]; found != nil {
		n.note(wal.StepEdit, found.anchor)
		n.edits += len(found.spans)
		n.shifted += found.shifted
		if err := r.splice(n, found.spans); err != nil {
			return err
		}
		return r.settle(n)
	}
	if len(r.steps[now].Edits) > 0 {
		edits := asEdits(invert(r.steps[now].Edits))
		o := Edit{Expect: RawHash(r.steps[now].After.Hash), Edits: edits}
		if done, err := r.editLarge(n, o); done || err != nil {
			return err
		}
		n.note(wal.StepEdit, anchorHash)
		n.edits += len(edits)
		if err := r.splice(n, spansOf(edits)); err != nil {
			return err
		}
	} else {
		content, err := r.images.before(i)
		if err != nil {
			return err
		}
		n.note(wal.StepWrite, anchorHash)
		if err := r.replace(n, content); err != nil {
			return err
		}
	}
	return r.asLogged(n, &r.steps[i].Before)
}

// asLogged checks that n has come out as the log says.
func (p *preparer) asLogged(n *node, want *wal.State) error {
	if err := p.settle(n); err != nil {
		return err
	}
	if n.is.Hash != want.Hash || n.is.Size != want.Size {
		return fail.New(fail.LogCorrupt, "", "", "the log's bytes of the file are not those that its hash is of").
			WithHint("look at the log with emend fsck")
	}
	return nil
}

// slotAt returns the slot at a logged path, making what is missing above it. A
// link on the way was not there when the path was logged.
func (p *preparer) slotAt(path string) (*slot, error) {
	s, err := p.resolve(path, walk{make: true})
	if err == nil && !s.isAt(path) {
		err = linked()
	}
	return s, err
}

func linked() error {
	return fail.New(fail.TypeChanged, "", "", "a link stands where a directory was")
}

// restore puts a file or link in the state was, with all its metadata, at the
// free path.
func (p *preparer) restore(path string, was *wal.State, content []byte) error {
	s, err := p.slotAt(path)
	if err != nil {
		return err
	}
	if s.now != nil {
		return fail.New(fail.Exists, "", "", "%s stands there", s.now.what())
	}
	n := &node{is: *was, loaded: true, op: wal.StepSymlink}
	if was.Kind == vfs.Regular {
		n.op, n.body = wal.StepCreate, body{literal: content}
		n.setSums(content)
		if err := p.asLogged(n, was); err != nil {
			return err
		}
	}
	p.place(n, s)
	return nil
}

// invert returns what undoes edits.
func invert(edits []wal.Replacement) []locator.Replacement {
	list := make([]locator.Replacement, len(edits))
	for i, e := range edits {
		list[i] = locator.Replacement(e)
	}
	return locator.InvertReplacements(list)
}

func asEdits(list []locator.Replacement) []locator.Edit {
	edits := make([]locator.Edit, len(list))
	for i, r := range list {
		s := r.Span()
		edits[i] = locator.Edit{Start: s.Start, End: s.End, Text: s.Text, Old: append([]byte{}, r.Old...)}
	}
	return edits
}

func spansOf(edits []locator.Edit) []locator.Span {
	spans := make([]locator.Span, len(edits))
	for i, e := range edits {
		spans[i] = locator.Span{Start: e.Start, End: e.End, Text: e.Text}
	}
	return spans
}
