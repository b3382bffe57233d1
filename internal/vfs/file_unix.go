//go:build linux || darwin

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

type osFile struct{ *os.File }

func statOf(f *os.File) (Info, error) {
	var st unix.Stat_t
	if err := withFD(f, func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return Info{}, pathError("stat", f.Name(), err)
	}
	return infoOf(&st), nil
}

func (f *osFile) Stat() (Info, error) { return statOf(f.File) }

// on runs call with the file's descriptor.
func (f *osFile) on(op string, call func(fd int) error) error {
	return pathError(op, f.Name(), withFD(f.File, call))
}

func (f *osFile) Chmod(mode uint32) error {
	return f.on("chmod", func(fd int) error { return unix.Fchmod(fd, mode&ModeMask) })
}

func (f *osFile) Chown(uid, gid uint32) error {
	return f.on("chown", func(fd int) error { return unix.Fchown(fd, int(uid), int(gid)) })
}

func (f *osFile) Xattrs() (list []Xattr, err error) {
	err = f.on("listxattr", func(fd int) (err error) {
		list, err = listXattrs(xattrsOfFD(fd))
		return err
	})
	return list, err
}

func (f *osFile) SetXattr(attr string, value []byte) error {
	return f.on("setxattr", func(fd int) error { return orNoXattr(xattrsOfFD(fd).set(attr, value)) })
}

func (f *osFile) RemoveXattr(attr string) error {
	return f.on("removexattr", func(fd int) error { return orNoXattr(xattrsOfFD(fd).remove(attr)) })
}

func (f *osFile) Datasync() error { return datasync(f.File) }

func (f *osFile) Kick() { _ = withFD(f.File, startWriteback) } // promises nothing

func (f *osFile) TryLock() (bool, error) { return f.tryFlock(unix.LOCK_EX) }

func (f *osFile) TryLockShared() (bool, error) { return f.tryFlock(unix.LOCK_SH) }

func (f *osFile) tryFlock(how int) (bool, error) {
	err := f.on("flock", func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	if isWouldBlock(err) {
		return false, nil
	}
	return err == nil, err
}

func (f *osFile) Unlock() error {
	return f.on("flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
}
