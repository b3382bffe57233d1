package editor

import (
	"errors"
	"syscall"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// virtual is the workspace as the operations so far leave it, laid over the
// disk, which stays as it is. A directory knows only the names that were asked
// for. Moving a node moves all beneath it, and every node remembers where it
// stands on disk, so any mix of renames ends in plain differences between what
// a name stands for on disk and what it stands for now.
type virtual struct {
	tree    *apply.Tree
	root    *node
	dirs    []*node // every directory, in the order in which it was met
	emptied []*node // directories that lost a name and go if nothing is left
	prune   bool    // emptied directories of the disk go, too
	order   int     // index of the operation that is being applied
	cause           // ... and its name
	creator apply.Creator
	linked  map[inode]*node // of files that were changed: the node that stands for all names
	mayHold int64           // bytes of files that may still be held
	ahead   *ahead

	texts texts
	size  int64 // of the file that the operation has looked at
}

// node is a file, link or directory.
type node struct {
	disk *slot // where it stands on disk; nil: the plan made it
	at   *slot // where it stands now; nil: it is gone, or it is the root

	was    wal.State // on disk; complete once loaded is set
	is     wal.State // now
	info   vfs.Info  // on disk
	loaded bool

	body    body             // of a file
	held    []byte           // the file's bytes on disk; nil: to be read again
	slots   map[string]*slot // of a directory
	entered bool             // of a directory: it is no workspace of its own
	listed  bool             // of a directory: it is in virtual.emptied

	writable bool // of a directory: the system said so

	// Of a directory: whether case counts in it; where it does not, the slots by
	// name without case, and how the disk spells its names.
	spelling
	spelled map[string][]*slot
	listing map[string]string

	// For reports: the operation that made, changed or removed it; StepNone for
	// what the plan does not name itself.
	op      wal.Op
	edits   int
	shifted int
	anchor  locator.Anchor
}

// body says where the bytes of a file come from: literally from the plan, or
// from a file on disk with edits applied.
type body struct {
	from    *node
	edits   []wal.Replacement
	literal []byte
}

// slot is one name in a directory.
type slot struct {
	dir   *node
	name  string
	disk  *node // what it stands for on disk, nil for nothing
	now   *node // what it stands for now, nil for nothing
	order int   // the first operation that touched it, -1 for none
	cause       // ... and its name
}

func newVirtual(tree *apply.Tree, prune bool, c apply.Creator) *virtual {
	root := &node{was: wal.State{Kind: vfs.Directory}, is: wal.State{Kind: vfs.Directory}, entered: true}
	v := &virtual{tree: tree, root: root, prune: prune, creator: c, linked: make(map[inode]*node), ahead: &ahead{tree: tree},
		texts: texts{of: make(map[*node]*text)}}
	v.addDir(root)
	return v
}

func (v *virtual) addDir(n *node) {
	n.slots = make(map[string]*slot)
	v.dirs = append(v.dirs, n)
}

func (n *node) isDir() bool  { return n != nil && n.is.Kind == vfs.Directory }
func (n *node) isFile() bool { return n != nil && n.is.Kind == vfs.Regular }
func (n *node) isLink() bool { return n != nil && n.is.Kind == vfs.Symlink }

// moved reports whether n stands on disk under another name than now.
func (n *node) moved() bool { return n.disk != nil && n.at != nil && n.at != n.disk }

// home is the slot that names n: where it stands or, once it is gone, where it
// stood on disk. The root has none.
func (n *node) home() *slot {
	if n.at != nil {
		return n.at
	}
	return n.disk
}

// path is the slot's path after the operations so far.
func (s *slot) path() string {
	if h := s.dir.home(); h != nil {
		return h.path() + "/" + s.name
	}
	return s.name
}

// diskPath is the slot's path before the plan.
func (s *slot) diskPath() string { return under(s.dir.diskPath(), s.name) }

func (n *node) diskPath() string {
	if n.disk == nil {
		return ""
	}
	return n.disk.diskPath()
}

func under(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// lookup returns the slot of name in dir; on the first time it asks the disk.
func (v *virtual) lookup(dir *node, name string) (*slot, error) {
	if s := dir.known(name); s != nil {
		return s, nil
	}
	s := &slot{dir: dir, name: name, order: -1}
	if v.onDisk(dir, name) {
		n, err := v.stat(dir, s)
		if err != nil {
			return nil, err
		}
		s.disk, s.now = n, n
	}
	if known := dir.slots[s.name]; known != nil { // by another spelling
		return known, nil
	}
	dir.add(s)
	return s, nil
}

// stat returns what stands at s on disk, nil for nothing.
func (v *virtual) stat(dir *node, s *slot) (*node, error) {
	d, err := v.tree.Dir(dir.diskPath())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	info, err := d.Lstat(s.name)
	if vfs.NotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, nameError(err)
	}
	if err := v.spell(s, d, info); err != nil {
		return nil, err
	}
	n := &node{disk: s, at: s, info: info, was: wal.State{Kind: info.Kind}}
	switch info.Kind {
	case vfs.Symlink:
		n.was.Target, err = d.Readlink(s.name)
		if errors.Is(err, syscall.EINVAL) {
			err = fail.New(fail.TypeChanged, "", "", "something else came into the link's place meanwhile")
		}
		if err != nil {
			return nil, err
		}
		n.was.Hash = hashing.Raw([]byte(n.was.Target))
	case vfs.Directory:
		v.addDir(n)
	case vfs.Regular:
		n.body.from = n
	}
	n.is = n.was
	return n, nil
}

// what says in messages what stands somewhere.
func (n *node) what() string {
	switch n.is.Kind {
	case vfs.Regular:
		return "a file"
	case vfs.Symlink:
		return "a link"
	case vfs.Directory:
		return "a directory"
	}
	return "a pipe, socket or device"
}

// nameError tells a name that the file system cannot hold from other trouble.
func nameError(err error) error {
	if isNameTooLong(err) {
		return fail.New(fail.Unsupported, "", "", "the name is too long for the file system")
	}
	return err
}
