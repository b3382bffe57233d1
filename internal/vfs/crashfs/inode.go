package crashfs

import (
	"iter"
	"slices"

	"github.com/emend/emend/internal/vfs"
)

// inode is a file, link or directory: what everybody sees of it now, what the
// disk is sure to have, and what was in between. Names are not in it: they
// belong to the directories and become durable on their own.
type inode struct {
	ino, dev uint64
	kind     vfs.Kind
	target   string // of a link
	nlink    uint64 // of what is not a directory
	busy     bool   // something is mounted here

	data content
	meta meta

	synced     content   // what a power cut cannot take away
	syncedMeta meta      //
	writes     []content // each state since then, newest last
	changes    []meta    //
	dropped    []*block  // blocks that a failed sync may have left unwritten

	names  map[string]*inode // of a directory
	folds  bool              // of a directory: case does not count in its names
	parent *inode            // of a directory: where it is, nil once removed
	name   string            //
	placed *nameOp           // what put it there, nil if that is long durable

	locks map[*file]bool // who holds the lock; exclusively: true
}

// maxWrites bounds the history of a file that is written in small pieces; what
// is dropped are possible survivors, not data.
const maxWrites = 16

func (n *inode) write(c content, now int64) {
	n.data = c
	n.meta.mtime, n.meta.ctime = now, now
	if n.writes = append(n.writes, c); len(n.writes) > maxWrites {
		n.writes = slices.Clone(n.writes[1:])
	}
}

func (n *inode) change(m meta, now int64) {
	m.ctime = now
	n.meta = m
	n.changes = append(n.changes, m)
}

// flush is a sync that worked. Blocks that an earlier sync failed to write are
// clean for the system and stay unwritten.
func (n *inode) flush() {
	kept := n.data
	if n.dropped != nil {
		kept = n.data.without(n.dropped, n.synced)
	}
	uncertain := !slices.Equal(kept.blocks, n.data.blocks)
	n.synced, n.writes = kept, nil
	if uncertain {
		n.writes = []content{n.data}
	}
}

func (n *inode) flushMeta() { n.syncedMeta, n.changes = n.meta, nil }

// drop is a sync that failed: the system takes the dirty blocks for clean now,
// whether they reached the disk or not.
func (n *inode) drop() {
	n.dropped = make([]*block, len(n.data.blocks))
	for i, b := range n.data.blocks {
		if b != n.synced.at(i) {
			n.dropped[i] = b
		}
	}
}

func (n *inode) dirty() bool { return len(n.writes) > 0 || len(n.changes) > 0 }

func (n *inode) info() vfs.Info {
	i := vfs.Info{
		Kind: n.kind, Mode: n.meta.mode, UID: n.meta.uid, GID: n.meta.gid,
		Size: n.data.size, Nlink: n.nlink, Dev: n.dev, Ino: n.ino,
		Mtime: n.meta.mtime, Ctime: n.meta.ctime,
	}
	switch n.kind {
	case vfs.Symlink:
		i.Size = int64(len(n.target))
	case vfs.Directory:
		i.Size, i.Nlink = blockSize, n.dirLinks()
	}
	return i
}

// dirLinks counts the entry, "." and the ".." of each directory within.
func (n *inode) dirLinks() uint64 {
	if n.parent == nil {
		return 0
	}
	links := uint64(2)
	for _, child := range n.names {
		if child.kind == vfs.Directory {
			links++
		}
	}
	return links
}

// all yields the inode and everything beneath it, each once.
func (n *inode) all() iter.Seq[*inode] {
	return func(yield func(*inode) bool) {
		n.visit(map[*inode]bool{}, yield)
	}
}

func (n *inode) visit(seen map[*inode]bool, yield func(*inode) bool) bool {
	if seen[n] {
		return true
	}
	seen[n] = true
	if !yield(n) {
		return false
	}
	for _, child := range n.names {
		if !child.visit(seen, yield) {
			return false
		}
	}
	return true
}

// path is where the directory n is now.
func (n *inode) path() string {
	if n.parent == n {
		return "/"
	}
	if n.parent == nil {
		return "(removed)"
	}
	return join(n.parent.path(), n.name)
}

func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// within reports whether the directory n is dir or beneath it.
func (n *inode) within(dir *inode) bool {
	for ; n != nil; n = n.parent {
		if n == dir {
			return true
		}
		if n.parent == n {
			return false
		}
	}
	return false
}
