package editor

import (
	"slices"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/wal"
)

// removeTree removes the directory at s with all that is in it.
func (p *preparer) removeTree(s *slot) error {
	dir := s.now
	names, err := p.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		inside, err := p.lookup(dir, name)
		if err == nil {
			err = p.removeInside(inside)
		}
		if err != nil {
			return err
		}
	}
	dir.op = wal.StepNone
	p.take(s)
	return nil
}

// removeInside removes what stands at s, if anything does.
func (p *preparer) removeInside(s *slot) error {
	switch n := s.now; {
	case n == nil:
		return nil
	case n.isDir():
		return p.removeTree(s)
	case !n.isFile() && !n.isLink():
		return fail.Wrap(irregular(n), "", s.path())
	default:
		p.take(s)
		n.op, n.anchor = wal.StepDelete, ""
		return nil
	}
}

// names returns the names of what stands in dir, in order.
func (p *preparer) names(dir *node) ([]string, error) {
	if err := p.enter(dir); err != nil {
		return nil, err
	}
	var names []string
	for name, s := range dir.slots {
		if s.now != nil {
			names = append(names, name)
		}
	}
	if dir.disk != nil {
		d, err := p.tree.Dir(dir.diskPath())
		if err != nil {
			return nil, err
		}
		defer d.Close()
		entries, err := d.ReadDir()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if dir.slots[e.Name] == nil {
				names = append(names, e.Name)
			}
		}
	}
	slices.Sort(names)
	return names, checkNames(names)
}
