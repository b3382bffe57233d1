package crashfs

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// errNoRename is what Linux says of a kind of rename that a file system lacks.
var errNoRename = fmt.Errorf("%w: %w", errors.ErrUnsupported, syscall.EINVAL)

// move runs an operation on a name here and one there; do gets both entries as
// they are, the second with a nil inode where there is none.
func (d *dir) move(k op.Kind, name string, to vfs.Dir, toName string, do func(o op.Op, from, to edit) error) error {
	t, ok := to.(*dir)
	if !ok || t.fs.disk != d.fs.disk {
		return pathError(k, toName, fmt.Errorf("%w: a directory of another file system", fs.ErrInvalid))
	}
	if err := checkName(k, toName); err != nil {
		return err
	}
	what := op.Op{Kind: k}
	d.fs.locked(func() { what.To = join(t.node.path(), toName) })
	return d.step(what, name, func(o op.Op) error {
		from, err := d.node.child(name)
		if err != nil {
			return err
		}
		name, toName := d.node.spelled(name), t.node.spelled(toName)
		over := t.node.names[toName]
		switch {
		case t.closed:
			return fs.ErrClosed
		case t.node.parent == nil:
			return syscall.ENOENT
		case d.node.dev != t.node.dev:
			return syscall.EXDEV
		}
		return do(o, edit{dir: d.node, name: name, old: from}, edit{dir: t.node, name: toName, old: over})
	})
}

func (d *dir) Link(name string, to vfs.Dir, toName string) error {
	return d.move(op.Link, name, to, toName, func(o op.Op, from, to edit) error {
		switch {
		case d.fs.options.NoLink, from.old.kind == vfs.Directory:
			return syscall.EPERM
		case from.old.busy: // what is mounted is of another mount
			return syscall.EXDEV
		case to.old != nil:
			return syscall.EEXIST
		}
		to.new = from.old
		d.fs.rename(o, to)
		return nil
	})
}

func (d *dir) Rename(name string, to vfs.Dir, toName string) error {
	return d.move(op.Rename, name, to, toName, d.fs.replace)
}

func (d *dir) RenameNoReplace(name string, to vfs.Dir, toName string) error {
	return d.move(op.RenameNoReplace, name, to, toName, func(o op.Op, from, to edit) error {
		switch {
		case d.fs.options.NoRenameNoReplace:
			return errNoRename
		case to.old != nil:
			return syscall.EEXIST
		}
		return d.fs.replace(o, from, to)
	})
}

// replace is rename(2): of two names of one inode both stay.
func (d *disk) replace(o op.Op, from, to edit) error {
	if from.old == to.old {
		return nil
	}
	if err := checkReplace(from.old, to); err != nil {
		return err
	}
	to.new = from.old
	d.rename(o, from, to)
	return nil
}

func checkReplace(n *inode, to edit) error {
	over := to.old
	switch {
	case n.busy, over != nil && over.busy:
		return syscall.EBUSY
	case n.kind == vfs.Directory && to.dir.within(n):
		return syscall.EINVAL
	case over == nil:
		return nil
	case n.kind == vfs.Directory && over.kind != vfs.Directory:
		return syscall.ENOTDIR
	case n.kind != vfs.Directory && over.kind == vfs.Directory:
		return syscall.EISDIR
	case len(over.names) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

func (d *dir) Exchange(name string, to vfs.Dir, toName string) error {
	return d.move(op.Exchange, name, to, toName, func(o op.Op, from, to edit) error {
		switch {
		case d.fs.options.NoExchange:
			return errNoRename
		case to.old == nil:
			return syscall.ENOENT
		case from.old == to.old:
			return nil
		case from.old.busy || to.old.busy:
			return syscall.EBUSY
		case to.dir.within(from.old) || from.dir.within(to.old):
			return syscall.EINVAL
		}
		from.new, to.new = to.old, from.old
		d.fs.rename(o, from, to)
		return nil
	})
}

func (d *dir) Remove(name string) error {
	return d.unlink(op.Remove, name, func(n *inode) error {
		if n.kind == vfs.Directory {
			return syscall.EISDIR
		}
		return nil
	})
}

func (d *dir) Rmdir(name string) error {
	return d.unlink(op.Rmdir, name, func(n *inode) error {
		switch {
		case n.kind != vfs.Directory:
			return syscall.ENOTDIR
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		return nil
	})
}

func (d *dir) unlink(k op.Kind, name string, allowed func(*inode) error) error {
	return d.step(op.Op{Kind: k}, name, func(o op.Op) error {
		n, err := d.node.child(name)
		if err != nil {
			return err
		}
		if err := allowed(n); err != nil {
			return err
		}
		if n.busy {
			return syscall.EBUSY
		}
		d.fs.rename(o, edit{dir: d.node, name: d.node.spelled(name), old: n})
		return nil
	})
}
