package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// osDir is a directory twice: as a root, from which nothing leads out, and as a
// handle for the calls that the root has not.
type osDir struct {
	root *os.Root
	self *os.File
}

func newDir(root *os.Root) (Dir, error) {
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &osDir{root, self}, nil
}

// on runs call with the directory's handle; errors are about name in it.
func (d *osDir) on(op, name string, call func(windows.Handle) error) error {
	return pathError(op, name, withHandle(d.self, call))
}

// at checks name, and runs call with a handle of what stands there, a link
// itself, opened for that access.
func (d *osDir) at(op, name string, access uint32, call func(h windows.Handle) error) error {
	if err := CheckName(op, name); err != nil {
		return err
	}
	return d.on(op, name, func(dir windows.Handle) error {
		h, err := openAt(dir, name, access)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(h)
		return call(h)
	})
}

// across is at for the calls that take a name in each of two directories: call
// gets what stands at name, and the handle of the directory to.
func (d *osDir) across(op, name string, access uint32, to Dir, toName string, call func(h, to windows.Handle) error) error {
	t, ok := to.(*osDir)
	if !ok {
		return pathError(op, toName, fmt.Errorf("%w: a directory of another file system", fs.ErrInvalid))
	}
	if err := CheckName(op, toName); err != nil {
		return err
	}
	return d.at(op, name, access, func(h windows.Handle) error {
		return withHandle(t.self, func(dir windows.Handle) error { return call(h, dir) })
	})
}

func (d *osDir) Stat() (info Info, err error) { return (&osFile{d.self}).Stat() }

func (d *osDir) Volume() (Volume, error) {
	info, err := d.Stat()
	return Volume{Dev: info.Dev}, err
}

// Folds is what the directory itself says, where it can.
func (d *osDir) Folds() (folds bool, err error) {
	err = d.on("stat", d.root.Name(), func(h windows.Handle) error {
		folds = !caseSensitive(h)
		return nil
	})
	return folds, err
}

func (d *osDir) SelfXattrs() ([]Xattr, error) { return nil, nil }

func (d *osDir) Writable() (bool, error) { return true, nil }

func (d *osDir) Lstat(name string) (info Info, err error) {
	err = d.at("lstat", name, windows.FILE_READ_ATTRIBUTES, func(h windows.Handle) (err error) {
		info, err = infoOf(h)
		return err
	})
	return info, err
}

func (d *osDir) ReadDir() ([]Entry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, err := f.ReadDir(-1)
	list := make([]Entry, len(found))
	for i, e := range found {
		list[i] = Entry{Name: e.Name(), Kind: entryKind(e.Type())}
	}
	return list, err
}

func entryKind(m os.FileMode) Kind {
	switch {
	case m.IsRegular():
		return Regular
	case m.IsDir():
		return Directory
	case m&os.ModeSymlink != 0:
		return Symlink
	}
	return Other
}

func (d *osDir) Readlink(name string) (target string, err error) {
	if err := CheckName("readlink", name); err != nil {
		return "", err
	}
	target, err = d.root.Readlink(name)
	return filepath.ToSlash(target), err
}

// real refuses a link at name, and what is no directory or is one.
func (d *osDir) real(op, name string, directory bool) error {
	info, err := d.Lstat(name)
	switch {
	case err != nil:
		return err
	case info.Kind == Symlink:
		err = syscall.ELOOP
	case directory && info.Kind != Directory:
		err = syscall.ENOTDIR
	case !directory && info.Kind == Directory:
		err = syscall.EISDIR
	}
	return pathError(op, name, err)
}

