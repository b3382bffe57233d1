// Package vfs is emend's only door to the operating system. Everything that
// reads, writes, renames, removes, locks or syncs goes through FS, Dir and
// File, so that a test can count every operation, make any of them fail, and
// cut the power after any of them (see crashfs and faultfs).
//
// A Dir is a held directory handle; its methods take single names, never
// paths, and never follow a link in that name. Whoever walks from a root name
// by name therefore cannot leave it, whatever is swapped underneath.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// Kind is what a name stands for.
type Kind uint8

// The kinds. Other is a pipe, socket or device.
const (
	Absent Kind = iota
	Regular
	Directory
	Symlink
	Other
)

// Mode bits as Unix has them in st_mode (07777): permissions, setuid 04000,
// setgid 02000, sticky 01000.
const ModeMask = 0o7777

// Info is what lstat or fstat says.
type Info struct {
	Kind         Kind
	Mode         uint32 // ModeMask bits
	Size         int64
	UID, GID     uint32
	Nlink        uint64
	Dev, Ino     uint64
	Mtime, Ctime int64 // nanoseconds since 1970
}

// SameFile reports whether both describe one inode.
func (i Info) SameFile(j Info) bool { return i.Dev == j.Dev && i.Ino == j.Ino }

// Volume is what a rename can move within: between directories of different
// volumes no name moves, and no second name is made. It is a file system and,
// where the system has one mounted in several places, one of these.
type Volume struct{ Dev, Mount uint64 }

// Xattr is one extended attribute; POSIX ACLs, labels and capabilities are
// attributes as well.
type Xattr struct {
	Name  string
	Value []byte
}

// ErrNoXattr says that the file system or platform has no extended attributes.
// Listing gives an empty list instead.
var ErrNoXattr = errors.New("extended attributes are not supported here")

// Entry is one name in a directory.
type Entry struct {
	Name string
	Kind Kind // Absent where the file system does not tell: use Lstat
}

// Features says what the file system under a directory is good for.
type Features struct {
	Type     string // "ext4", "xfs", "btrfs", "tmpfs", ... or "unknown"
	Journal  bool   // rename is atomic across a power cut (journal or copy-on-write)
	SyncFS   bool   // SyncFS is honest here (§6 of the design)
	Exchange bool   // Exchange can be expected to work
	Labels   bool   // the system gives new files a security label after their directory's
}

// FS opens workspaces.
type FS interface {
	// OpenRoot opens the directory at path, following links in path.
	OpenRoot(path string) (Dir, error)
	// MkdirRoot makes the directory at path (its parent must exist) with mode,
	// whatever the umask. fs.ErrExist if anything is there.
	MkdirRoot(path string, mode uint32) error
	// Umask is the process's file mode creation mask.
	Umask() uint32
	// EUID is the effective user, 0 for root, -1 where there is no such thing.
	EUID() int
	// Unwritten is how many bytes wait to be written to disks, whoever wrote them,
	// on any file system; 0 where the system does not tell.
	Unwritten() int64
}

