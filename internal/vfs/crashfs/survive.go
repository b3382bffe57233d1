package crashfs

import (
	"maps"
	"math/rand/v2"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// Fate is what becomes of a file's unsynced data.
type Fate int

// The fates. Bytes that were synced and not written since are safe in each.
const (
	Lost    Fate = iota // as last synced
	Kept                // as last written
	Zeroed              // the new size, zeros where the file had no bytes before
	Torn512             // each 512 bytes on their own: before, between, after or zeros
	Torn4K              // each 4096 bytes
	Garbage             // as last written, with any bytes in half of the sectors, where they were not synced as they are
)

// Choice says what a power cut leaves of the unsynced. A nil function loses
// everything.
type Choice struct {
	// Name is asked, oldest first, whether a name operation is on the disk. One
	// that cannot be there without another that is lost is lost unasked.
	Name func(op.Op) bool
	// Data is asked for each inode with unsynced data.
	Data func(ino uint64) Fate
	// Meta is asked for each inode with n unsynced changes of its metadata how
	// many of them, from the oldest, are on the disk.
	Meta func(ino uint64, n int) int
	// Seed decides about the tearing.
	Seed uint64
}

// AllLost keeps what was synced and nothing else.
func AllLost() Choice { return Choice{} }

// AllKept keeps everything.
func AllKept() Choice {
	return Choice{
		Name: func(op.Op) bool { return true },
		Data: func(uint64) Fate { return Kept },
		Meta: func(_ uint64, n int) int { return n },
	}
}

// Random mixes; equal seeds mix equally.
func Random(seed uint64) Choice {
	odds := []float64{0.1, 0.5, 0.9}[seed%3]
	return Choice{
		Name: func(o op.Op) bool { return draw(seed, uint64(o.Seq), 1).Float64() < odds },
		Data: func(ino uint64) Fate { return Fate(draw(seed, ino, 2).IntN(int(Torn4K) + 1)) },
		Meta: func(ino uint64, n int) int { return draw(seed, ino, 3).IntN(n + 1) },
		Seed: seed,
	}
}

// draw gives random numbers that depend on nothing but what they are for.
func draw(seed, about, use uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, about<<8|use)) }

// Survive returns the file system that a machine finds after a power cut at
// this moment, by this choice. Everything in it is durable; it has this one's
// options, but no hooks, counts or locks.
func (p *FS) Survive(c Choice) *FS {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := survey{choice: c, undone: p.undo(c), seen: map[*inode]*inode{}}
	d := p.successor()
	d.root = s.inode(p.root)
	d.root.parent, d.root.name = d.root, p.root.name
	return &FS{disk: d, process: &process{}}
}

func (d *disk) successor() *disk {
	next := newDisk(d.options)
	next.lastIno, next.lastDev, next.clock = d.lastIno, d.lastDev, d.clock
	return next
}

// undo gives the entries that differ from the present because an operation is
// lost, by directory.
func (d *disk) undo(c Choice) map[*inode]map[string]*inode {
	lost := map[*nameOp]bool{}
	for _, n := range d.pending {
		lost[n] = c.Name == nil || !n.possible(lost) || !c.Name(n.op)
	}
	undone := map[*inode]map[string]*inode{}
	for i := len(d.pending) - 1; i >= 0; i-- {
		if !lost[d.pending[i]] {
			continue
		}
		for _, e := range d.pending[i].edits {
			if undone[e.dir] == nil {
				undone[e.dir] = map[string]*inode{}
			}
			undone[e.dir][e.name] = e.old
		}
	}
	return undone
}

// possible reports whether n can be on a disk that lost these.
func (n *nameOp) possible(lost map[*nameOp]bool) bool {
	for _, need := range n.needs {
		if lost[need] {
			return false
		}
	}
	return true
}

// survey walks the names that are left and copies what they lead to.
type survey struct {
	choice Choice
	undone map[*inode]map[string]*inode
	seen   map[*inode]*inode
}

func (s *survey) inode(n *inode) *inode {
	if c, ok := s.seen[n]; ok {
		return c
	}
	c := &inode{ino: n.ino, dev: n.dev, kind: n.kind, target: n.target, busy: n.busy, folds: n.folds}
	s.seen[n] = c
	c.data, c.meta = s.choice.data(n), s.choice.meta(n)
	c.synced, c.syncedMeta = c.data, c.meta
	if n.kind == vfs.Directory {
		s.names(c, n)
	}
	return c
}

func (s *survey) names(c, n *inode) {
	names := n.names
	if undone, ok := s.undone[n]; ok {
		names = maps.Clone(names)
		maps.Copy(names, undone)
	}
	c.names = make(map[string]*inode, len(names))
	for name, child := range names {
		if child == nil {
			continue
		}
		copied := s.inode(child)
		c.names[name] = copied
		if copied.kind == vfs.Directory {
			copied.parent, copied.name = c, name
		} else {
			copied.nlink++
		}
	}
}

func (c Choice) meta(n *inode) meta {
	if len(n.changes) == 0 || c.Meta == nil {
		return n.syncedMeta
	}
	if kept := c.Meta(n.ino, len(n.changes)); kept > 0 {
		return n.changes[kept-1]
	}
	return n.syncedMeta
}

func (c Choice) data(n *inode) content {
	if len(n.writes) == 0 || c.Data == nil {
		return n.synced
	}
	versions := append([]content{n.synced}, n.writes...)
	switch fate := c.Data(n.ino); fate {
	case Kept:
		return n.data
	case Zeroed:
		return mix(n.data.size, floor(versions), blockSize, versions, func() int { return -1 })
	case Torn512, Torn4K:
		return tear(versions, fate, draw(c.Seed, n.ino, 4))
	case Garbage:
		return n.data.scrambled(n.synced, draw(c.Seed, n.ino, 4))
	}
	return n.synced
}

// tear takes the size from one version and each unit from any.
func tear(versions []content, fate Fate, r *rand.Rand) content {
	unit := blockSize
	if fate == Torn512 {
		unit = 512
	}
	size := versions[pickVersion(r, len(versions))].size
	return mix(size, floor(versions), unit, versions, func() int {
		if r.IntN(4) == 0 {
			return -1
		}
		return pickVersion(r, len(versions))
	})
}

// pickVersion favours the oldest and the newest.
func pickVersion(r *rand.Rand, n int) int {
	switch r.IntN(5) {
	case 0, 1:
		return 0
	case 2, 3:
		return n - 1
	}
	return r.IntN(n)
}

// floor is where bytes begin that some version does not have.
func floor(versions []content) int64 {
	least := versions[0].size
	for _, v := range versions[1:] {
		least = min(least, v.size)
	}
	return least
}

// Unsynced lists what a power cut could take away now: the name operations,
// oldest first, then, for each path of an inode, a write where data are not
// synced and a chmod where metadata are not.
func (p *FS) Unsynced() []op.Op {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var list []op.Op
	for _, n := range p.pending {
		list = append(list, n.op)
	}
	return p.root.unsynced("/", list)
}

func (n *inode) unsynced(at string, list []op.Op) []op.Op {
	if len(n.writes) > 0 {
		list = append(list, op.Op{Kind: op.Write, Path: at})
	}
	if len(n.changes) > 0 {
		list = append(list, op.Op{Kind: op.Chmod, Path: at})
	}
	for name, child := range n.names {
		list = child.unsynced(join(at, name), list)
	}
	return list
}
