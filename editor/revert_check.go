package editor

import (
	"fmt"
	"strings"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// check holds what stands at step i's path to what the transaction left there,
// before anything has moved.
func (r *reversal) check(i int) error {
	st := &r.steps[i]
	n, err := r.standing(st.Path)
	if err != nil {
		return err
	}
	if st.DirFrom != "" {
		return r.checkDirRename(st, n)
	}
	switch st.After.Kind {
	case vfs.Regular:
		return r.checkFile(i, n)
	case vfs.Symlink:
		if !n.isLink() || n.is.Target != st.After.Target {
			return r.drifted(st, n)
		}
	case vfs.Directory:
		return r.checkDir(st, n)
	default:
		if n != nil && !(n.isDir() && st.Before.Kind == vfs.Directory) {
			return r.drifted(st, n)
		}
	}
	return nil
}

// standing returns what stands at a logged path, nil for nothing.
func (p *preparer) standing(path string) (*node, error) {
	s, err := p.resolve(path, walk{})
	if fail.KindOf(err) == fail.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !s.isAt(path):
		return nil, linked()
	case !strings.HasSuffix("/"+path, "/"+s.name):
		return nil, nil // it stands there under another name
	}
	return s.now, nil
}

func (r *reversal) checkDirRename(st *wal.Step, n *node) error {
	if !n.isDir() {
		return r.drifted(st, n)
	}
	old, err := r.standing(st.DirFrom)
	if err == nil && old != nil {
		err = r.inTheWay(st, fmt.Sprintf("%s stands at its old name %s", old.what(), fail.QuotePath(st.DirFrom)))
	}
	return err
}

// checkDir: a directory that was made may have gone since.
func (r *reversal) checkDir(st *wal.Step, n *node) error {
	switch {
	case n == nil && st.Before.Kind == vfs.Absent:
		return nil
	case !n.isDir():
		return r.drifted(st, n)
	}
	if err := r.enter(n); err != nil {
		return err
	}
	if err := r.load(n); err != nil {
		return err
	}
	if st.Before.Kind == vfs.Directory && n.is.Meta.Mode != st.After.Meta.Mode {
		return r.drifted(st, n)
	}
	return nil
}

func (r *reversal) checkFile(i int, n *node) error {
	st := &r.steps[i]
	if !n.isFile() {
		return r.drifted(st, n)
	}
	if err := r.load(n); err != nil {
		return err
	}
	modes := st.Before.Kind == vfs.Regular && st.Before.Meta.Mode != st.After.Meta.Mode
	if modes && n.is.Meta.Mode != st.After.Meta.Mode {
		return r.drifted(st, n)
	}
	if apply.IsChmod(st) || n.is.Hash == st.After.Hash {
		return nil
	}
	goal, with, ok := r.goal(i)
	if !ok {
		return r.drifted(st, n)
	}
	edits, err := r.inverse(i, with, goal)
	if err != nil {
		return err
	}
	r.found[i], err = r.carry(st, n, edits)
	return err
}

// inverse returns the edits that take the file as step i left it back to goal,
// whose bytes step with knows.
func (r *reversal) inverse(i, with int, goal *wal.State) ([]locator.Edit, error) {
	st := &r.steps[i]
	switch {
	case goal.Hash == st.After.Hash:
		return nil, nil
	case len(st.Edits) > 0:
		return asEdits(invert(st.Edits)), nil
	}
	after, err := r.images.after(i)
	if err != nil {
		return nil, err
	}
	before, err := r.images.before(with)
	if err != nil {
		return nil, err
	}
	list, err := locator.Replacements(after, locator.Diff(after, before))
	return asEdits(list), err
}

// carry finds the places of edits, which were made for the file as the
// transaction left it, in n as it is now: through what later transactions did
// to it, or else by the drift ladder.
func (r *reversal) carry(st *wal.Step, n *node, edits []locator.Edit) (*placed, error) {
	h, err := r.past()
	if err != nil {
		return nil, err
	}
	found, by, err := h.carry(r.tx, r.images, st, n.is.Hash, spansOf(edits))
	switch {
	case err != nil:
		return nil, err
	case by != nil:
		return nil, overlaps(r.tx, by)
	case found != nil:
		return found, nil
	}
	onLadder, err := r.locate(n, Edit{Expect: Expect{Raw: &st.After.Hash, Norm: &st.After.Norm}, Edits: edits})
	if err != nil {
		return nil, r.explain(err, st)
	}
	return &onLadder, nil
}

// overlaps says that by, which came later, changed what tx did.
func overlaps(tx, by *wal.Transaction) error {
	return fail.New(fail.Conflict, "", "", "the later transaction %s changed what %s did", by.ID, tx.ID).
		WithHint("undo it first: emend undo %s", by.ID)
}

// drifted is an error that says what the transaction left and what stands there
// now.
func (r *reversal) drifted(st *wal.Step, n *node) error {
	if n.isFile() {
		if err := r.load(n); err != nil {
			return err
		}
	}
	err := fail.New(fail.Drift, "", "", "it is not as transaction %s left it", r.tx.ID).
		WithHint("look at what stands there now; emend show --diff %s tells what the transaction did", r.tx.ID)
	err.Expected, err.Actual = orAbsent(&st.After), "absent"
	if n != nil {
		err.Actual = orAbsent(&n.is)
	}
	if n.isFile() && st.After.Kind == vfs.Regular && st.After.Hash == n.is.Hash {
		err.Expected, err.Actual = fmt.Sprintf("mode %04o", st.After.Meta.Mode), fmt.Sprintf("mode %04o", n.is.Meta.Mode)
	}
	return r.explain(err, st)
}

func orAbsent(s *wal.State) string {
	if text := stateText(s); text != "" {
		return text
	}
	return "absent"
}

func (r *reversal) inTheWay(st *wal.Step, what string) error {
	return r.explain(fail.New(fail.Conflict, "", "", "%s", what), st)
}

// explain names the later transaction that touched the path of st, if one did.
func (r *reversal) explain(err error, st *wal.Step) error {
	h, perr := r.past()
	if perr != nil {
		return perr
	}
	by, perr := h.lastToTouch(r.tx, st.Path)
	if perr != nil || by == nil {
		if perr != nil {
			return perr
		}
		return err
	}
	e := fail.From(err, "", "")
	e.Kind = fail.Conflict
	e.Message += fmt.Sprintf("; the later transaction %s changed it", by.ID)
	return e.WithHint("undo that first: emend undo %s", by.ID)
}
