package editor

import (
	"slices"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// decision brings paths of a parked intent to one of their two states, whatever
// stands there now. It is an operation like those of a plan.
type decision struct {
	Origin
	tx     *wal.Transaction
	steps  []wal.Step
	image  wal.Image
	chosen []int // numbers of steps, ascending
	bytes  func(n int, img wal.Image) ([]byte, error)
}

func (decision) op() string { return "resolve" }

func (p *preparer) decide(o decision) error {
	order := slices.Clone(o.chosen)
	if o.image == wal.Before {
		slices.Reverse(order)
	}
	for _, n := range order {
		if err := p.settleStep(o, n); err != nil {
			return p.failed(err, o.steps[n].Path)
		}
	}
	return nil
}

func (p *preparer) settleStep(o decision, n int) error {
	st := &o.steps[n]
	goal := &st.Before
	if o.image == wal.After {
		goal = &st.After
	}
	if st.DirFrom != "" {
		return p.settleDirRename(st, o.image)
	}
	path, err := p.whereNow(o.steps, n)
	if err != nil {
		return err
	}
	now, err := p.standing(path)
	if err != nil || now == nil && goal.Kind == vfs.Absent {
		return err
	}
	shared, err := p.halfRenamed(o.steps, n, now)
	if err != nil {
		return err
	}
	switch {
	case shared && now.is.Kind == goal.Kind && now.is.Hash == goal.Hash && now.is.Meta.Mode == goal.Meta.Mode:
		return nil // the other name gets a file of its own, or goes
	case apply.IsChmod(st) && (now == nil || now.is.Kind != goal.Kind):
		return nil // there is nothing that could have the mode
	case goal.Kind == vfs.Directory:
		return p.settleDir(path, now, st, goal)
	case goal.Kind == vfs.Regular && now.isFile() && !shared:
		return p.settleFile(o, path, n, goal)
	case goal.Kind == vfs.Symlink && now.isLink() && now.is.Target == goal.Target:
		return nil
	}
	if gone, err := p.clear(now, path, st, goal); err != nil || !gone || goal.Kind == vfs.Absent {
		return err
	}
	var content []byte
	if goal.Kind == vfs.Regular {
		if content, err = o.bytes(n, o.image); err != nil {
			return err
		}
	}
	return p.restore(path, goal, content)
}

// whereNow is the path at which step n's file stands: beneath a directory whose
// rename has not happened that is the old name.
func (p *preparer) whereNow(steps []wal.Step, n int) (string, error) {
	var waiting dirMoves
	for i := range steps[:n] {
		if steps[i].DirFrom == "" {
			continue
		}
		there, err := p.standing(steps[i].DirFrom)
		if err != nil {
			return "", err
		}
		if there.isDir() {
			waiting = append(waiting, &steps[i])
		}
	}
	return waiting.before(steps[n].Path), nil
}

func (p *preparer) settleDirRename(st *wal.Step, image wal.Image) error {
	from, to := st.Path, st.DirFrom
	if image == wal.After {
		from, to = to, from
	}
	there, err := p.standing(from)
	if err != nil {
		return err
	}
	here, err := p.standing(to)
	switch {
	case err != nil:
		return err
	case here != nil && there != nil:
		return fail.New(fail.Conflict, "", "", "both names of the renamed directory stand for something").
			WithHint("move one of them away, or keep what is there")
	case there == nil && here.isDir():
		return nil
	}
	return p.moveDir(from, to)
}

func (p *preparer) settleDir(path string, now *node, st *wal.Step, goal *wal.State) error {
	if now != nil && !now.isDir() {
		if _, err := p.clear(now, path, st, goal); err != nil {
			return err
		}
		now = nil
	}
	s, err := p.slotAt(path)
	if err != nil {
		return err
	}
	if now == nil {
		p.makeDir(s, goal.Meta, st.Op)
		return nil
	}
	if err := p.load(now); err != nil || st.Before.Kind != st.After.Kind {
		return err
	}
	p.touch(s)
	now.is.Meta.Mode, now.op = goal.Meta.Mode, wal.StepChmod
	return nil
}

// settleFile gives the file at path the bytes and the mode of goal, where the
// intent changes them.
func (p *preparer) settleFile(o decision, path string, n int, goal *wal.State) error {
	s, err := p.slotAt(path)
	if err != nil {
		return err
	}
	st := &o.steps[n]
	now, err := p.forAllNames(s.now)
	if err == nil {
		err = p.load(now)
	}
	if err != nil {
		return err
	}
	if st.Before.Kind != st.After.Kind || st.Before.Meta.Mode != st.After.Meta.Mode {
		if now.is.Meta.Mode != goal.Meta.Mode {
			now.note(wal.StepChmod, "")
		}
		now.is.Meta.Mode = goal.Meta.Mode
	}
	if sameContent(&st.Before, &st.After) || now.is.Hash == goal.Hash {
		return nil
	}
	content, err := o.bytes(n, o.image)
	if err != nil {
		return err
	}
	now.note(wal.StepWrite, anchorHash)
	if err := p.replace(now, content); err != nil {
		return err
	}
	return p.asLogged(now, goal)
}

// halfRenamed reports whether now, which stands at step n's path, stands at the
// other path of a rename of the intent as well: it was parked half way, and
// these two names were never meant for one file.
func (p *preparer) halfRenamed(steps []wal.Step, n int, now *node) (bool, error) {
	if !now.isFile() || now.disk == nil || now.info.Nlink < 2 {
		return false, nil
	}
	for m := range steps {
		if steps[m].LinkOf != n && steps[n].LinkOf != m {
			continue
		}
		path, err := p.whereNow(steps, m)
		if err != nil {
			return false, err
		}
		other, err := p.standing(path)
		if err != nil {
			return false, err
		}
		if other != now && other.isFile() && other.disk != nil && other.inode() == now.inode() {
			return true, p.load(now)
		}
	}
	return false, nil
}

// clear takes away what stands at path. A directory in which there is something
// stays: a conflict, unless the directory itself is all that the step is about.
func (p *preparer) clear(now *node, path string, st *wal.Step, goal *wal.State) (gone bool, err error) {
	if now == nil {
		return true, nil
	}
	s, err := p.slotAt(path)
	if err != nil {
		return false, err
	}
	if now.isDir() {
		empty, err := p.isEmpty(now)
		if err != nil {
			return false, err
		}
		if !empty && goal.Kind == vfs.Absent {
			return false, nil
		}
		if !empty {
			return false, fail.New(fail.Conflict, "", "", "there is something in the directory that stands there")
		}
	} else if !now.isFile() && !now.isLink() {
		return false, irregular(now)
	}
	n := p.take(s)
	if st.Op != wal.StepNone {
		n.op = wal.StepDelete
	}
	return true, nil
}