func (d *osDir) OpenDir(name string) (Dir, error) {
	if err := d.real("open", name, true); err != nil {
		return nil, err
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return newDir(root)
}

func (d *osDir) Open(name string) (File, error) { return d.openFile(name, os.O_RDONLY) }

func (d *osDir) OpenWrite(name string) (File, error) { return d.openFile(name, os.O_RDWR) }

func (d *osDir) openFile(name string, flags int) (File, error) {
	if err := d.real("open", name, false); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

func (d *osDir) Create(name string, mode uint32) (File, error) {
	if err := CheckName("open", name); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, os.FileMode(mode&0o777))
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

func (d *osDir) Mkdir(name string, mode uint32) error {
	if err := CheckName("mkdir", name); err != nil {
		return err
	}
	return d.root.Mkdir(name, os.FileMode(mode&0o777))
}

func (d *osDir) Symlink(target, name string) error {
	if err := CheckName("symlink", name); err != nil {
		return err
	}
	return d.root.Symlink(target, name)
}

func (d *osDir) Link(name string, to Dir, toName string) error {
	return d.across("link", name, windows.FILE_WRITE_ATTRIBUTES, to, toName, func(h, dir windows.Handle) error {
		return link(h, dir, toName)
	})
}

func (d *osDir) Rename(name string, to Dir, toName string) error {
	return d.across("rename", name, windows.DELETE, to, toName, func(h, dir windows.Handle) error {
		return renameReplacing(h, dir, toName)
	})
}

func (d *osDir) RenameNoReplace(name string, to Dir, toName string) error {
	return d.across("rename", name, windows.DELETE, to, toName, func(h, dir windows.Handle) error {
		return rename(h, dir, toName)
	})
}

func (d *osDir) Exchange(name string, to Dir, toName string) error {
	return d.across("exchange", name, windows.FILE_READ_ATTRIBUTES, to, toName, func(_, _ windows.Handle) error {
		return errors.ErrUnsupported
	})
}

func (d *osDir) Remove(name string) error {
	if err := d.real("remove", name, false); err != nil && !errors.Is(err, syscall.ELOOP) {
		return err
	}
	return d.root.Remove(name)
}

func (d *osDir) Rmdir(name string) error {
	if err := d.real("rmdir", name, true); err != nil {
		return err
	}
	return d.root.Remove(name)
}

func (d *osDir) Replace(name string, mode uint32, write func(io.Writer) error) error {
	return ReplaceBySteps(d, name, mode, write)
}

// Chmod knows one thing here: whether the file may be written.
func (d *osDir) Chmod(name string, mode uint32) error {
	info, err := d.Lstat(name)
	if err == nil && info.Kind == Symlink {
		err = pathError("chmod", name, fmt.Errorf("%w: mode of a link", errors.ErrUnsupported))
	}
	if err != nil {
		return err
	}
	return d.root.Chmod(name, os.FileMode(mode&0o777))
}

func (d *osDir) Chown(name string, _, _ uint32) error {
	return d.refuse("chown", name, errors.ErrUnsupported)
}

func (d *osDir) Xattrs(name string) ([]Xattr, error) { return nil, CheckName("listxattr", name) }

func (d *osDir) SetXattr(name, _ string, _ []byte) error {
	return d.refuse("setxattr", name, ErrNoXattr)
}

func (d *osDir) RemoveXattr(name, _ string) error {
	return d.refuse("removexattr", name, ErrNoXattr)
}

// refuse gives err, unless name is malformed.
func (d *osDir) refuse(op, name string, err error) error {
	if err := CheckName(op, name); err != nil {
		return err
	}
	return pathError(op, name, err)
}

// Sync does nothing: renames are written through, and for other changes of
// names the system offers no such thing.
func (d *osDir) Sync() error { return nil }

func (d *osDir) SyncFS() error { return pathError("syncfs", d.root.Name(), errors.ErrUnsupported) }

func (d *osDir) Features() (f Features, err error) {
	err = d.on("stat", d.root.Name(), func(h windows.Handle) (err error) {
		f, err = featuresOf(h)
		return err
	})
	return f, err
}

func (d *osDir) Close() error { return errors.Join(d.self.Close(), d.root.Close()) }
