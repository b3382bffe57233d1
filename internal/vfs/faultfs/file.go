package faultfs

import (
	"errors"
	"sync/atomic"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

type file struct {
	fs    *FS
	inner vfs.File
	path  string // it was opened by

	offset atomic.Int64 // where Read and Write are
}

func (f *file) run(k op.Kind, do func() error) error {
	return f.fs.run(op.Op{Kind: k, Path: f.path}, do)
}

func (f *file) Read(p []byte) (n int, err error) {
	err = f.fs.run(op.Op{Kind: op.Read, Path: f.path, Off: f.offset.Load(), Len: len(p)}, func() (err error) {
		n, err = f.inner.Read(p)
		f.offset.Add(int64(n))
		return err
	})
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.fs.run(op.Op{Kind: op.Read, Path: f.path, Off: off, Len: len(p)}, func() (err error) {
		n, err = f.inner.ReadAt(p, off)
		return err
	})
	return n, err
}

func (f *file) Write(p []byte) (int, error) {
	o := op.Op{Kind: op.Write, Path: f.path, Off: f.offset.Load(), Len: len(p)}
	n, err := f.write(o, p, f.inner.Write)
	f.offset.Add(int64(n))
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	o := op.Op{Kind: op.Write, Path: f.path, Off: off, Len: len(p)}
	return f.write(o, p, func(p []byte) (int, error) { return f.inner.WriteAt(p, off) })
}

// write writes all of p, or as much as a fault leaves of it.
func (f *file) write(o op.Op, p []byte, write func([]byte) (int, error)) (int, error) {
	fault, err := f.fs.meet(o), error(nil)
	if fault == nil {
		fault, err = f.fs.take(o, f.inner.Stat)
	}
	if err != nil {
		return 0, err
	}
	if fault == nil {
		return write(p)
	}
	n, err := write(p[:min(fault.Short, len(p))])
	if err != nil {
		return n, err
	}
	return n, fault.Err
}

func (f *file) Stat() (info vfs.Info, err error) {
	err = f.run(op.Stat, func() (err error) { info, err = f.inner.Stat(); return err })
	return info, err
}

func (f *file) Truncate(size int64) error {
	o := op.Op{Kind: op.Truncate, Path: f.path, Off: size}
	return f.fs.run(o, func() error { return f.inner.Truncate(size) })
}

func (f *file) Chmod(mode uint32) error {
	return f.run(op.Chmod, func() error { return f.inner.Chmod(mode) })
}

func (f *file) Chown(uid, gid uint32) error {
	return f.run(op.Chown, func() error { return f.inner.Chown(uid, gid) })
}

func (f *file) Xattrs() (list []vfs.Xattr, err error) {
	err = f.run(op.Xattrs, func() (err error) { list, err = f.inner.Xattrs(); return err })
	return list, err
}

func (f *file) SetXattr(attr string, value []byte) error {
	return f.run(op.SetXattr, func() error { return f.inner.SetXattr(attr, value) })
}

func (f *file) RemoveXattr(attr string) error {
	return f.run(op.RemoveXattr, func() error { return f.inner.RemoveXattr(attr) })
}

func (f *file) Sync() error { return f.sync(op.Sync, f.inner.Sync) }

func (f *file) Datasync() error { return f.sync(op.Datasync, f.inner.Datasync) }

// dropper is a file that can take its dirty pages for clean, as the system
// does after a sync that failed.
type dropper interface{ DropDirty() }

func (f *file) sync(k op.Kind, sync func() error) error {
	fault := f.fs.meet(op.Op{Kind: k, Path: f.path})
	if fault == nil {
		return sync()
	}
	if d, ok := f.inner.(dropper); ok {
		d.DropDirty()
	}
	return fault.Err
}

// DropDirty passes on.
func (f *file) DropDirty() {
	if d, ok := f.inner.(dropper); ok {
		d.DropDirty()
	}
}

func (f *file) Kick() { f.inner.Kick() }

func (f *file) TryLock() (held bool, err error) {
	err = f.run(op.Lock, func() (err error) { held, err = f.inner.TryLock(); return err })
	return held, err
}

func (f *file) TryLockShared() (held bool, err error) {
	err = f.run(op.Lock, func() (err error) { held, err = f.inner.TryLockShared(); return err })
	return held, err
}

func (f *file) Unlock() error { return f.run(op.Lock, f.inner.Unlock) }

// Close closes, whatever it says.
func (f *file) Close() error {
	return errors.Join(f.run(op.Close, func() error { return nil }), f.inner.Close())
}
