package crashfs

import (
	"io"
	"io/fs"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

type file struct {
	fs       *FS
	node     *inode
	path     string // it was opened by
	writable bool
	closed   bool
	offset   int64
}

func (f *file) look(k op.Kind, do func() error) error {
	return f.pathError(k, f.fs.look(k, func() error {
		if f.closed {
			return fs.ErrClosed
		}
		return do()
	}))
}

func (f *file) step(what func() op.Op, do func(op.Op) error) error {
	return f.fs.step(what, func(o op.Op) error {
		if f.closed {
			return f.pathError(o.Kind, fs.ErrClosed)
		}
		return f.pathError(o.Kind, do(o))
	})
}

// named is what step needs where there is no more to say.
func (f *file) named(k op.Kind) func() op.Op {
	return func() op.Op { return op.Op{Kind: k, Path: f.path} }
}

// pathError leaves io.EOF alone, as readers expect it.
func (f *file) pathError(k op.Kind, err error) error {
	if err == io.EOF {
		return err
	}
	return pathError(k, f.path, err)
}

func (f *file) Stat() (info vfs.Info, err error) {
	err = f.look(op.Stat, func() error { info = f.node.info(); return nil })
	return info, err
}

func (f *file) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = f.look(op.Read, func() error {
		n, _ = f.node.data.readAt(p, f.offset)
		f.offset += int64(n)
		if n == 0 {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.look(op.Read, func() (err error) {
		if off < 0 {
			return syscall.EINVAL
		}
		n, err = f.node.data.readAt(p, off)
		return err
	})
	return n, err
}

func (f *file) Write(p []byte) (int, error) { return f.write(p, &f.offset) }

func (f *file) WriteAt(p []byte, off int64) (int, error) { return f.write(p, &off) }

// write writes what fits on the disk and moves off past it.
func (f *file) write(p []byte, off *int64) (n int, err error) {
	what := func() op.Op { return op.Op{Kind: op.Write, Path: f.path, Off: *off, Len: len(p)} }
	err = f.step(what, func(op.Op) error {
		switch {
		case !f.writable:
			return syscall.EBADF
		case *off < 0:
			return syscall.EINVAL
		}
		n = f.fs.fitting(f.node.data, len(p), *off)
		if n > 0 {
			f.fs.write(f.node, f.node.data.writeAt(p[:n], *off))
		}
		*off += int64(n)
		if n < len(p) {
			return syscall.ENOSPC
		}
		return nil
	})
	return n, err
}

// fitting is how many of n bytes at off there is room for.
func (d *disk) fitting(c content, n int, off int64) int {
	if d.options.Size == 0 {
		return n
	}
	end := off + int64(n)
	for room, at := d.room(), off; at < end; at = (at/blockSize + 1) * blockSize {
		if c.at(int(at/blockSize)) != nil {
			continue
		}
		if room -= blockSize; room < 0 {
			return int(at - off)
		}
	}
	return n
}

func (d *disk) write(n *inode, c content) {
	n.write(c, d.clock)
	d.dirty[n] = struct{}{}
	if m, lost := n.meta.written(d.options.EUID); lost {
		n.change(m, d.clock)
	}
}

func (f *file) Truncate(size int64) error {
	what := func() op.Op { return op.Op{Kind: op.Truncate, Path: f.path, Off: size} }
	return f.step(what, func(op.Op) error {
		if !f.writable || size < 0 {
			return syscall.EINVAL
		}
		f.fs.write(f.node, f.node.data.resize(size))
		return nil
	})
}

func (f *file) Chmod(mode uint32) error {
	return f.change(op.Chmod, func(_ *inode, m meta) (meta, error) { return m.withMode(mode), nil })
}

func (f *file) Chown(uid, gid uint32) error {
	return f.change(op.Chown, func(n *inode, m meta) (meta, error) { return m.withOwner(n.kind, uid, gid), nil })
}

func (f *file) Xattrs() (list []vfs.Xattr, err error) {
	err = f.look(op.Xattrs, func() error { list = cloneXattrs(f.node.meta.xattrs); return nil })
	return list, err
}

func (f *file) SetXattr(attr string, value []byte) error {
	return f.change(op.SetXattr, func(n *inode, m meta) (meta, error) { return m.setXattr(n.kind, attr, value) })
}

func (f *file) RemoveXattr(attr string) error {
	return f.change(op.RemoveXattr, func(_ *inode, m meta) (meta, error) { return m.removeXattr(attr) })
}

func (f *file) change(k op.Kind, next func(*inode, meta) (meta, error)) error {
	return f.step(f.named(k), func(op.Op) error { return f.fs.change(f.node, next) })
}

func (f *file) Sync() error {
	return f.sync(op.Sync, func() {
		f.node.flush()
		f.node.flushMeta()
	})
}

func (f *file) Datasync() error { return f.sync(op.Datasync, f.node.flush) }

// sync runs a sync of the file, unless a hook says otherwise.
func (f *file) sync(k op.Kind, do func()) error {
	return f.step(f.named(k), func(o op.Op) error {
		skip, err := f.fs.disturb(o)
		if err != nil {
			f.node.drop()
		}
		if skip || err != nil {
			return err
		}
		do()
		f.fs.keepDirty(f.node)
		return nil
	})
}

// DropDirty does to the file what a failed sync does, for whoever makes syncs
// fail before they come here.
func (f *file) DropDirty() { f.fs.locked(f.node.drop) }

// Kick does nothing: the disk may have written anything anyway.
func (f *file) Kick() {}

func (f *file) TryLock() (bool, error) { return f.tryLock(true) }

func (f *file) TryLockShared() (bool, error) { return f.tryLock(false) }

func (f *file) tryLock(exclusive bool) (held bool, err error) {
	err = f.look(op.Lock, func() error {
		for by, alone := range f.node.locks {
			if by != f && !by.fs.process.dead && (exclusive || alone) {
				return nil
			}
		}
		if f.node.locks == nil {
			f.node.locks = map[*file]bool{}
		}
		f.node.locks[f], held = exclusive, true
		return nil
	})
	return held, err
}

func (f *file) Unlock() error {
	return f.look(op.Lock, func() error { f.unlock(); return nil })
}

func (f *file) unlock() { delete(f.node.locks, f) }

func (f *file) Close() error {
	return f.look(op.Close, func() error {
		f.closed = true
		f.unlock()
		return nil
	})
}
