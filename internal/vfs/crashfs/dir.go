package crashfs

import (
	"io"
	"io/fs"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

type dir struct {
	fs     *FS
	node   *inode
	closed bool
}

const maxName = 255

func checkName(k op.Kind, name string) error {
	if err := vfs.CheckName(string(k), name); err != nil {
		return err
	}
	if len(name) > maxName {
		return pathError(k, name, syscall.ENAMETOOLONG)
	}
	return nil
}

// self runs an operation that looks at the directory itself.
func (d *dir) self(k op.Kind, do func() error) error {
	return pathError(k, d.node.name, d.fs.look(k, func() error {
		if d.closed {
			return fs.ErrClosed
		}
		return do()
	}))
}

// look runs an operation that looks at what stands at name.
func (d *dir) look(k op.Kind, name string, do func(n *inode) error) error {
	if err := checkName(k, name); err != nil {
		return err
	}
	return pathError(k, name, d.fs.look(k, func() error {
		if d.closed {
			return fs.ErrClosed
		}
		n, err := d.node.child(name)
		if err != nil {
			return err
		}
		return do(n)
	}))
}

// step runs an operation that changes something at name.
func (d *dir) step(o op.Op, name string, do func(op.Op) error) error {
	if err := checkName(o.Kind, name); err != nil {
		return err
	}
	what := func() op.Op {
		o.Path = join(d.node.path(), name)
		return o
	}
	return pathError(o.Kind, name, d.fs.step(what, func(o op.Op) error {
		if d.closed {
			return fs.ErrClosed
		}
		return do(o)
	}))
}

func (d *dir) Stat() (info vfs.Info, err error) {
	err = d.self(op.Stat, func() error { info = d.node.info(); return nil })
	return info, err
}

func (d *dir) Volume() (v vfs.Volume, err error) {
	err = d.self(op.Stat, func() error { v.Dev = d.node.dev; return nil })
	return v, err
}

func (d *dir) Folds() (folds bool, err error) {
	err = d.self(op.Stat, func() error { folds = d.node.folds; return nil })
	return folds, err
}

// Writable goes by the owner's bit, the only one that counts here, and not for
// the superuser.
func (d *dir) Writable() (ok bool, err error) {
	err = d.self(op.Stat, func() error {
		ok = d.fs.options.EUID == 0 || d.node.meta.mode&0o200 != 0
		return nil
	})
	return ok, err
}

func (d *dir) SelfXattrs() (list []vfs.Xattr, err error) {
	err = d.self(op.Xattrs, func() error { list = cloneXattrs(d.node.meta.xattrs); return nil })
	return list, err
}

func (d *dir) Lstat(name string) (info vfs.Info, err error) {
	err = d.look(op.Stat, name, func(n *inode) error { info = n.info(); return nil })
	return info, err
}

func (d *dir) ReadDir() (list []vfs.Entry, err error) {
	err = d.self(op.ReadDir, func() error {
		for name, n := range d.node.names {
			list = append(list, vfs.Entry{Name: name, Kind: n.kind})
		}
		return nil
	})
	return list, err
}

func (d *dir) Readlink(name string) (target string, err error) {
	err = d.look(op.Readlink, name, func(n *inode) error {
		if n.kind != vfs.Symlink {
			return syscall.EINVAL
		}
		target = n.target
		return nil
	})
	return target, err
}

func (d *dir) OpenDir(name string) (vfs.Dir, error) {
	var sub *dir
	err := d.look(op.OpenDir, name, func(n *inode) error {
		if n.kind != vfs.Directory {
			return syscall.ENOTDIR
		}
		sub = &dir{fs: d.fs, node: n}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sub, nil
}

func (d *dir) Open(name string) (vfs.File, error) { return d.openFile(name, false) }

func (d *dir) OpenWrite(name string) (vfs.File, error) { return d.openFile(name, true) }

func (d *dir) openFile(name string, writable bool) (vfs.File, error) {
	var f *file
	err := d.look(op.Open, name, func(n *inode) error {
		switch n.kind {
		case vfs.Symlink:
			return syscall.ELOOP
		case vfs.Directory:
			return syscall.EISDIR
		}
		f = &file{fs: d.fs, node: n, path: join(d.node.path(), name), writable: writable}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *dir) Create(name string, mode uint32) (vfs.File, error) {
	var f *file
	err := d.step(op.Op{Kind: op.Create}, name, func(o op.Op) error {
		n, err := d.fs.add(o, d.node, name, vfs.Regular, mode&^umask)
		f = &file{fs: d.fs, node: n, path: o.Path, writable: true}
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *dir) Mkdir(name string, mode uint32) error {
	return d.step(op.Op{Kind: op.Mkdir}, name, func(o op.Op) error {
		_, err := d.fs.add(o, d.node, name, vfs.Directory, mode&^umask)
		return err
	})
}

func (d *dir) Symlink(target, name string) error {
	return d.step(op.Op{Kind: op.Symlink}, name, func(o op.Op) error {
		if target == "" {
			return syscall.ENOENT
		}
		n, err := d.fs.add(o, d.node, name, vfs.Symlink, 0o777)
		if err == nil {
			n.target = target
		}
		return err
	})
}

// Replace shows each of its steps.
func (d *dir) Replace(name string, mode uint32, write func(io.Writer) error) error {
	return vfs.ReplaceBySteps(d, name, mode, write)
}

func (d *dir) Chmod(name string, mode uint32) error {
	return d.change(op.Chmod, name, func(n *inode, m meta) (meta, error) {
		if n.kind == vfs.Symlink {
			return m, syscall.ENOTSUP
		}
		return m.withMode(mode), nil
	})
}

func (d *dir) Chown(name string, uid, gid uint32) error {
	return d.change(op.Chown, name, func(n *inode, m meta) (meta, error) { return m.withOwner(n.kind, uid, gid), nil })
}

func (d *dir) Xattrs(name string) (list []vfs.Xattr, err error) {
	err = d.look(op.Xattrs, name, func(n *inode) error { list = cloneXattrs(n.meta.xattrs); return nil })
	return list, err
}

func (d *dir) SetXattr(name, attr string, value []byte) error {
	return d.change(op.SetXattr, name, func(n *inode, m meta) (meta, error) { return m.setXattr(n.kind, attr, value) })
}

func (d *dir) RemoveXattr(name, attr string) error {
	return d.change(op.RemoveXattr, name, func(_ *inode, m meta) (meta, error) { return m.removeXattr(attr) })
}

// change runs an operation on the metadata of name.
func (d *dir) change(k op.Kind, name string, next func(*inode, meta) (meta, error)) error {
	return d.step(op.Op{Kind: k}, name, func(op.Op) error {
		n, err := d.node.child(name)
		if err != nil {
			return err
		}
		return d.fs.change(n, next)
	})
}

// sync runs a sync of the directory or more, unless a hook says otherwise.
func (d *dir) sync(k op.Kind, do func() error) error {
	what := func() op.Op { return op.Op{Kind: k, Path: d.node.path()} }
	return pathError(k, d.node.name, d.fs.step(what, func(o op.Op) error {
		if d.closed {
			return fs.ErrClosed
		}
		if skip, err := d.fs.disturb(o); skip || err != nil {
			return err
		}
		return do()
	}))
}

func (d *dir) Sync() error {
	return d.sync(op.SyncDir, func() error {
		d.fs.settle(func(n *nameOp) bool { return d.fs.covers(n, d.node) })
		d.node.flushMeta()
		d.fs.keepDirty(d.node)
		return nil
	})
}

func (d *dir) SyncFS() error {
	return d.sync(op.SyncFS, func() error {
		if d.fs.options.NoSyncFS {
			return syscall.ENOTSUP
		}
		d.fs.syncDevice(func(n *inode) bool { return n.dev == d.node.dev })
		return nil
	})
}

func (d *dir) Features() (f vfs.Features, err error) {
	err = d.self(op.Stat, func() error {
		o := d.fs.options
		f = vfs.Features{Type: "crashfs", Journal: !o.NoJournal, SyncFS: !o.NoSyncFS, Exchange: !o.NoExchange}
		return nil
	})
	return f, err
}

func (d *dir) Close() error {
	return d.self(op.Close, func() error { d.closed = true; return nil })
}
