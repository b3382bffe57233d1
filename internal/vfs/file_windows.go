package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

type osFile struct{ *os.File }

// on runs call with the file's handle.
func (f *osFile) on(op string, call func(windows.Handle) error) error {
	return pathError(op, f.Name(), withHandle(f.File, call))
}

// withHandle runs call with the handle of f, which stays open meanwhile.
func withHandle(f *os.File, call func(windows.Handle) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := conn.Control(func(fd uintptr) { callErr = call(windows.Handle(fd)) }); err != nil {
		return os.ErrClosed
	}
	return callErr
}

func (f *osFile) Stat() (info Info, err error) {
	err = f.on("stat", func(h windows.Handle) (err error) {
		info, err = infoOf(h)
		return err
	})
	return info, err
}

func (f *osFile) Chmod(mode uint32) error { return f.File.Chmod(os.FileMode(mode & 0o777)) }

func (f *osFile) Chown(_, _ uint32) error { return pathError("chown", f.Name(), errors.ErrUnsupported) }

func (f *osFile) Xattrs() ([]Xattr, error) { return nil, nil }

func (f *osFile) SetXattr(string, []byte) error { return pathError("setxattr", f.Name(), ErrNoXattr) }

func (f *osFile) RemoveXattr(string) error { return pathError("removexattr", f.Name(), ErrNoXattr) }

// Sync takes a handle of its own where this one is for reading, by which the
// system syncs nothing. A read-only file gives none: its data are left to whoever
// wrote them, as emend does, which syncs what it writes by the handle it has.
func (f *osFile) Sync() error {
	return f.on("sync", func(h windows.Handle) error {
		err := windows.FlushFileBuffers(h)
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		if info, err := infoOf(h); err != nil || info.Mode&0o200 == 0 {
			return err
		}
		writable, err := openAt(h, "", windows.FILE_APPEND_DATA)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(writable)
		return windows.FlushFileBuffers(writable)
	})
}

func (f *osFile) Datasync() error { return f.Sync() }

func (f *osFile) Kick() {}

// lockAt is the upper half of the offset of the lock: Windows keeps everybody
// from the locked bytes, so they are some that no file has.
const lockAt = 1 << 30

func (f *osFile) TryLock() (bool, error) { return f.tryLock(windows.LOCKFILE_EXCLUSIVE_LOCK) }

func (f *osFile) TryLockShared() (bool, error) { return f.tryLock(0) }

func (f *osFile) tryLock(how uint32) (bool, error) {
	at := windows.Overlapped{OffsetHigh: lockAt}
	err := f.on("lock", func(h windows.Handle) error {
		return windows.LockFileEx(h, how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

func (f *osFile) Unlock() error {
	at := windows.Overlapped{OffsetHigh: lockAt}
	return f.on("unlock", func(h windows.Handle) error { return windows.UnlockFileEx(h, 0, 1, 0, &at) })
}
