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

type osDir struct{ root *os.Root }

func (d *osDir) path(name string) string { return filepath.Join(d.root.Name(), name) }

// at checks name and runs call with its path.
func (d *osDir) at(op, name string, call func(path string) error) error {
	if err := CheckName(op, name); err != nil {
		return err
	}
	return pathError(op, name, call(d.path(name)))
}

// across is at for the calls that take a name in each of two directories.
func (d *osDir) across(op, name string, to Dir, toName string, call func(from, to string) error) error {
	t, ok := to.(*osDir)
	if !ok {
		return pathError(op, toName, fmt.Errorf("%w: a directory of another file system", fs.ErrInvalid))
	}
	if err := CheckName(op, toName); err != nil {
		return err
	}
	return d.at(op, name, func(from string) error { return call(from, t.path(toName)) })
}

func stat(path string) (info Info, err error) {
	err = withHandle(path, func(h windows.Handle) (err error) {
		info, err = infoOf(h)
		return err
	})
	return info, err
}

func (d *osDir) Stat() (Info, error) {
	info, err := stat(d.root.Name())
	return info, pathError("stat", d.root.Name(), err)
}

func (d *osDir) Volume() (Volume, error) {
	info, err := d.Stat()
	return Volume{Dev: info.Dev}, err
}

func (d *osDir) Folds() (bool, error) { return false, nil }

func (d *osDir) SelfXattrs() ([]Xattr, error) { return nil, nil }

func (d *osDir) Writable() (bool, error) { return true, nil }

func (d *osDir) Lstat(name string) (info Info, err error) {
	err = d.at("lstat", name, func(path string) (err error) {
		info, err = stat(path)
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
	err = d.at("readlink", name, func(string) (err error) {
		target, err = d.root.Readlink(name)
		return err
	})
	return target, err
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
	return &osDir{root}, nil
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
	return d.at("mkdir", name, func(string) error { return d.root.Mkdir(name, os.FileMode(mode&0o777)) })
}

func (d *osDir) Symlink(target, name string) error {
	return d.at("symlink", name, func(string) error { return d.root.Symlink(target, name) })
}

func (d *osDir) Link(name string, to Dir, toName string) error {
	return d.across("link", name, to, toName, os.Link)
}

func (d *osDir) Rename(name string, to Dir, toName string) error {
	return d.across("rename", name, to, toName, func(from, to string) error {
		return moveFile(from, to, windows.MOVEFILE_REPLACE_EXISTING)
	})
}

func (d *osDir) RenameNoReplace(name string, to Dir, toName string) error {
	return d.across("rename", name, to, toName, func(from, to string) error { return moveFile(from, to, 0) })
}

func (d *osDir) Exchange(name string, to Dir, toName string) error {
	return d.across("exchange", name, to, toName, func(string, string) error { return errors.ErrUnsupported })
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
	return d.at("chmod", name, func(path string) error {
		info, err := stat(path)
		if err == nil && info.Kind == Symlink {
			err = fmt.Errorf("%w: mode of a link", errors.ErrUnsupported)
		}
		if err != nil {
			return err
		}
		return d.root.Chmod(name, os.FileMode(mode&0o777))
	})
}

func (d *osDir) Chown(name string, _, _ uint32) error {
	return d.at("chown", name, func(string) error { return errors.ErrUnsupported })
}

func (d *osDir) Xattrs(name string) ([]Xattr, error) { return nil, CheckName("listxattr", name) }

func (d *osDir) SetXattr(name, _ string, _ []byte) error {
	return d.at("setxattr", name, func(string) error { return ErrNoXattr })
}

func (d *osDir) RemoveXattr(name, _ string) error {
	return d.at("removexattr", name, func(string) error { return ErrNoXattr })
}

// Sync does nothing: renames are written through, and for other changes of
// names the system offers no such thing.
func (d *osDir) Sync() error { return nil }

func (d *osDir) SyncFS() error { return pathError("syncfs", d.root.Name(), errors.ErrUnsupported) }

func (d *osDir) Features() (f Features, err error) {
	err = withHandle(d.root.Name(), func(h windows.Handle) (err error) {
		f, err = featuresOf(h)
		return err
	})
	return f, pathError("stat", d.root.Name(), err)
}

func (d *osDir) Close() error { return d.root.Close() }
