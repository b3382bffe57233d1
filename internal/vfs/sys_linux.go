package vfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

const errNoAttr = unix.ENODATA

func renameNoReplace(from int, name string, to int, toName string) error {
	return unix.Renameat2(from, name, to, toName, unix.RENAME_NOREPLACE)
}

func exchange(from int, name string, to int, toName string) error {
	return unix.Renameat2(from, name, to, toName, unix.RENAME_EXCHANGE)
}

// volumeOf asks for the mount as well: between two mounts of one file system
// there is no rename. Before Linux 5.8, and where statx is kept from us, the
// device has to do.
func volumeOf(fd int) (Volume, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Volume{}, err
	}
	v := Volume{Dev: uint64(st.Dev)}
	var x unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &x); err == nil && x.Mask&unix.STATX_MNT_ID != 0 {
		v.Mount = x.Mnt_id
	}
	return v, nil
}

// foldsCase reads the flag that chattr +F sets. What has no flags does not fold.
func foldsCase(fd int) bool {
	const casefold = 0x40000000 // FS_CASEFOLD_FL
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	return err == nil && flags&casefold != 0
}

// inode opens whatever stands at name, a link too, without touching it, and
// calls with a path that leads to that very inode: the system follows a name
// in /proc/self/fd to what is open and no further.
func inode(dir int, name string, call func(fd int, path string) error) error {
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return call(fd, procPath(fd))
}

func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// chmodAt takes the way of inode because fchmodat has no flag that keeps it
// from following before Linux 6.6.
func chmodAt(dir int, name string, mode uint32) error {
	return inode(dir, name, func(fd int, path string) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		if kindOf(st.Mode) == Symlink {
			return fmt.Errorf("%w: mode of a link", errors.ErrUnsupported)
		}
		return unix.Chmod(path, mode)
	})
}

func xattrsAt(dir int, name string, call func(xattrCalls) error) error {
	return inode(dir, name, func(_ int, path string) error {
		return call(xattrCalls{
			list:   func(buf []byte) (int, error) { return unix.Listxattr(path, buf) },
			get:    func(attr string, buf []byte) (int, error) { return unix.Getxattr(path, attr, buf) },
			set:    func(attr string, value []byte) error { return unix.Setxattr(path, attr, value, 0) },
			remove: func(attr string) error { return unix.Removexattr(path, attr) },
		})
	})
}

func datasync(f *os.File) error {
	return pathError("fdatasync", f.Name(), withFD(f, unix.Fdatasync))
}

func syncFS(fd int) error { return unix.Syncfs(fd) }

func startWriteback(fd int) error {
	return unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}

// umask reads the mask from /proc, because umask(2) can only read it by
// changing it for every thread. Without /proc the mask is taken to keep
// everybody else out.
func umask() uint32 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0o077
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "Umask:"); ok {
			if mask, err := strconv.ParseUint(strings.TrimSpace(text), 8, 32); err == nil {
				return uint32(mask)
			}
		}
	}
	return 0o077
}

// Replace goes through renameio, held to this very directory by a root on its
// descriptor. The mode is set after the content and before the sync.
func (d *osDir) Replace(name string, mode uint32, write func(io.Writer) error) error {
	return d.at("replace", name, func(fd int) error {
		root, err := os.OpenRoot(procPath(fd))
		if err != nil {
			return err
		}
		defer root.Close()
		return replaceIn(root, name, mode, write)
	})
}

func replaceIn(root *os.Root, name string, mode uint32, write func(io.Writer) error) error {
	pending, err := renameio.NewPendingFile(name, renameio.WithRoot(root), renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer pending.Cleanup() // a no-op once the file stands at its name
	if err := write(pending); err != nil {
		return err
	}
	if err := (&osFile{pending.File}).Chmod(mode); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}
