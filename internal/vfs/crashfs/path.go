package crashfs

import (
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// umask is the same for every process.
const umask = 0o022

// Umask is 022.
func (p *FS) Umask() uint32 { return umask }

// EUID is that of the options.
func (p *FS) EUID() int { return p.options.EUID }

// Unwritten is that of the options.
func (p *FS) Unwritten() int64 { return p.options.Unwritten }

// OpenRoot opens the directory at path; a relative path starts at "/".
func (p *FS) OpenRoot(name string) (vfs.Dir, error) {
	var d *dir
	err := p.look(op.OpenDir, func() error {
		n, err := p.walk(name, true)
		if err != nil {
			return err
		}
		if n.kind != vfs.Directory {
			return syscall.ENOTDIR
		}
		d = &dir{fs: p, node: n}
		return nil
	})
	if err != nil {
		return nil, pathError(op.OpenDir, name, err)
	}
	return d, nil
}

// MkdirRoot makes the directory at path.
func (p *FS) MkdirRoot(name string, mode uint32) error {
	err := p.step(func() op.Op { return op.Op{Kind: op.Mkdir, Path: path.Clean("/" + slashed(name))} }, func(o op.Op) error {
		parent, err := p.walk(path.Dir(o.Path), true)
		if err != nil {
			return err
		}
		n, err := p.add(o, parent, path.Base(o.Path), vfs.Directory, mode)
		if err == nil {
			n.meta.mode = mode & vfs.ModeMask
			n.flushMeta()
		}
		return err
	})
	return pathError(op.Mkdir, name, err)
}

// slashed is a path as Windows writes it, too, without its drive.
func slashed(name string) string {
	return filepath.ToSlash(strings.TrimPrefix(name, filepath.VolumeName(name)))
}

const maxLinks = 40

// walk finds the inode at name, following links; one at the end only if
// follow.
func (d *disk) walk(name string, follow bool) (*inode, error) {
	n, at := d.root, []*inode{d.root}
	rest := strings.Split(slashed(name), "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 1)]
			n = at[len(at)-1]
			continue
		}
		child, err := n.child(part)
		if err != nil {
			return nil, err
		}
		if child.kind == vfs.Symlink && (follow || len(rest) > 0) {
			if links++; links > maxLinks {
				return nil, syscall.ELOOP
			}
			if strings.HasPrefix(child.target, "/") {
				n, at = d.root, at[:1]
			}
			rest = append(strings.Split(child.target, "/"), rest...)
			continue
		}
		n, at = child, append(at, child)
	}
	return n, nil
}

func (n *inode) child(name string) (*inode, error) {
	if n.kind != vfs.Directory {
		return nil, syscall.ENOTDIR
	}
	child, ok := n.names[n.spelled(name)]
	if !ok {
		return nil, syscall.ENOENT
	}
	return child, nil
}

// spelled is how the directory has name, or name where it does not have it.
func (n *inode) spelled(name string) string {
	if n.folds && n.names[name] == nil {
		for is := range n.names {
			if strings.EqualFold(is, name) {
				return is
			}
		}
	}
	return name
}

// inodeRoom is what an inode takes of a disk with a limit.
const inodeRoom = 256

// add makes a new inode at name in parent. A directory with the setgid bit
// hands on its group, and the bit to directories.
func (d *disk) add(o op.Op, parent *inode, name string, kind vfs.Kind, mode uint32) (*inode, error) {
	switch {
	case parent.parent == nil:
		return nil, syscall.ENOENT
	case parent.kind != vfs.Directory:
		return nil, syscall.ENOTDIR
	case parent.names[parent.spelled(name)] != nil:
		return nil, syscall.EEXIST
	case d.room() < inodeRoom:
		return nil, syscall.ENOSPC
	}
	m := meta{mode: mode & vfs.ModeMask, uid: uint32(d.options.EUID), mtime: d.clock}
	if parent.meta.mode&0o2000 != 0 {
		m.gid = parent.meta.gid
		if kind == vfs.Directory {
			m.mode |= 0o2000
		}
	}
	d.lastIno++
	n := &inode{ino: d.lastIno, dev: parent.dev, kind: kind, meta: m}
	if kind == vfs.Directory {
		n.names, n.folds = map[string]*inode{}, d.options.FoldCase
	}
	d.rename(o, edit{dir: parent, name: name, new: n})
	n.flushMeta() // an inode is born with its metadata
	return n, nil
}

// room is how many bytes the disk still has.
func (d *disk) room() int64 {
	if d.options.Size == 0 {
		return 1 << 62
	}
	used := int64(0)
	for n := range d.root.all() {
		used += inodeRoom + n.data.allocated()*blockSize
	}
	return d.options.Size - used
}
