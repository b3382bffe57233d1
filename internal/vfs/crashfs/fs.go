// Package crashfs is a file system in memory that knows what a power cut may
// take away. Data, metadata and names become durable only by the sync that
// POSIX asks for, and at any moment the file system can be cloned as a legal
// survivor: each unsynced name operation lost or kept, each unsynced file old,
// new, torn or zero-filled.
//
// What it takes for granted is what the design does: a name operation is
// atomic, a sync that returned nil made durable what it covers, synced bytes
// that nobody writes again stay.
package crashfs

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// ErrPowerCut is the error of every operation after the one that CutAfter
// named.
var ErrPowerCut = errors.New("the power is off")

// ErrKilled is the error of every operation of a killed process.
var ErrKilled = errors.New("the process is dead")

// Options are what the file system lacks. The zero value lacks nothing.
type Options struct {
	NoExchange        bool
	NoRenameNoReplace bool
	NoLink            bool
	NoSyncFS          bool
	NoJournal         bool  // Features says so; renames are atomic all the same
	BothDirs          bool  // a move between directories is durable only once both are synced
	Size              int64 // bytes; 0 is without limit
	EUID              int   // who creates files; permissions are not checked
	FoldCase          bool  // names that differ in case only are one; it keeps the first spelling
	Unwritten         int64 // bytes of others that wait for other disks
}

// FS is one process's view of a disk; it implements vfs.FS. The hooks, the
// trace and the helpers belong to the disk and are the same in each view.
type FS struct {
	*disk
	process *process
	silent  bool
}

var _ vfs.FS = (*FS)(nil)

type process struct{ dead bool }

type disk struct {
	steps sync.Mutex   // held by an operation and its hook, so that no other comes between
	mu    sync.RWMutex // guards what follows; not held by the hook

	options Options
	root    *inode
	pending []*nameOp
	dirty   map[*inode]struct{}
	lastIno uint64
	lastDev uint64
	clock   int64

	left   int // operations until the power cut; -1 is never
	off    bool
	seq    int
	trace  []op.Op
	counts map[op.Kind]int

	onOp     func(op.Op)
	skipSync func(op.Op) bool
	failSync func(op.Op) error
}

// A tick is far apart from the next, and the first far from now: no file looks
// too young for its times to tell.
const (
	firstTick = int64(1_700_000_000e9)
	tick      = int64(1e6)
)

// New returns an empty file system with a durable root "/".
func New(o Options) *FS {
	d := newDisk(o)
	d.root = &inode{
		ino: 1, dev: 1, kind: vfs.Directory, names: map[string]*inode{},
		meta: meta{mode: 0o755, mtime: d.clock, ctime: d.clock}, name: "/", folds: o.FoldCase,
	}
	d.root.parent = d.root
	d.root.flushMeta()
	return &FS{disk: d, process: &process{}}
}

func newDisk(o Options) *disk {
	return &disk{
		options: o, lastIno: 1, lastDev: 1, clock: firstTick, left: -1,
		dirty: map[*inode]struct{}{}, counts: map[op.Kind]int{},
	}
}

// Process returns another process's view. Locks of the two exclude each other,
// as do those of two handles of one.
func (p *FS) Process() *FS { return &FS{disk: p.disk, process: &process{}} }

// Meddler returns the view of a process whose operations are no crash points:
// no hook sees them, they are not counted, and OnOp may call it.
func (p *FS) Meddler() *FS { return &FS{disk: p.disk, process: &process{}, silent: true} }

// Kill ends this process as kill -9 does: its locks are free, and whatever it
// still tries gives ErrKilled. What it wrote stays, synced or not.
func (p *FS) Kill() {
	p.locked(func() { p.process.dead = true })
}

// OnOp has f called before each operation that changes or syncs something,
// with the file system standing still: f may look at it and clone it, but
// change it only through a Meddler.
func (p *FS) OnOp(f func(op.Op)) { p.locked(func() { p.onOp = f }) }

// SkipSync has a sync for which f is true report success and do nothing.
func (p *FS) SkipSync(f func(op.Op) bool) { p.locked(func() { p.skipSync = f }) }

// FailSync has a sync for which f gives an error fail with it. A file's dirty
// pages count as clean from then on: no later sync writes them, unless they
// are written again.
func (p *FS) FailSync(f func(op.Op) error) { p.locked(func() { p.failSync = f }) }

// CutAfter cuts the power after n more operations that change or sync
// something; whatever comes then gives ErrPowerCut and does nothing.
func (p *FS) CutAfter(n int) { p.locked(func() { p.left = n }) }

// Off reports whether an operation met the power cut.
func (p *FS) Off() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.off
}

// Trace lists the operations that changed or synced something, or tried to.
func (p *FS) Trace() []op.Op {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Clone(p.trace)
}

// Counts tells how many operations of each kind there were.
func (p *FS) Counts() map[op.Kind]int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return maps.Clone(p.counts)
}

// Settle makes everything durable, as if the machine had been left alone for a
// while.
func (p *FS) Settle() {
	p.locked(func() { p.syncDevice(func(*inode) bool { return true }) })
}

func (p *FS) locked(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// syncDevice makes everything durable whose inode or directory is meant.
func (d *disk) syncDevice(meant func(*inode) bool) {
	for n := range d.dirty {
		if meant(n) {
			n.flush()
			n.flushMeta()
			d.keepDirty(n)
		}
	}
	d.settle(func(n *nameOp) bool { return meant(n.edits[0].dir) })
}

// keepDirty forgets n where nothing of it is left to be lost.
func (d *disk) keepDirty(n *inode) {
	if n.dirty() {
		d.dirty[n] = struct{}{}
	} else {
		delete(d.dirty, n)
	}
}

// look runs an operation that changes nothing.
func (p *FS) look(k op.Kind, do func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.alive(); err != nil {
		return err
	}
	if !p.silent {
		p.counts[k]++
	}
	return do()
}

// step runs an operation that changes or syncs something: what names it for
// hook and trace, do does it.
func (p *FS) step(what func() op.Op, do func(op.Op) error) error {
	if p.silent {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clock += tick
		return do(what())
	}
	p.steps.Lock()
	defer p.steps.Unlock()
	o, hook, err := p.announce(what)
	if err != nil {
		return err
	}
	if hook != nil {
		hook(o)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.alive(); err != nil { // the hook may have killed the process
		return err
	}
	p.clock += tick
	return do(o)
}

func (p *FS) announce(what func() op.Op) (op.Op, func(op.Op), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = p.off || p.left == 0
	if err := p.alive(); err != nil {
		return op.Op{}, nil, err
	}
	if p.left > 0 {
		p.left--
	}
	o := what()
	p.seq++
	o.Seq = p.seq
	p.trace = append(p.trace, o)
	p.counts[o.Kind]++
	return o, p.onOp, nil
}

// disturb asks the hooks about a sync: whether to skip it, or how it fails.
func (d *disk) disturb(o op.Op) (skip bool, err error) {
	if d.skipSync != nil && d.skipSync(o) {
		return true, nil
	}
	if d.failSync != nil {
		err = d.failSync(o)
	}
	return false, err
}

func (p *FS) alive() error {
	switch {
	case p.off:
		return ErrPowerCut
	case p.process.dead:
		return ErrKilled
	}
	return nil
}

func pathError(k op.Kind, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(k), Path: name, Err: err}
}
