package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// generation is one file of the log. Compaction replaces it as a whole; who
// still reads an old one keeps it open.
type generation struct {
	file    vfs.File
	info    vfs.Info
	header  fileHeader
	cleanup runtime.Cleanup
}

// openGeneration opens the file that now has the log's name, and checks its
// header.
func (c *shared) openGeneration() (*generation, error) {
	open := c.dir.OpenWrite
	if c.opts.ReadOnly {
		open = c.dir.Open
	}
	f, err := open(logName)
	if err != nil {
		return nil, wrap(err, "open", c.path)
	}
	g, err := newGeneration(f, c.path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return g, nil
}

func newGeneration(f vfs.File, path string) (*generation, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, wrap(err, "open", path)
	}
	if info.Kind != vfs.Regular {
		return nil, fail.New(fail.NotRegular, "open", path, "this is not a regular file")
	}
	if is, err := isJSONLog(f); err != nil {
		return nil, wrap(err, "read", path)
	} else if is {
		return nil, errJSONLog
	}
	b := make([]byte, min(fileHeaderSize, info.Size))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, wrap(err, "read", path)
	}
	h, err := decodeFileHeader(b, path)
	if err != nil {
		return nil, err
	}
	g := &generation{file: f, info: info, header: h}
	g.cleanup = runtime.AddCleanup(g, func(f vfs.File) { _ = f.Close() }, f) // nobody reads it any more
	return g, nil
}

func (g *generation) close() error {
	g.cleanup.Stop()
	return g.file.Close()
}

// refresh takes in what other processes did to the log since the last look: a
// new file under its name, frames appended. Only under the kernel lock is the
// end of the file what it seems, and a torn tail repaired. Without a log, gen
// is nil on return.
func (c *shared) refresh(ctx context.Context, locked bool) error {
	err := c.takeIn(ctx, locked)
	// Without the lock a frame can be read before, and one behind it after,
	// another process wrote both: what is damaged stays so.
	var corrupt *CorruptError
	for try := 0; try < unlockedTries && !locked && errors.As(err, &corrupt); try++ {
		c.forget()
		err = c.takeIn(ctx, locked)
	}
	return err
}

// unlockedTries is how often a reader without the lock looks again at damage.
const unlockedTries = 3

func (c *shared) takeIn(ctx context.Context, locked bool) error {
	info, err := c.dir.Lstat(logName)
	if vfs.NotExist(err) {
		c.forget()
		return nil
	}
	if err != nil {
		return wrap(err, "open", c.path)
	}
	fresh := c.gen == nil || !c.gen.info.SameFile(info) || locked && c.poison != nil
	if !fresh {
		c.resized(info.Size)
		if fresh, err = c.overwritten(); err != nil {
			return err
		}
	}
	if fresh {
		return c.load(ctx, locked)
	}
	known := c.pos.off
	if err := c.follow(ctx, locked); err != nil {
		return err
	}
	if c.pos.off != known {
		c.due = c.nextDue()
	}
	return nil
}

// forget drops what is known of a file that is no longer the log. Transactions
// that were handed out keep reading it.
func (c *shared) forget() {
	c.gen, c.scan, c.idx, c.imported, c.poison = nil, nil, newIndex(), nil, nil
	c.pos, c.last, c.synced, c.owed, c.sealed, c.marked, c.inherit, c.clean = position{}, 0, 0, 0, 0, 0, false, false
	c.report = Report{}
}

// overwritten reports whether the last frame is no longer the one that was
// read: without the lock, frames may be read that are cut off later.
func (c *shared) overwritten() (bool, error) {
	if c.last == 0 {
		return false, nil
	}
	f, _, ok, err := c.scan.header(c.last)
	if err != nil || ok && f.crc == c.pos.chain {
		return false, wrap(err, "read", c.path)
	}
	if c.last < c.synced {
		return true, &CorruptError{Path: c.path, From: c.last, To: c.pos.off, Lost: "frames that were read before"}
	}
	return true, nil
}

// load opens the file that has the log's name and reads it: from the clean
// close where one is last, else from the start.
func (c *shared) load(ctx context.Context, locked bool) error {
	g, err := c.openGeneration()
	if errors.Is(err, errJSONLog) {
		return c.loadJSON(locked)
	}
	if err != nil {
		return err
	}
	if locked {
		c.sweep()
	}
	repaired := c.report
	c.forget()
	c.report = Report{TornBytes: repaired.TornBytes, Quarantine: repaired.Quarantine,
		Damage: repaired.Damage, Damaged: repaired.Damaged, Generation: g.header.generation}
	c.gen = g
	c.scan = &scanner{r: g.file, size: g.info.Size, salt: g.header.salt()}
	c.pos, c.synced, c.zeros = g.header.start(), g.header.birth, g.info.Size
	c.names = true
	closed, err := c.loadClosed()
	if err != nil {
		return err
	}
	c.idx.whole = !closed
	if err := c.follow(ctx, locked); err != nil {
		return err
	}
	c.names = c.synced <= g.header.birth // a completed sync is on record: it covered the name as well
	c.due = c.nextDue()
	return nil
}

