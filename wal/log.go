// Package wal is the log of emend: intents with everything that is needed to
// finish or to undo them, a host's own intents and entries, all in one file
// that survives crashes, full disks and failed syncs, and that tells a torn
// write from damage.
//
// A log lives in a directory, as DIR/wal.log, with DIR/lock for the kernel
// lock that keeps other processes out. FileWAL is a log of entries; Append,
// Replay and Retire keep a host's intents; Log has the intents of the editor.
// README.md says what survives what, docs/FORMAT.md has the bytes.
package wal

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
)

const (
	logName    = "wal.log"
	lockName   = "lock"
	turnName   = "turn"
	ignoreName = ".gitignore"
)

// Log is a handle of a log. All handles of one directory in one process share
// one log, and the options of the first. Its methods are safe for concurrent
// use.
type Log struct {
	c      *shared
	closed atomic.Bool
}

// Report is what opening found, and what was repaired since.
type Report struct {
	Generation uint64 // 0: there is no log yet
	Bytes      int64  // up to the end of the last frame
	Frames     int64  // read or written by this process
	CleanClose bool   // the last open started at a clean close, and read no history
	TornBytes  int64  // of a torn write, found behind the last frame
	Quarantine string // the file in the log's directory that now holds them; "": they are still in place

	Damage  []Damage // what a salvage had to leave out
	Damaged string   // the file in the log's directory that holds the log as it was before the salvage
}

// shared is the log that all handles of one directory share.
type shared struct {
	opts Options
	dir  vfs.Dir
	path string // of wal.log, for messages
	key  registryKey
	refs int // handles; guarded by the registry

	hold   hold
	queue  queue
	claims claims

	mu       sync.Mutex  // guards what follows, and every write to the file
	gen      *generation // nil: there is no log yet
	scan     *scanner
	idx      *index
	imported []Intent // of a log of JSON lines that is still to be converted
	pos      position // behind the last frame
	last     int64    // offset of the last frame, 0 where there is none
	synced   int64    // syncedOff: an end that a completed sync covers
	zeros    int64    // behind pos there are zeros up to here
	clean    bool     // nothing but zeros was seen behind pos
	inherit  bool     // frames behind synced were written by others: to be written again
	names    bool     // the directory has to be synced before anything counts
	owed     int64    // end of the last frame whose durability somebody may wait for
	sealed   int64    // end of the last seal written
	marked   int64    // end of the last seal that a mark vouches for
	poison   error
	live     map[ID]*Group
	hosts    map[hashing.Digest]bool // host intents that an append is busy with
	hostFree *sync.Cond              // on mu: one is no longer
	report   Report
	stats    Stats
	everHeld bool
	current  bool  // nobody has appended anything since this process holds the lock that it has not read
	due      int64 // the log is compacted when it is longer
}

// registry finds the log that a directory's handles share.
var registry = struct {
	sync.Mutex
	logs map[registryKey]*shared
}{logs: map[registryKey]*shared{}}

type registryKey struct {
	fs       vfs.FS
	dev, ino uint64
}

// Open opens the log in the directory dir, which is made (0700) where it is
// missing, as are the directories above it. The log's file is made by the first Acquire.
// Nothing is locked on return. Errors are *CorruptError, *VersionError and
// those of the system.
func Open(ctx context.Context, dir string, o Options) (*Log, error) {
	o = o.withDefaults()
	d, err := openDir(dir, o)
	if err != nil {
		return nil, err
	}
	return open(ctx, d, filepath.Join(dir, logName), o)
}

// OpenDir is Open for a directory whose handle the caller has, and gives away:
// Close closes it, as does an error here. Whoever made the directory has
// synced its parent. Errors call it name.
func OpenDir(ctx context.Context, dir vfs.Dir, name string, o Options) (*Log, error) {
	return open(ctx, dir, name+"/"+logName, o.withDefaults())
}

// openDir opens dir, making it where that is allowed. As long as there is no
// log in it, its parent is synced: a process may have died between the two.
func openDir(dir string, o Options) (vfs.Dir, error) {
	if !o.ReadOnly {
		if err := makeDir(dir, 0o700, o); err != nil {
			return nil, err
		}
	}
	d, err := o.FS.OpenRoot(dir)
	if err != nil {
		return nil, wrap(err, "open", dir)
	}
	_, err = d.Lstat(logName)
	if vfs.NotExist(err) {
		err = nil
		if !o.ReadOnly && !o.NoSync {
			err = syncDir(o.FS, filepath.Dir(dir))
		}
	}
	if err != nil {
		return nil, errors.Join(wrap(err, "open", dir), d.Close())
	}
	return d, nil
}

