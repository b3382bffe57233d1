package editor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

const (
	// syncFSFrom is how many slots make one sync of the file system cheaper
	// than a sync of each, measured on ext4, xfs and btrfs.
	syncFSFrom = 8
	// foreignPerSlot is how many bytes of others a sync of the file system may
	// take along for each slot that it saves a sync: measured on ext4, these take
	// as long.
	foreignPerSlot = 256 << 10
	// memoryLimit bounds the images that are held in memory, one a worker.
	memoryLimit = 1 << 20
)

// slotFile is a staged slot whose handle, opened before it was written, sees
// every write-back error.
type slotFile struct {
	vfs.File
	path string
}

// logAndStage appends the intent's frames and writes the after-images to their
// slots, checks every path once more, and writes the seal. Nothing of it is
// durable yet.
func (c *commit) logAndStage(ctx context.Context) error {
	features, err := c.job.Features()
	if err != nil {
		return err
	}
	slots, siblings := c.countImages()
	c.whole = features.SyncFS && slots >= syncFSFrom && c.ed.ws.Tree.FS().Unwritten() <= int64(slots)*foreignPerSlot
	held := siblings
	if !c.whole {
		held += slots
	}
	c.many = held > apply.MaxSlots()
	c.job.Seen = make([]apply.Seen, len(c.job.Steps))
	if err := c.job.Announce(); err != nil {
		return err
	}
	files := make([]vfs.File, len(c.job.Steps))
	c.ed.opts.progress.begin(PhaseStage, len(c.job.Steps))
	err = apply.Parallel(len(c.job.Steps), func(i int) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		f, err := c.stage(i)
		files[i] = f
		c.ed.opts.progress.done(c.job.Steps[i].After.Size)
		return fail.Wrap(err, "stage", c.job.Steps[i].Path)
	})
	for i, f := range files {
		if f != nil {
			c.held = append(c.held, slotFile{f, c.job.Steps[i].Path})
		}
	}
	if err != nil {
		return err
	}
	for i := range c.job.Steps { // now that it is known how each is written
		if err := c.group.Step(&c.job.Steps[i]); err != nil {
			return err
		}
	}
	err = apply.Parallel(len(c.job.Steps), func(i int) error {
		return fail.Wrap(c.recheck(i), "commit", c.job.Steps[i].Path)
	})
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return c.group.Seal()
}

// countImages tells how many images wait in .emend/stage, and elsewhere.
func (c *commit) countImages() (slots, siblings int) {
	for i := range c.job.Steps {
		switch st := &c.job.Steps[i]; {
		case !apply.NeedsImage(st):
		case st.Sibling != "":
			siblings++
		default:
			slots++
		}
	}
	return slots, siblings
}

// stage logs step i's images and writes its slot. The file is returned open
// where the first barrier is to sync it.
func (c *commit) stage(i int) (vfs.File, error) {
	ch, st := &c.tx.p.changes[i], &c.job.Steps[i]
	c.job.Seen[i] = apply.Seen{Info: ch.info, Read: c.tx.read}
	var small []byte // the before-image, where it is at hand
	if st.HasBefore && st.Before.Kind == vfs.Regular {
		var err error
		if small, err = c.logBefore(i); err != nil {
			return nil, err
		}
	}
	if !apply.NeedsImage(st) {
		return nil, nil
	}
	slot := c.job.Slot(i, apply.SlotA)
	if st.After.Kind != vfs.Regular {
		return nil, c.job.StageOther(slot, &st.After)
	}
	if ch.source == sourceLink {
		err := c.job.StageLink(slot, ch.origin)
		if err == nil {
			return c.holdLink(i, slot)
		}
		if c.tx.p.changes[st.LinkOf].info.Nlink > 1 { // a copy would part it from its other names
			if errors.Is(err, syscall.EXDEV) {
				err = fail.New(fail.IdentityLost, "", "", "the file has other names (hard links) and cannot move to another file system with them").
					WithHint("copy it there, and delete it here, as two operations")
			}
			return nil, err
		}
	}
	if ch.origin != c.where(i) {
		small = nil
	}
	f, err := c.writeSlot(i, slot, c.afterImage(ch, small))
	if err != nil {
		return f, err
	}
	if st.HasAfter && ch.source != sourceLink {
		if err := c.logAfter(i, ch); err != nil {
			return f, err
		}
	}
	return c.hold(i, f)
}

// holdLink has the barrier sync a renamed file as well: whoever wrote it a
// moment ago need not have done so.
func (c *commit) holdLink(i int, slot apply.Slot) (vfs.File, error) {
	f, err := c.job.OpenSlot(slot)
	if err != nil {
		return nil, err
	}
	return c.hold(i, f)
}

// hold returns the file of step i open where the first barrier is to sync it
// alone.
func (c *commit) hold(i int, f vfs.File) (vfs.File, error) {
	var err error
	alone := !c.whole || c.job.Steps[i].Sibling != ""
	if alone && c.many {
		err = f.Sync()
	}
	if !alone || c.many {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		return nil, err
	}
	f.Kick()
	return f, nil
}

// writeSlot writes step i's after-image. Where the slot cannot have all that
// the file is, the file itself will be written, in place.
func (c *commit) writeSlot(i int, slot apply.Slot, image func(io.Writer) error) (vfs.File, error) {
	ch, st := &c.tx.p.changes[i], &c.job.Steps[i]
	if st.InPlace {
		if err := c.job.CheckInPlace(i, c.where(i)); err != nil {
			return nil, err
		}
		return c.job.StageBytes(slot, &st.After, image)
	}
	f, err := c.job.StageFile(slot, &st.After, image)
	if fail.KindOf(err) != fail.IdentityLost || !ch.stays || c.ed.opts.write == WriteRename {
		return f, err
	}
	if err := c.job.CheckInPlace(i, c.where(i)); err != nil {
		return f, err
	}
	st.InPlace = true
	if st.HasBefore {
		return f, nil
	}
	st.HasBefore = true
	_, err = c.logBefore(i)
	return f, err
}

