// Package op names the operations of vfs, for the file systems that count,
// trace or disturb them.
package op

import "slices"

// Kind is a kind of operation.
type Kind string

// What only looks.
const (
	Open     Kind = "open"
	OpenDir  Kind = "opendir"
	Stat     Kind = "stat" // stat, lstat, statfs
	ReadDir  Kind = "readdir"
	Readlink Kind = "readlink"
	Read     Kind = "read"
	Xattrs   Kind = "xattrs"
	Lock     Kind = "lock" // lock and unlock
	Close    Kind = "close"
)

// What changes the tree or a file.
const (
	Create          Kind = "create"
	Mkdir           Kind = "mkdir"
	Symlink         Kind = "symlink"
	Link            Kind = "link"
	Rename          Kind = "rename"
	RenameNoReplace Kind = "rename-noreplace"
	Exchange        Kind = "exchange"
	Remove          Kind = "remove"
	Rmdir           Kind = "rmdir"
	Write           Kind = "write"
	Truncate        Kind = "truncate"
	Chmod           Kind = "chmod"
	Chown           Kind = "chown"
	SetXattr        Kind = "setxattr"
	RemoveXattr     Kind = "removexattr"
)

// What makes changes durable.
const (
	Sync     Kind = "sync"     // of a file
	Datasync Kind = "datasync" // of a file
	SyncDir  Kind = "syncdir"
	SyncFS   Kind = "syncfs"
)

// Syncs reports whether the operation makes something durable.
func (k Kind) Syncs() bool {
	return slices.Contains([]Kind{Sync, Datasync, SyncDir, SyncFS}, k)
}

// Looks reports whether the operation changes nothing and makes nothing
// durable: no crash can tell whether it ran.
func (k Kind) Looks() bool {
	return slices.Contains([]Kind{Open, OpenDir, Stat, ReadDir, Readlink, Read, Xattrs, Lock, Close}, k)
}

// Op is one operation as it was asked for.
type Op struct {
	Seq  int    // from 1, in the order in which they ran
	Kind Kind   //
	Path string // of the name; of an open file, the path it was opened by
	To   string // the second path of a link, rename or exchange
	Off  int64  // of a write; the new size of a truncate
	Len  int    // of a write or read, in bytes
}

// String is Kind and Path, and To where there is one.
func (o Op) String() string {
	s := string(o.Kind) + " " + o.Path
	if o.To != "" {
		s += " -> " + o.To
	}
	return s
}
