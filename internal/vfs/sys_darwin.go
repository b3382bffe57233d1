package vfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const errNoAttr = unix.ENOATTR

func renameNoReplace(from int, name string, to int, toName string) error {
	return unix.RenameatxNp(from, name, to, toName, unix.RENAME_EXCL)
}

func exchange(from int, name string, to int, toName string) error {
	return unix.RenameatxNp(from, name, to, toName, unix.RENAME_SWAP)
}

func volumeOf(fd int) (Volume, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return Volume{Dev: uint64(st.Dev)}, err
}

func foldsCase(fd int) bool {
	const caseSensitive = 11 // _PC_CASE_SENSITIVE
	counts, err := unix.Fpathconf(fd, caseSensitive)
	return err == nil && counts == 0
}

// chmodAt refuses a link, although this system could do it: no caller could
// rely on it elsewhere.
func chmodAt(dir int, name string, mode uint32) error {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if kindOf(uint32(st.Mode)) == Symlink {
		return fmt.Errorf("%w: mode of a link", errors.ErrUnsupported)
	}
	return unix.Fchmodat(dir, name, mode, unix.AT_SYMLINK_NOFOLLOW)
}

// xattrsAt opens the name, a link itself where one stands there.
func xattrsAt(dir int, name string, call func(xattrCalls) error) error {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_SYMLINK|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return call(xattrsOfFD(fd))
}

// datasync is a whole sync: only F_FULLFSYNC, which Sync uses, reaches the
// medium here.
func datasync(f *os.File) error { return f.Sync() }

func syncFS(int) error { return errors.ErrUnsupported }

func startWriteback(int) error { return nil }

// umaskLock keeps two readers of the mask from reading each other's.
var umaskLock sync.Mutex

// umask can be read only by setting it. For that moment it keeps everybody
// else out, so that a file made meanwhile is too private and not too open.
func umask() uint32 {
	umaskLock.Lock()
	defer umaskLock.Unlock()
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return uint32(mask)
}

// Replace goes by the directory's handle, which renameio could not be given
// here: there is no path that leads to an open directory.
func (d *osDir) Replace(name string, mode uint32, write func(io.Writer) error) error {
	return ReplaceBySteps(d, name, mode, write)
}

// ReadDir reads through a descriptor of its own, because the position in a
// directory belongs to the descriptor and d may be shared.
func (d *osDir) ReadDir() ([]Entry, error) {
	var own *os.File
	err := withFD(d.f, func(fd int) error {
		n, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			own = os.NewFile(uintptr(n), d.f.Name())
		}
		return err
	})
	if err != nil {
		return nil, pathError("readdir", d.f.Name(), err)
	}
	defer own.Close()
	names, err := own.Readdirnames(-1)
	list := make([]Entry, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list, err
}

// featuresOf knows APFS, which copies on write, and HFS+, where a flag says
// whether it has a journal.
func featuresOf(fd int, _ uint64) (Features, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return Features{}, err
	}
	f := Features{Type: unix.ByteSliceToString(st.Fstypename[:])}
	switch f.Type {
	case "apfs":
		f.Journal, f.Exchange = true, true
	case "hfs":
		f.Journal = st.Flags&unix.MNT_JOURNALED != 0
	}
	return f, nil
}

// unwritten: the system does not tell, and has no use for it here.
func unwritten() int64 { return 0 }
