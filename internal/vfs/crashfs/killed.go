package crashfs

import "slices"

// Killed returns the file system as kill -9 of every process leaves it: all
// that was written is there, what was not synced can still be lost, no lock is
// held.
func (p *FS) Killed() *FS {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := copier{inodes: map[*inode]*inode{}, ops: map[*nameOp]*nameOp{}}
	d := p.successor()
	d.root = c.inode(p.root)
	for _, n := range p.pending {
		d.pending = append(d.pending, c.op(n))
	}
	for n := range p.dirty {
		d.dirty[c.inode(n)] = struct{}{}
	}
	d.seq = p.seq
	return &FS{disk: d, process: &process{}}
}

// copier copies inodes and operations with all that they refer to.
type copier struct {
	inodes map[*inode]*inode
	ops    map[*nameOp]*nameOp
}

func (c *copier) inode(n *inode) *inode {
	if n == nil || c.inodes[n] != nil {
		return c.inodes[n]
	}
	m := *n
	c.inodes[n] = &m
	m.locks = nil
	m.writes, m.changes = slices.Clip(m.writes), slices.Clip(m.changes)
	m.parent, m.placed = c.inode(n.parent), c.op(n.placed)
	if n.names != nil {
		m.names = make(map[string]*inode, len(n.names))
		for name, child := range n.names {
			m.names[name] = c.inode(child)
		}
	}
	return &m
}

func (c *copier) op(n *nameOp) *nameOp {
	if n == nil || c.ops[n] != nil {
		return c.ops[n]
	}
	if n.durable {
		return nil // nobody needs it any more
	}
	m := &nameOp{op: n.op}
	c.ops[n] = m
	for _, e := range n.edits {
		m.edits = append(m.edits, edit{dir: c.inode(e.dir), name: e.name, old: c.inode(e.old), new: c.inode(e.new)})
	}
	for _, dir := range n.synced {
		m.synced = append(m.synced, c.inode(dir))
	}
	for _, need := range n.needs {
		if copied := c.op(need); copied != nil {
			m.needs = append(m.needs, copied)
		}
	}
	return m
}