// makeDir makes dir, and what is missing above it.
func makeDir(dir string, mode uint32, o Options) error {
	err := o.FS.MkdirRoot(dir, mode)
	if parent := filepath.Dir(dir); vfs.NotExist(err) && parent != dir {
		if err := makeDir(parent, 0o777&^o.FS.Umask(), o); err != nil {
			return err
		}
		if !o.NoSync {
			if err := syncDir(o.FS, filepath.Dir(parent)); err != nil {
				return err
			}
		}
		err = o.FS.MkdirRoot(dir, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return wrap(err, "make", dir)
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenRoot(dir)
	if err != nil {
		return wrap(err, "open", dir)
	}
	defer d.Close()
	return wrap(d.Sync(), "sync", dir)
}

func open(ctx context.Context, dir vfs.Dir, path string, o Options) (*Log, error) {
	c, err := share(dir, path, o)
	if err != nil {
		return nil, errors.Join(wrap(err, "open", path), dir.Close())
	}
	if c.dir != dir {
		err = dir.Close()
	}
	if err == nil {
		err = c.firstLook(ctx, o)
	}
	l := &Log{c: c}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// share returns the log that the handles of dir share, with one handle more.
func share(dir vfs.Dir, path string, o Options) (*shared, error) {
	info, err := dir.Stat()
	if err != nil {
		return nil, err
	}
	key := registryKey{o.FS, info.Dev, info.Ino}
	registry.Lock()
	defer registry.Unlock()
	if c := registry.logs[key]; c != nil && !o.ReadOnly {
		c.refs++
		return c, nil
	}
	c := &shared{opts: o, dir: dir, path: path, key: key, refs: 1, live: map[ID]*Group{}, idx: newIndex()}
	c.hosts, c.hostFree = map[hashing.Digest]bool{}, sync.NewCond(&c.mu)
	c.hold.init()
	if !o.ReadOnly {
		registry.logs[key] = c
	}
	return c, nil
}

// firstLook reads the log, and deals with damage as o says.
func (c *shared) firstLook(ctx context.Context, o Options) error {
	c.mu.Lock()
	err := c.lookWithin(ctx)
	if err == nil && o.salvages() {
		err = c.wholeIndex()
	}
	c.mu.Unlock()
	if corrupt := new(CorruptError); o.salvages() && errors.As(err, &corrupt) {
		return c.mend(ctx, o.LockWait)
	}
	return err
}

// use returns what the handles share, or ErrClosed.
func (l *Log) use() (*shared, error) {
	if l.closed.Load() {
		return nil, ErrClosed
	}
	return l.c, nil
}

// Close closes the handle; closing twice is nil. The last handle of a
// directory waits until nobody holds the log and writes a clean close, so that
// the next open reads no history.
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	c := l.c
	if !c.unregister() {
		return nil
	}
	c.hold.drain()
	return errors.Join(c.closeCleanly(), c.closeFiles())
}

// unregister gives one handle back, and reports whether it was the last.
func (c *shared) unregister() bool {
	registry.Lock()
	defer registry.Unlock()
	if c.refs--; c.refs > 0 {
		return false
	}
	if registry.logs[c.key] == c {
		delete(registry.logs, c.key)
	}
	return true
}

// closeCleanly writes the clean close. It is a help for the next open, not a
// promise: where somebody else holds the lock, nothing is written.
func (c *shared) closeCleanly() error {
	c.mu.Lock()
	useless := !c.everHeld || c.poison != nil || c.gen == nil || len(c.live) > 0
	c.mu.Unlock()
	if useless {
		return nil
	}
	if ok, err := c.tryLock(); !ok || err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(context.Background(), true); err != nil || c.gen == nil {
		return err
	}
	if f, _, ok, err := c.scan.header(c.last); err != nil || ok && f.typ == typeClose {
		return err
	}
	p := c.idx.encodeClose()
	if p == nil {
		return nil
	}
	var fs frames
	fs.add(typeClose, 0, func(b []byte) []byte { return append(b, p...) })
	_ = c.write(&fs) // a full disk, say: the next open reads more
	return nil
}

// closeFiles lets go of everything; the kernel lock goes with its file.
func (c *shared) closeFiles() error {
	var errs []error
	if c.hold.file != nil {
		errs = append(errs, c.hold.file.Close())
	}
	errs = append(errs, c.hold.turn.close())
	if c.gen != nil {
		errs = append(errs, c.gen.close())
	}
	return errors.Join(append(errs, c.dir.Close())...)
}

// Stats is what a process has done to a log.
type Stats struct {
	Writes int64 // of frames, zeros ahead not counted
	Bytes  int64 // in them
	Syncs  int64 // barriers: one each for everybody who waited for it
	Marks  int64
}

// Stats returns what this process has done to the log.
func (l *Log) Stats() Stats {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	return l.c.stats
}

// Report returns what opening found, and what was repaired since.
func (l *Log) Report() Report {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	r := l.c.report
	r.Bytes, r.Frames = l.c.pos.off, l.c.idx.frames
	return r
}