// logBefore logs the file at step i's path, which must be what Prepare saw,
// and returns it where it is small.
func (c *commit) logBefore(i int) ([]byte, error) {
	st := &c.job.Steps[i]
	if held := c.tx.p.changes[i].held; held != nil {
		c.tx.p.changes[i].held = nil
		return held, c.group.Data(i, wal.Before, 0, held)
	}
	d, name, err := c.job.Tree.Parent(c.where(i))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	read := time.Now()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Kind != vfs.Regular || info.Size != st.Before.Size {
		return nil, moved(st.Path)
	}
	c.job.Seen[i] = apply.Seen{Info: info, Read: read}
	var h hashing.RawHasher
	var keep bytes.Buffer
	out := io.MultiWriter(&h, &logWriter{c: c, n: i, img: wal.Before})
	if info.Size <= memoryLimit {
		keep.Grow(int(info.Size))
		out = io.MultiWriter(&h, &keep)
	}
	if _, err := apply.Copy(out, f); err != nil {
		return nil, err
	}
	if h.Raw() != st.Before.Hash || h.Size() != st.Before.Size {
		return nil, moved(st.Path)
	}
	if info.Size > memoryLimit {
		return nil, nil
	}
	return keep.Bytes(), c.group.Data(i, wal.Before, 0, keep.Bytes())
}

func (c *commit) logAfter(i int, ch *change) error {
	return c.afterImage(ch, nil)(&logWriter{c: c, n: i, img: wal.After})
}

// logWriter appends what is written to it as data frames of one image.
type logWriter struct {
	c   *commit
	n   int
	img wal.Image
	off int64
}

func (w *logWriter) Write(p []byte) (int, error) {
	if err := w.c.group.Data(w.n, w.img, w.off, p); err != nil {
		return 0, err
	}
	w.off += int64(len(p))
	return len(p), nil
}

// afterImage writes the after-image of a change: from its origin on disk, or
// from small, the origin's bytes, where the caller has them.
func (c *commit) afterImage(ch *change, small []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		switch {
		case ch.source == sourceLiteral:
			_, err := w.Write(ch.content)
			return err
		case small != nil:
			buf := c.buffer()
			defer c.buffers.Put(buf)
			var err error
			if *buf, err = locator.AppendSplice((*buf)[:0], small, spliceOf(ch.edits)); err == nil {
				_, err = w.Write(*buf)
			}
			return err
		}
		d, name, err := c.job.Tree.Parent(ch.origin)
		if err != nil {
			return err
		}
		defer d.Close()
		f, err := d.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return locator.SpliceTo(w, f, info.Size, spliceOf(ch.edits))
	}
}

// buffer returns memory for an image; it goes back to buffers.
func (c *commit) buffer() *[]byte {
	if b, ok := c.buffers.Get().(*[]byte); ok {
		return b
	}
	return new([]byte)
}

// where is the path at which step i's file stands before anything is published.
func (c *commit) where(i int) string { return c.job.WhereBefore(i) }

// recheck looks at step i's path once more before the seal: it must be what
// Prepare saw, metadata included.
func (c *commit) recheck(i int) error {
	st, seen := &c.job.Steps[i], &c.job.Seen[i]
	p := c.where(i)
	if st.DirFrom != "" {
		p = st.DirFrom
	}
	d, name, err := c.job.Tree.Parent(p)
	if vfs.NotExist(err) && st.Before.Kind == vfs.Absent && st.DirFrom == "" {
		return nil
	}
	if err != nil {
		return moved(p)
	}
	defer d.Close()
	if st.DirFrom != "" {
		if info, err := d.Lstat(name); err != nil || info.Kind != vfs.Directory {
			return moved(p)
		}
		return nil
	}
	now, err := d.Lstat(name)
	if err == nil && now.Kind == vfs.Regular && apply.Settled(seen.Info, now, seen.Read, true) {
		return nil
	}
	read := time.Now()
	l, err := c.job.LookAt(d, name, st)
	if err != nil {
		return err
	}
	if !l.Before {
		return moved(p)
	}
	if st.Before.Kind == vfs.Absent || st.Before.Kind == vfs.Directory {
		return nil
	}
	meta, info, err := apply.ReadMeta(d, name)
	if err != nil || !apply.SameMeta(meta, st.Before.Meta) {
		return moved(p)
	}
	if st.Before.Kind == vfs.Regular && l.Info.SameFile(info) {
		*seen = apply.Seen{Info: l.Info, Read: read}
	}
	return nil
}

// firstBarrier makes log, slots and .emend/stage durable, side by side. The
// durable seal is the commit point.
func (c *commit) firstBarrier() error {
	defer c.closeHeld()
	return apply.Parallel(2+len(c.held), func(i int) error {
		switch {
		case i == 0:
			return c.ed.ws.Log.Sync()
		case i == 1 && c.whole:
			return c.job.SyncStageFS()
		case i == 1:
			return c.job.SyncStage()
		}
		s := c.held[i-2]
		return fail.Wrap(s.Sync(), "sync", s.path)
	})
}

func (c *commit) closeHeld() {
	for _, f := range c.held {
		// A slot that was synced, or is about to be removed, has nothing to lose.
		_ = f.Close()
	}
	c.held = nil
}