// Dir is an open directory. Names are single components; "", ".", ".." and
// anything with a separator or a NUL byte is fs.ErrInvalid. No method follows
// a link at the name. Errors satisfy errors.Is with the io/fs sentinels and
// the syscall.Errno of the system. Safe for concurrent use.
type Dir interface {
	// Stat describes the directory itself.
	Stat() (Info, error)
	// Volume says where names of the directory can be renamed to.
	Volume() (Volume, error)
	// Folds reports whether the system says that case does not count in the
	// directory's names. False where it cannot tell.
	Folds() (bool, error)
	// SelfXattrs lists the extended attributes of the directory itself, its
	// default ACL among them, sorted by name.
	SelfXattrs() ([]Xattr, error)
	// Writable reports whether this process may make and remove names in the
	// directory. True where the system cannot tell.
	Writable() (bool, error)
	// Lstat describes name. fs.ErrNotExist if there is nothing.
	Lstat(name string) (Info, error)
	// ReadDir lists all names in no particular order.
	ReadDir() ([]Entry, error)
	// Readlink returns the target of the link name.
	Readlink(name string) (string, error)

	// OpenDir opens the directory name. A link there is syscall.ELOOP or
	// syscall.ENOTDIR.
	OpenDir(name string) (Dir, error)
	// Open opens the file name for reading; it never blocks on a pipe. A link
	// there is syscall.ELOOP.
	Open(name string) (File, error)
	// OpenWrite opens the existing file name for reading and writing.
	OpenWrite(name string) (File, error)
	// Create makes the file name with mode less the umask and opens it for
	// reading and writing. fs.ErrExist if anything is there.
	Create(name string, mode uint32) (File, error)

	// Mkdir makes the directory name with mode less the umask; the parent's
	// default ACL and setgid bit apply as the system has them.
	Mkdir(name string, mode uint32) error
	// Symlink makes the link name.
	Symlink(target, name string) error
	// Link makes toName in to another name of the inode at name (of a link: of
	// the link itself). fs.ErrExist if anything is at toName.
	Link(name string, to Dir, toName string) error
	// Rename moves name to toName in to, replacing a file or link there.
	Rename(name string, to Dir, toName string) error
	// RenameNoReplace is Rename that gives fs.ErrExist where anything is at
	// toName. errors.ErrUnsupported where system or file system lack it.
	RenameNoReplace(name string, to Dir, toName string) error
	// Exchange swaps what the two names stand for, atomically.
	// errors.ErrUnsupported where system or file system lack it.
	Exchange(name string, to Dir, toName string) error
	// Remove unlinks the file or link name; a directory is an error.
	Remove(name string) error
	// Rmdir removes the empty directory name; syscall.ENOTEMPTY otherwise.
	Rmdir(name string) error
	// Replace writes a whole new file beside name with exactly mode, syncs it
	// and renames it over name. The directory is not synced. Until the rename
	// the file's name is "." + name + decimal digits; a crash may leave it.
	Replace(name string, mode uint32, write func(io.Writer) error) error

	// Chmod, Chown and the xattr methods act on name itself, following no
	// link. Chmod of a link is errors.ErrUnsupported.
	Chmod(name string, mode uint32) error
	Chown(name string, uid, gid uint32) error
	Xattrs(name string) ([]Xattr, error) // sorted by name
	SetXattr(name, attr string, value []byte) error
	RemoveXattr(name, attr string) error

	// Sync makes the names in this directory, and its own metadata, durable.
	Sync() error
	// SyncFS makes everything on this file system durable (syncfs(2)).
	// errors.ErrUnsupported where Features().SyncFS is false.
	SyncFS() error
	// Features describes the file system this directory is on.
	Features() (Features, error)
	// Close releases the handle.
	Close() error
}

// File is an open file.
type File interface {
	io.Reader
	io.Writer
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Stat describes the open file.
	Stat() (Info, error)
	// Truncate sets the length.
	Truncate(size int64) error
	// Chmod sets exactly mode (ModeMask bits).
	Chmod(mode uint32) error
	// Chown sets owner and group.
	Chown(uid, gid uint32) error
	// Xattrs lists all extended attributes, sorted by name.
	Xattrs() ([]Xattr, error)
	// SetXattr sets one.
	SetXattr(attr string, value []byte) error
	// RemoveXattr removes one.
	RemoveXattr(attr string) error
	// Sync makes data and metadata durable. An error may mean that the data is
	// lost: it must not be retried on this handle.
	Sync() error
	// Datasync is Sync without the metadata that reading does not need.
	Datasync() error
	// Kick starts write-back without waiting (sync_file_range); best effort,
	// promises nothing.
	Kick()
	// TryLock takes the exclusive kernel lock on the file (flock) without
	// waiting; false if somebody else holds it. Closing releases it; it does
	// not outlive the process.
	TryLock() (bool, error)
	// TryLockShared takes the lock beside others who take it shared; false if
	// somebody holds it exclusively. Not for who has it already.
	TryLockShared() (bool, error)
	// Unlock releases it.
	Unlock() error
}

// NotExist reports whether err says that a name, or a directory on the way to
// it, is not there; a file where that directory would be leaves no name either.
func NotExist(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
