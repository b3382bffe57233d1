package editor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// touch notes that the operation of this moment acts on s.
func (v *virtual) touch(s *slot) {
	if s.order < 0 {
		s.order, s.cause = v.order, v.cause
	}
}

// place puts n at the free slot s.
func (v *virtual) place(n *node, s *slot) {
	v.touch(s)
	s.now, n.at = n, s
}

// take removes what stands at s and returns it.
func (v *virtual) take(s *slot) *node {
	v.touch(s)
	n := s.now
	s.now, n.at = nil, nil
	if dir := s.dir; dir != v.root && !dir.listed && (v.prune || dir.implicit()) {
		v.emptied, dir.listed = append(v.emptied, dir), true
	}
	return n
}

// implicit reports whether n is a directory that the plan makes without saying.
func (n *node) implicit() bool { return n.disk == nil && n.isDir() && n.op == wal.StepNone }

// makeDir makes a directory at the free slot s. A directory that stood there
// on disk and went is the same one again: it knows which names are gone.
func (v *virtual) makeDir(s *slot, meta wal.Meta, op wal.Op) *node {
	n := s.disk
	if n == nil || n.was.Kind != vfs.Directory || n.at != nil {
		n = &node{is: wal.State{Kind: vfs.Directory, Meta: meta}, loaded: true, op: op, entered: true}
		v.addDir(n)
	}
	v.place(n, s)
	return n
}

// sweep removes directories that lost names and hold nothing now, and then
// those above them that hold nothing else. With top, only it and what is in it.
func (v *virtual) sweep(top *node) error {
	var later []*node
	for len(v.emptied) > 0 {
		last := len(v.emptied) - 1
		dir := v.emptied[last]
		v.emptied = v.emptied[:last]
		if top != nil && dir.at != nil && !dir.within(top) {
			later = append(later, dir)
			continue
		}
		dir.listed = false
		if dir.at == nil || dir.op == wal.StepMkdir {
			continue
		}
		empty, err := v.isEmpty(dir)
		if err != nil {
			return err
		}
		if empty {
			dir.op = wal.StepNone
			v.take(dir.at)
		}
	}
	v.emptied = later
	return nil
}

// vacate lets a directory at s go that the plan has emptied, if emptied
// directories go: it would, in the end.
func (v *virtual) vacate(s *slot) error {
	if !v.prune || !s.now.isDir() {
		return nil
	}
	return v.sweep(s.now)
}

// within reports whether n is top or stands in it.
func (n *node) within(top *node) bool {
	for n != top {
		if n.at == nil {
			return false
		}
		n = n.at.dir
	}
	return true
}

// isEmpty reports whether dir holds nothing, on disk and after the operations.
func (v *virtual) isEmpty(dir *node) (bool, error) {
	for _, s := range dir.slots {
		if s.now != nil {
			return false, nil
		}
	}
	if dir.disk == nil {
		return true, nil
	}
	d, err := v.tree.Dir(dir.diskPath())
	if err != nil {
		return false, err
	}
	defer d.Close()
	entries, err := d.ReadDir()
	for _, e := range entries {
		if dir.slots[e.Name] == nil {
			return false, err
		}
	}
	return true, err
}

// changed returns the slots in which something may differ from the disk, in
// the order of their paths.
func (v *virtual) changed() []*slot {
	var out []*slot
	paths := make(map[*slot]string)
	for _, dir := range v.dirs {
		for _, s := range dir.slots {
			if s.order >= 0 && (s.disk != nil || s.now != nil) {
				out = append(out, s)
				paths[s] = s.path()
			}
		}
	}
	slices.SortFunc(out, func(a, b *slot) int {
		return cmp.Or(strings.Compare(paths[a], paths[b]), cmp.Compare(a.order, b.order))
	})
	return out
}
