//go:build linux || darwin

package vfs

import (
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const separators = "/\x00"

// OS is the operating system's file system, the same FS in every call: who
// uses it side by side can tell that it is one.
func OS() FS { return system }

var system = &osFS{}

type osFS struct {
	features sync.Map // device number -> Features
}

func (o *osFS) OpenRoot(path string) (Dir, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return &osDir{f: os.NewFile(uintptr(fd), path), fs: o}, nil
}

func (o *osFS) MkdirRoot(path string, mode uint32) error {
	if err := retry(func() error { return unix.Mkdir(path, 0o700) }); err != nil {
		return pathError("mkdir", path, err)
	}
	if err := chmodNewDir(path, mode); err != nil {
		_ = unix.Rmdir(path) // the first error is the one to tell
		return pathError("chmod", path, err)
	}
	return nil
}

func chmodNewDir(path string, mode uint32) error {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return retry(func() error { return unix.Fchmod(fd, mode&ModeMask) })
}

func (o *osFS) Umask() uint32 { return umask() }

func (o *osFS) EUID() int { return os.Geteuid() }

func (o *osFS) Unwritten() int64 { return unwritten() }

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// withFD runs call on f's descriptor, which stays open meanwhile whoever
// closes f.
func withFD(f *os.File, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	err = conn.Control(func(fd uintptr) {
		callErr = retry(func() error { return call(int(fd)) })
	})
	if err != nil { // and nothing was called
		return fs.ErrClosed
	}
	return callErr
}

func infoOf(st *unix.Stat_t) Info {
	return Info{
		Kind: kindOf(uint32(st.Mode)),
		Mode: uint32(st.Mode) & ModeMask,
		Size: st.Size,
		UID:  st.Uid, GID: st.Gid,
		Nlink: uint64(st.Nlink),
		Dev:   uint64(st.Dev), Ino: st.Ino,
		Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(),
	}
}

func kindOf(mode uint32) Kind {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return Regular
	case unix.S_IFDIR:
		return Directory
	case unix.S_IFLNK:
		return Symlink
	}
	return Other
}

// MaxOpen is how many files and directories this process may have open at once.
func MaxOpen() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return usualMaxOpen
	}
	return int(min(limit.Cur, manyOpen))
}

const (
	usualMaxOpen = 256
	manyOpen     = 1 << 20 // more than anybody needs
)
