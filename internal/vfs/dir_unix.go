//go:build linux || darwin

package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

type osDir struct {
	f  *os.File
	fs *osFS
}

// at checks name and runs call with the directory's descriptor.
func (d *osDir) at(op, name string, call func(fd int) error) error {
	if err := CheckName(op, name); err != nil {
		return err
	}
	return pathError(op, name, withFD(d.f, call))
}

// across is at for the calls that take a name in each of two directories.
func (d *osDir) across(op, name string, to Dir, toName string, call func(from, to int) error) error {
	t, ok := to.(*osDir)
	if !ok {
		return pathError(op, toName, fmt.Errorf("%w: a directory of another file system", fs.ErrInvalid))
	}
	if err := CheckName(op, toName); err != nil {
		return err
	}
	return d.at(op, name, func(from int) error {
		return withFD(t.f, func(to int) error { return call(from, to) })
	})
}

func (d *osDir) Stat() (Info, error) { return statOf(d.f) }

func (d *osDir) Volume() (v Volume, err error) {
	err = withFD(d.f, func(fd int) (err error) {
		v, err = volumeOf(fd)
		return err
	})
	return v, pathError("stat", d.f.Name(), err)
}

func (d *osDir) Folds() (folds bool, err error) {
	err = withFD(d.f, func(fd int) error {
		folds = foldsCase(fd)
		return nil
	})
	return folds, pathError("stat", d.f.Name(), err)
}

func (d *osDir) Writable() (bool, error) {
	err := withFD(d.f, func(fd int) error {
		return unix.Faccessat(fd, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	})
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return false, nil
	}
	return err == nil, pathError("access", d.f.Name(), err)
}

func (d *osDir) Lstat(name string) (Info, error) {
	var st unix.Stat_t
	err := d.at("lstat", name, func(fd int) error {
		return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		return Info{}, err
	}
	return infoOf(&st), nil
}

func (d *osDir) Readlink(name string) (target string, err error) {
	for size := 256; ; size *= 2 {
		buf, n := make([]byte, size), 0
		err := d.at("readlink", name, func(fd int) (err error) {
			n, err = unix.Readlinkat(fd, name, buf)
			return err
		})
		if err != nil {
			return "", err
		}
		if n < size { // a full buffer may hold only the beginning
			return string(buf[:n]), nil
		}
	}
}

// open opens name relative to the directory.
func (d *osDir) open(name string, flags int, mode uint32) (f *os.File, err error) {
	flags |= unix.O_NOFOLLOW | unix.O_CLOEXEC
	err = d.at("open", name, func(fd int) error {
		n, err := unix.Openat(fd, name, flags, mode)
		if err == nil {
			f = os.NewFile(uintptr(n), name)
		}
		return err
	})
	return f, err
}

func (d *osDir) OpenDir(name string) (Dir, error) {
	f, err := d.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &osDir{f: f, fs: d.fs}, nil
}

func (d *osDir) Open(name string) (File, error) { return d.openFile(name, unix.O_RDONLY) }

func (d *osDir) OpenWrite(name string) (File, error) { return d.openFile(name, unix.O_RDWR) }

// openFile refuses a directory, which the system lets one open for reading.
// O_NONBLOCK keeps a pipe without a partner from holding us up; it means
// nothing to a file.
func (d *osDir) openFile(name string, flags int) (File, error) {
	f, err := d.open(name, flags|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := statOf(f)
	if err == nil && info.Kind == Directory {
		err = pathError("open", name, unix.EISDIR)
	}
	if err != nil {
		_ = f.Close() // opened a moment ago and never used
		return nil, err
	}
	return &osFile{f}, nil
}

func (d *osDir) Create(name string, mode uint32) (File, error) {
	f, err := d.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, mode&ModeMask)
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

func (d *osDir) Mkdir(name string, mode uint32) error {
	return d.at("mkdir", name, func(fd int) error { return unix.Mkdirat(fd, name, mode&ModeMask) })
}

func (d *osDir) Symlink(target, name string) error {
	return d.at("symlink", name, func(fd int) error { return unix.Symlinkat(target, fd, name) })
}

func (d *osDir) Link(name string, to Dir, toName string) error {
	return d.across("link", name, to, toName, func(from, to int) error {
		return unix.Linkat(from, name, to, toName, 0)
	})
}

func (d *osDir) Rename(name string, to Dir, toName string) error {
	return d.across("rename", name, to, toName, func(from, to int) error {
		return unix.Renameat(from, name, to, toName)
	})
}

func (d *osDir) RenameNoReplace(name string, to Dir, toName string) error {
	return d.across("rename", name, to, toName, func(from, to int) error {
		return orUnsupported(renameNoReplace(from, name, to, toName))
	})
}

func (d *osDir) Exchange(name string, to Dir, toName string) error {
	return d.across("exchange", name, to, toName, func(from, to int) error {
		return orUnsupported(exchange(from, name, to, toName))
	})
}

func (d *osDir) Remove(name string) error {
	return d.at("remove", name, func(fd int) error { return unix.Unlinkat(fd, name, 0) })
}

func (d *osDir) Rmdir(name string) error {
	return d.at("rmdir", name, func(fd int) error { return unix.Unlinkat(fd, name, unix.AT_REMOVEDIR) })
}

func (d *osDir) Chmod(name string, mode uint32) error {
	return d.at("chmod", name, func(fd int) error { return chmodAt(fd, name, mode&ModeMask) })
}

func (d *osDir) Chown(name string, uid, gid uint32) error {
	return d.at("chown", name, func(fd int) error {
		return unix.Fchownat(fd, name, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
	})
}

func (d *osDir) Xattrs(name string) (list []Xattr, err error) {
	err = d.at("listxattr", name, func(fd int) error {
		return xattrsAt(fd, name, func(x xattrCalls) (err error) {
			list, err = listXattrs(x)
			return err
		})
	})
	return list, err
}

func (d *osDir) SelfXattrs() (list []Xattr, err error) {
	err = withFD(d.f, func(fd int) (err error) {
		list, err = listXattrs(xattrsOfFD(fd))
		return err
	})
	return list, pathError("listxattr", d.f.Name(), err)
}

func (d *osDir) SetXattr(name, attr string, value []byte) error {
	return d.at("setxattr", name, func(fd int) error {
		return xattrsAt(fd, name, func(x xattrCalls) error { return orNoXattr(x.set(attr, value)) })
	})
}

func (d *osDir) RemoveXattr(name, attr string) error {
	return d.at("removexattr", name, func(fd int) error {
		return xattrsAt(fd, name, func(x xattrCalls) error { return orNoXattr(x.remove(attr)) })
	})
}

func (d *osDir) Sync() error { return d.f.Sync() }

func (d *osDir) SyncFS() error {
	features, err := d.Features()
	if err != nil {
		return err
	}
	if !features.SyncFS {
		return pathError("syncfs", d.f.Name(), errors.ErrUnsupported)
	}
	return pathError("syncfs", d.f.Name(), withFD(d.f, syncFS))
}

// Features asks the system once for each device.
func (d *osDir) Features() (Features, error) {
	info, err := d.Stat()
	if err != nil {
		return Features{}, err
	}
	if known, ok := d.fs.features.Load(info.Dev); ok {
		return known.(Features), nil
	}
	var found Features
	err = withFD(d.f, func(fd int) (err error) {
		found, err = featuresOf(fd, info.Dev)
		return err
	})
	if err != nil {
		return Features{}, pathError("statfs", d.f.Name(), err)
	}
	d.fs.features.Store(info.Dev, found)
	return found, nil
}

func (d *osDir) Close() error { return d.f.Close() }
