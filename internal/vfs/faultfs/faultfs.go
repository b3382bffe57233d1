// Package faultfs makes any vfs.FS fail: the n-th operation of those that
// match, once or from then on, with any error; writes that come short; a disk
// that fills up. It counts and records every operation, and which errors it
// has handed out, so that a test can tell "survived the fault" from "never met
// it".
package faultfs

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// Fault is what goes wrong, and when. The operation that it hits does not
// happen, but for the part of a write that Short says.
type Fault struct {
	Match   func(op.Op) bool // which operations count; nil: all
	N       int              // the how manieth of them fails, from 1
	Forever bool             // and all later ones, too
	Err     error            // usually a syscall.Errno
	Short   int              // bytes of a write that are written nevertheless
}

// Kinds matches operations of these kinds.
func Kinds(kinds ...op.Kind) func(op.Op) bool {
	return func(o op.Op) bool { return slices.Contains(kinds, o.Kind) }
}

// Changes matches the operations that change or sync something.
func Changes(o op.Op) bool { return !o.Kind.Looks() }

// FS is the file system with its faults. It is safe for concurrent use.
type FS struct {
	inner vfs.FS

	mu        sync.Mutex
	faults    []*armed
	space     int64 // bytes by which files may still grow; -1 is without limit
	trace     []op.Op
	counts    map[op.Kind]int
	delivered []op.Op
}

type armed struct {
	Fault
	met int
}

var _ vfs.FS = (*FS)(nil)

// New wraps inner with no fault armed.
func New(inner vfs.FS, faults ...Fault) *FS {
	f := &FS{inner: inner, space: -1, counts: map[op.Kind]int{}}
	for _, fault := range faults {
		f.Arm(fault)
	}
	return f
}

// Arm adds a fault; its count starts now.
func (f *FS) Arm(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &armed{Fault: fault})
}

// Disarm removes all faults and the limit of space.
func (f *FS) Disarm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.space = nil, -1
}

// Space lets files grow by n more bytes altogether; then writes come short
// with ENOSPC, and nothing new can be made. Removing gives nothing back.
func (f *FS) Space(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.space = n
}

// Trace lists all operations so far, those that failed too.
func (f *FS) Trace() []op.Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trace)
}

// Counts tells how many operations of each kind there were.
func (f *FS) Counts() map[op.Kind]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// Delivered lists the operations that got an injected error.
func (f *FS) Delivered() []op.Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.delivered)
}

// meet records o and returns the fault that hits it, if one does.
func (f *FS) meet(o op.Op) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	o.Seq = len(f.trace) + 1
	f.trace = append(f.trace, o)
	f.counts[o.Kind]++
	for _, a := range f.faults {
		if a.Match != nil && !a.Match(o) {
			continue
		}
		if a.met++; a.met == a.N || a.Forever && a.met > a.N {
			return f.deliver(o, a.Fault)
		}
	}
	if f.space == 0 && slices.Contains([]op.Kind{op.Create, op.Mkdir, op.Symlink}, o.Kind) {
		return f.deliver(o, Fault{Err: syscall.ENOSPC})
	}
	return nil
}

func (f *FS) deliver(o op.Op, fault Fault) *Fault {
	f.delivered = append(f.delivered, o)
	fault.Err = &fs.PathError{Op: string(o.Kind), Path: path.Base(o.Path), Err: fault.Err}
	return &fault
}

// take reserves room for a write to a file that is so long now; it returns the
// fault if there is too little.
func (f *FS) take(o op.Op, size func() (vfs.Info, error)) (*Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.space < 0 {
		return nil, nil
	}
	info, err := size()
	grows := o.Off + int64(o.Len) - info.Size
	if err != nil || grows <= 0 {
		return nil, err
	}
	if grows <= f.space {
		f.space -= grows
		return nil, nil
	}
	short := o.Len - int(grows-f.space)
	f.space = 0
	return f.deliver(o, Fault{Err: syscall.ENOSPC, Short: max(short, 0)}), nil
}

// run does an operation, or returns the error of the fault that hits it.
func (f *FS) run(o op.Op, do func() error) error {
	if fault := f.meet(o); fault != nil {
		return fault.Err
	}
	return do()
}

// OpenRoot passes on.
func (f *FS) OpenRoot(name string) (vfs.Dir, error) {
	return f.dir(op.Op{Kind: op.OpenDir, Path: name}, func() (vfs.Dir, error) { return f.inner.OpenRoot(name) })
}

// MkdirRoot passes on.
func (f *FS) MkdirRoot(name string, mode uint32) error {
	return f.run(op.Op{Kind: op.Mkdir, Path: name}, func() error { return f.inner.MkdirRoot(name, mode) })
}

// Umask passes on; it cannot fail.
func (f *FS) Umask() uint32 { return f.inner.Umask() }

// EUID passes on; it cannot fail.
func (f *FS) EUID() int { return f.inner.EUID() }

// Unwritten passes on; it cannot fail.
func (f *FS) Unwritten() int64 { return f.inner.Unwritten() }

func (f *FS) dir(o op.Op, open func() (vfs.Dir, error)) (vfs.Dir, error) {
	var d *dir
	err := f.run(o, func() error {
		inner, err := open()
		d = &dir{fs: f, inner: inner, path: o.Path}
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (f *FS) file(o op.Op, open func() (vfs.File, error)) (vfs.File, error) {
	var opened *file
	err := f.run(o, func() error {
		inner, err := open()
		opened = &file{fs: f, inner: inner, path: o.Path}
		return err
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}