func (c *shared) loadClosed() (bool, error) {
	f, ok, err := c.scan.findClose()
	if !ok || err != nil {
		return false, wrap(err, "read", c.path)
	}
	at := f
	x, ok, err := c.scan.openClosed(&f)
	if !ok || err != nil {
		return false, wrap(err, "read", c.path)
	}
	c.idx = x
	c.advance(&at)
	c.clean = true
	c.report.CleanClose = true
	return true, nil
}

// advance moves the end of the log behind f, which somebody else wrote.
func (c *shared) advance(f *frame) {
	c.pos, c.last, c.inherit = f.after(), f.off, true
	c.owed = c.pos.off
	c.synced = max(c.synced, f.synced)
}

// follow reads on from the last frame known. Where only zeros were behind it
// at the last look, whatever is there now begins with a frame.
func (c *shared) follow(ctx context.Context, locked bool) error {
	for {
		n, err := c.readOn(ctx)
		if err != nil {
			return err
		}
		if b, ok, _ := c.scan.bytes(c.pos.off, frameHeaderSize); c.clean && n == 0 && ok && allZero(b) {
			return nil
		}
		vouched := c.gen.header.birth
		g, err := c.scan.gapAt(c.pos, &vouched)
		if err != nil {
			return wrap(err, "read", c.path)
		}
		if g.to > g.from && !locked {
			// A writer may have been at work between two reads.
			info, err := c.gen.file.Stat()
			if err != nil {
				return wrap(err, "open", c.path)
			}
			c.resized(info.Size)
			if _, ok, _ := c.scan.next(c.pos); ok {
				continue
			}
		}
		if g.damaged() {
			return g.corrupt(c.path)
		}
		return c.tail(g, locked)
	}
}

// resized takes note of the file's length now, and drops what was read ahead.
func (c *shared) resized(size int64) {
	c.scan.size, c.zeros = size, size
	c.scan.forget()
}

// readOn takes in frames as long as there are any, and returns how many.
func (c *shared) readOn(ctx context.Context) (n int, err error) {
	for ; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		f, ok, err := c.scan.next(c.pos)
		if err != nil {
			return n, wrap(err, "read", c.path)
		}
		if !ok {
			return n, nil
		}
		if err := c.idx.add(&f, f.groupSum()); err != nil {
			return n, decodeError(c.path, &f, err)
		}
		c.advance(&f)
	}
}

// tail deals with what stands behind the last frame.
func (c *shared) tail(g gap, locked bool) error {
	c.clean = !g.torn()
	if c.clean {
		return nil
	}
	c.report.TornBytes = g.to - g.from
	if !locked {
		return nil
	}
	name, err := c.quarantine(g)
	if err != nil {
		return err
	}
	c.report.Quarantine = name
	c.clean = true
	return c.zero(g.from, g.to)
}

// quarantine copies the torn bytes to a file of their own, durable on return.
func (c *shared) quarantine(g gap) (string, error) {
	name := fmt.Sprintf("torn-%d-%d", c.gen.header.generation, g.from)
	for i := 1; ; i++ {
		if _, err := c.dir.Lstat(name); vfs.NotExist(err) {
			break
		} else if err != nil {
			return "", wrap(err, "copy a torn tail", name)
		}
		name = fmt.Sprintf("torn-%d-%d.%d", c.gen.header.generation, g.from, i)
	}
	err := c.dir.Replace(name, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(c.gen.file, g.from, g.to-g.from))
		return err
	})
	if err == nil && !c.opts.NoSync {
		err = c.dir.Sync()
	}
	return name, wrap(err, "copy a torn tail", name)
}

// create makes the first generation. Its name is durable after the first sync.
func (c *shared) create() error {
	h, err := newFileHeader()
	if err != nil {
		return err
	}
	return c.makeLog(h, nil)
}

// makeLog gives a new file with the header and the frames the log's name.
func (c *shared) makeLog(h fileHeader, frames []byte) error {
	if _, err := c.dir.Lstat(ignoreName); vfs.NotExist(err) {
		err = c.dir.Replace(ignoreName, 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, "*\n")
			return err
		})
		if err != nil {
			return wrap(err, "make", ignoreName)
		}
	}
	err := c.dir.Replace(logName, 0o600, func(w io.Writer) error {
		_, err := w.Write(slices.Concat(h.encode(), frames, make([]byte, minZeros-fileHeaderSize)))
		return err
	})
	if err != nil {
		return wrap(err, "make", c.path)
	}
	return c.load(context.Background(), true)
}

// sweep removes what a process that died while it made a file left behind.
// That they are still there hurts nobody: errors are not worth failing for.
func (c *shared) sweep() {
	names, err := c.dir.ReadDir()
	if err != nil {
		return
	}
	for _, n := range names {
		for _, name := range []string{logName, ignoreName} {
			digits, ok := strings.CutPrefix(n.Name, "."+name)
			if _, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
				_ = c.dir.Remove(n.Name)
			}
		}
	}
}
