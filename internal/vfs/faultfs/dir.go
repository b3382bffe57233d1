package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

type dir struct {
	fs    *FS
	inner vfs.Dir
	path  string // it was opened by
}

// at names an operation on name in the directory.
func (d *dir) at(k op.Kind, name string) op.Op { return op.Op{Kind: k, Path: path.Join(d.path, name)} }

// move runs an operation that takes a name in each of two directories.
func (d *dir) move(k op.Kind, name string, to vfs.Dir, toName string, do func(to vfs.Dir) error) error {
	t, ok := to.(*dir)
	if !ok {
		err := fmt.Errorf("%w: a directory of another file system", fs.ErrInvalid)
		return &fs.PathError{Op: string(k), Path: toName, Err: err}
	}
	o := d.at(k, name)
	o.To = path.Join(t.path, toName)
	return d.fs.run(o, func() error { return do(t.inner) })
}

func (d *dir) Stat() (info vfs.Info, err error) {
	err = d.fs.run(d.at(op.Stat, ""), func() (err error) { info, err = d.inner.Stat(); return err })
	return info, err
}

func (d *dir) Volume() (v vfs.Volume, err error) {
	err = d.fs.run(d.at(op.Stat, ""), func() (err error) { v, err = d.inner.Volume(); return err })
	return v, err
}

func (d *dir) Folds() (folds bool, err error) {
	err = d.fs.run(d.at(op.Stat, ""), func() (err error) { folds, err = d.inner.Folds(); return err })
	return folds, err
}

func (d *dir) Writable() (ok bool, err error) {
	err = d.fs.run(d.at(op.Stat, ""), func() (err error) { ok, err = d.inner.Writable(); return err })
	return ok, err
}

func (d *dir) SelfXattrs() (list []vfs.Xattr, err error) {
	err = d.fs.run(d.at(op.Xattrs, ""), func() (err error) { list, err = d.inner.SelfXattrs(); return err })
	return list, err
}

func (d *dir) Lstat(name string) (info vfs.Info, err error) {
	err = d.fs.run(d.at(op.Stat, name), func() (err error) { info, err = d.inner.Lstat(name); return err })
	return info, err
}

func (d *dir) ReadDir() (list []vfs.Entry, err error) {
	err = d.fs.run(d.at(op.ReadDir, ""), func() (err error) { list, err = d.inner.ReadDir(); return err })
	return list, err
}

func (d *dir) Readlink(name string) (target string, err error) {
	err = d.fs.run(d.at(op.Readlink, name), func() (err error) { target, err = d.inner.Readlink(name); return err })
	return target, err
}

func (d *dir) OpenDir(name string) (vfs.Dir, error) {
	return d.fs.dir(d.at(op.OpenDir, name), func() (vfs.Dir, error) { return d.inner.OpenDir(name) })
}

func (d *dir) Open(name string) (vfs.File, error) {
	return d.fs.file(d.at(op.Open, name), func() (vfs.File, error) { return d.inner.Open(name) })
}

func (d *dir) OpenWrite(name string) (vfs.File, error) {
	return d.fs.file(d.at(op.Open, name), func() (vfs.File, error) { return d.inner.OpenWrite(name) })
}

func (d *dir) Create(name string, mode uint32) (vfs.File, error) {
	return d.fs.file(d.at(op.Create, name), func() (vfs.File, error) { return d.inner.Create(name, mode) })
}

func (d *dir) Mkdir(name string, mode uint32) error {
	return d.fs.run(d.at(op.Mkdir, name), func() error { return d.inner.Mkdir(name, mode) })
}

func (d *dir) Symlink(target, name string) error {
	return d.fs.run(d.at(op.Symlink, name), func() error { return d.inner.Symlink(target, name) })
}

func (d *dir) Link(name string, to vfs.Dir, toName string) error {
	return d.move(op.Link, name, to, toName, func(to vfs.Dir) error { return d.inner.Link(name, to, toName) })
}

func (d *dir) Rename(name string, to vfs.Dir, toName string) error {
	return d.move(op.Rename, name, to, toName, func(to vfs.Dir) error { return d.inner.Rename(name, to, toName) })
}

func (d *dir) RenameNoReplace(name string, to vfs.Dir, toName string) error {
	return d.move(op.RenameNoReplace, name, to, toName, func(to vfs.Dir) error {
		return d.inner.RenameNoReplace(name, to, toName)
	})
}

func (d *dir) Exchange(name string, to vfs.Dir, toName string) error {
	return d.move(op.Exchange, name, to, toName, func(to vfs.Dir) error { return d.inner.Exchange(name, to, toName) })
}

func (d *dir) Remove(name string) error {
	return d.fs.run(d.at(op.Remove, name), func() error { return d.inner.Remove(name) })
}

func (d *dir) Rmdir(name string) error {
	return d.fs.run(d.at(op.Rmdir, name), func() error { return d.inner.Rmdir(name) })
}

// Replace goes step by step, so that each can fail.
func (d *dir) Replace(name string, mode uint32, write func(io.Writer) error) error {
	return vfs.ReplaceBySteps(d, name, mode, write)
}

func (d *dir) Chmod(name string, mode uint32) error {
	return d.fs.run(d.at(op.Chmod, name), func() error { return d.inner.Chmod(name, mode) })
}

func (d *dir) Chown(name string, uid, gid uint32) error {
	return d.fs.run(d.at(op.Chown, name), func() error { return d.inner.Chown(name, uid, gid) })
}

func (d *dir) Xattrs(name string) (list []vfs.Xattr, err error) {
	err = d.fs.run(d.at(op.Xattrs, name), func() (err error) { list, err = d.inner.Xattrs(name); return err })
	return list, err
}

func (d *dir) SetXattr(name, attr string, value []byte) error {
	return d.fs.run(d.at(op.SetXattr, name), func() error { return d.inner.SetXattr(name, attr, value) })
}

func (d *dir) RemoveXattr(name, attr string) error {
	return d.fs.run(d.at(op.RemoveXattr, name), func() error { return d.inner.RemoveXattr(name, attr) })
}

func (d *dir) Sync() error { return d.fs.run(d.at(op.SyncDir, ""), d.inner.Sync) }

func (d *dir) SyncFS() error { return d.fs.run(d.at(op.SyncFS, ""), d.inner.SyncFS) }

func (d *dir) Features() (f vfs.Features, err error) {
	err = d.fs.run(d.at(op.Stat, ""), func() (err error) { f, err = d.inner.Features(); return err })
	return f, err
}

// Close closes, whatever it says.
func (d *dir) Close() error {
	return errors.Join(d.fs.run(d.at(op.Close, ""), func() error { return nil }), d.inner.Close())
}
