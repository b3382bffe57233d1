package vfs

import (
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// A colon would name a stream of a file, or a drive.
const separators = "/\\:\x00"

// OS is the operating system's file system. Every name is looked up in the open
// handle of its directory, as on the other systems.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) OpenRoot(path string) (Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return newDir(root)
}

func (osFS) MkdirRoot(path string, mode uint32) error { return os.Mkdir(path, os.FileMode(mode)) }

// Umask is 0: there is none.
func (osFS) Umask() uint32 { return 0 }

// EUID is -1: there is none.
func (osFS) EUID() int { return -1 }

func (osFS) Unwritten() int64 { return 0 }

// infoOf reads what the handle is open on.
func infoOf(h windows.Handle) (Info, error) {
	var b windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &b); err != nil {
		return Info{}, err
	}
	i := Info{
		Kind: Regular, Mode: 0o666,
		Size:  int64(b.FileSizeHigh)<<32 | int64(b.FileSizeLow),
		Nlink: uint64(b.NumberOfLinks),
		Dev:   uint64(b.VolumeSerialNumber), Ino: uint64(b.FileIndexHigh)<<32 | uint64(b.FileIndexLow),
		Mtime: b.LastWriteTime.Nanoseconds(), Ctime: b.LastWriteTime.Nanoseconds(),
	}
	switch {
	case b.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		i.Kind, i.Mode = Symlink, 0o777
	case b.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		i.Kind, i.Mode = Directory, 0o777
	case b.FileAttributes&windows.FILE_ATTRIBUTE_READONLY != 0:
		i.Mode = 0o444
	}
	return i, nil
}

// featuresOf knows that NTFS and ReFS keep their names safe.
func featuresOf(h windows.Handle) (Features, error) {
	var name [windows.MAX_PATH + 1]uint16
	err := windows.GetVolumeInformationByHandle(h, nil, 0, nil, nil, nil, &name[0], uint32(len(name)))
	if err != nil {
		return Features{}, err
	}
	kind := strings.ToLower(windows.UTF16ToString(name[:]))
	return Features{Type: kind, Journal: kind == "ntfs" || kind == "refs"}, nil
}

// MaxOpen is how many files and directories this process may have open at once.
func MaxOpen() int { return 1 << 16 }
