package crashfs

import (
	"slices"
	"strings"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// nameOp is a change of names that no sync has made durable yet: the disk has
// all of its edits or none.
type nameOp struct {
	op      op.Op
	edits   []edit
	needs   []*nameOp // without which it cannot have reached the disk
	synced  []*inode  // its directories that were synced since
	durable bool
}

// edit makes name in dir stand for new instead of old; nil is nothing.
type edit struct {
	dir      *inode
	name     string
	old, new *inode
}

func (e edit) sameEntry(f edit) bool {
	return e.dir == f.dir && (e.name == f.name || e.dir.folds && strings.EqualFold(e.name, f.name))
}

// rename does all edits at once and remembers them as pending.
func (d *disk) rename(o op.Op, edits ...edit) {
	n := &nameOp{op: o, edits: edits}
	n.needs = d.needsOf(n)
	for _, e := range edits {
		e.take(d.clock)
	}
	for _, e := range edits {
		e.put(n)
	}
	d.pending = append(d.pending, n)
}

// take removes the old inode from the entry.
func (e edit) take(now int64) {
	e.dir.meta.mtime, e.dir.meta.ctime = now, now
	if e.old == nil {
		return
	}
	delete(e.dir.names, e.name)
	e.old.meta.ctime = now
	if e.old.kind == vfs.Directory {
		e.old.parent, e.old.placed = nil, nil
	} else {
		e.old.nlink--
	}
}

// put puts the new one there.
func (e edit) put(by *nameOp) {
	if e.new == nil {
		return
	}
	e.dir.names[e.name] = e.new
	e.new.meta.ctime = e.dir.meta.ctime
	if e.new.kind == vfs.Directory {
		e.new.parent, e.new.name, e.new.placed = e.dir, e.name, by
	} else {
		e.new.nlink++
	}
}

// needsOf lists the pending operations without which n cannot stand alone:
//   - those that touched one of its entries;
//   - where it takes from one directory and gives to another, those that put
//     these directories, and the ones above, where they are: else a file would
//     be gone from here and there, or a directory end up beneath itself;
//   - where a directory goes, all that happened in it.
//
// A name made in a directory whose own name is lost is lost with it, so that
// needs nothing.
func (d *disk) needsOf(n *nameOp) []*nameOp {
	var needs []*nameOp
	for _, p := range d.pending {
		if p.touchesEntryOf(n) || n.dropsDirOf(p) {
			needs = append(needs, p)
		}
	}
	if len(n.edits) > 1 && n.edits[0].dir != n.edits[1].dir {
		for _, e := range n.edits {
			needs = appendPlaced(needs, e.dir)
		}
	}
	return needs
}

func appendPlaced(needs []*nameOp, dir *inode) []*nameOp {
	for ; dir.parent != nil && dir.parent != dir; dir = dir.parent {
		if dir.placed != nil && !dir.placed.durable {
			needs = append(needs, dir.placed)
		}
	}
	return needs
}

func (n *nameOp) touchesEntryOf(m *nameOp) bool {
	return slices.ContainsFunc(n.edits, func(e edit) bool {
		return slices.ContainsFunc(m.edits, e.sameEntry)
	})
}

// dropsDirOf reports whether n removes a directory in which m did something.
func (n *nameOp) dropsDirOf(m *nameOp) bool {
	return slices.ContainsFunc(n.edits, func(e edit) bool {
		return e.old != nil && m.touches(e.old) && !n.puts(e.old)
	})
}

// puts reports whether n gives the inode an entry.
func (n *nameOp) puts(i *inode) bool {
	return slices.ContainsFunc(n.edits, func(e edit) bool { return e.new == i })
}

// touches reports whether n has an entry in dir.
func (n *nameOp) touches(dir *inode) bool {
	return slices.ContainsFunc(n.edits, func(e edit) bool { return e.dir == dir })
}

// covers reports whether a sync of dir makes n durable.
func (d *disk) covers(n *nameOp, dir *inode) bool {
	if !n.touches(dir) || !d.options.BothDirs {
		return n.touches(dir)
	}
	n.synced = append(n.synced, dir)
	return !slices.ContainsFunc(n.edits, func(e edit) bool { return !slices.Contains(n.synced, e.dir) })
}

// settle makes durable what want names and all that this needs.
func (d *disk) settle(want func(*nameOp) bool) {
	for _, n := range slices.Backward(d.pending) {
		if n.durable || want(n) {
			n.durable = true
			for _, need := range n.needs {
				need.durable = true
			}
			n.needs = nil
		}
	}
	d.pending = slices.DeleteFunc(d.pending, func(n *nameOp) bool { return n.durable })
}
