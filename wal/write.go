package wal

import (
	"errors"

	"github.com/emend/emend/internal/fail"
)

// The file is filled with zeros ahead of its end, in steps that grow with it,
// so that a sync writes no metadata and a full disk shows before a record is
// begun. The steps stay below maxCloseZeros.
const (
	minZeros = 64 << 10
	maxZeros = 768 << 10
)

// write appends frames with one write; nothing is synced. On an error that is
// not a *PoisonedError nothing was appended, the file reads as before and the
// log is usable. The caller has mu and the kernel lock.
func (c *shared) write(fs *frames) error {
	if c.poison != nil {
		return c.poison
	}
	if err := c.reclaim(); err != nil {
		return err
	}
	from := c.pos.off
	zeros, err := c.reserve(int64(len(fs.buf)), c.roomAfter(fs))
	if err != nil {
		return wrap(err, "append", c.path)
	}
	end := fs.link(c.scan.salt, c.pos, c.synced)
	fs.begun = true
	if err := c.writeAt(fs, from, zeros); err != nil {
		if c.cut(from, max(end.off, zeros)) == nil {
			fs.begun = false
		}
		return wrap(errors.Join(err, c.poison), "append", c.path)
	}
	c.stats.Writes++
	c.stats.Bytes += int64(len(fs.buf))
	c.pos = end
	c.resized(max(zeros, end.off))
	return c.written(fs, from)
}

// writeAt writes the frames and, where the file ends before that, the zeros
// behind them: one write, so that a failed one leaves no hole in the file.
func (c *shared) writeAt(fs *frames, from, zeros int64) error {
	n := len(fs.buf)
	if size := zeros - from; zeros > c.zeros && size > int64(n) {
		fs.buf = append(fs.buf, make([]byte, size-int64(n))...)
		defer func() { fs.buf = fs.buf[:n] }()
	}
	_, err := c.gen.file.WriteAt(fs.buf, from)
	return err
}

// written takes the frames just written at from into the index.
func (c *shared) written(fs *frames, from int64) error {
	for i, b := range fs.list {
		f := fs.frame(i, from, c.scan.salt)
		if err := c.idx.add(&f, b.sum); err != nil {
			return decodeError(c.path, &f, err)
		}
		c.last = f.off
		switch b.typ {
		case typeMark, typeClose:
			continue
		case typeSeal:
			c.sealed = f.end()
		}
		c.owed = f.end()
	}
	return nil
}

// roomAfter is the room that has to be kept behind the frames.
func (c *shared) roomAfter(fs *frames) int64 {
	room := c.idx.room
	for _, b := range fs.list {
		switch b.typ {
		case typeSeal, typeDecision, typeRetire:
			room += c.idx.roomAfter(b.typ, fs.buf[b.at+frameHeaderSize:]) - c.idx.room
		}
	}
	return room
}

// reserve makes sure of n bytes for frames at the end of the log and of room
// behind them, and returns up to where there have to be zeros once the frames
// are written. Frames longer than a step of zeros are appended without: who
// writes them writes the room as well.
func (c *shared) reserve(n, room int64) (zeros int64, err error) {
	end := c.pos.off + n
	if end+room <= c.zeros {
		return c.zeros, nil
	}
	step := min(max(c.pos.off, minZeros), c.opts.ZeroAhead)
	if n > step {
		return end + room, nil
	}
	want := (end + room + step) &^ (minZeros - 1)
	err = c.fill(c.zeros, want)
	if fail.KindOf(err) == fail.NoSpace {
		want = end + room
		err = c.fill(c.zeros, want)
	}
	if err == nil {
		c.zeros = want
	}
	return want, err
}

// fill writes zeros to [from, to).
func (c *shared) fill(from, to int64) error {
	zeros := make([]byte, min(max(to-from, 0), minZeros))
	for from < to {
		n, err := c.gen.file.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// zero makes [from, to) zeros again, durably. An error poisons the log.
func (c *shared) zero(from, to int64) error {
	err := c.fill(from, to)
	if err == nil && !c.opts.NoSync {
		err = c.gen.file.Datasync()
	}
	return c.poisonIf(err)
}

// cut takes back what a failed write may have left in [from, to). There is no
// hole in the file: a full disk has room for these zeros.
func (c *shared) cut(from, to int64) error {
	info, err := c.gen.file.Stat()
	if err != nil {
		return c.poisonIf(err)
	}
	return c.zero(from, min(to, info.Size))
}

func (c *shared) poisonIf(err error) error {
	if err != nil {
		c.poison = &PoisonedError{Path: c.path, Err: err}
	}
	return c.poison
}

// reclaim writes again, unchanged, what others wrote behind the last end that
// a completed sync is known to cover: their sync may have failed, or they may
// have died in it, and what can be read then need not be what the disk holds.
// The next sync covers it.
func (c *shared) reclaim() error {
	if !c.inherit || c.opts.NoSync {
		return nil
	}
	buf := make([]byte, min(c.pos.off-c.synced, 1<<20))
	for off := c.synced; off < c.pos.off; {
		b := buf[:min(int64(len(buf)), c.pos.off-off)]
		if n, err := c.gen.file.ReadAt(b, off); n < len(b) {
			return wrap(err, "read", c.path)
		}
		if _, err := c.gen.file.WriteAt(b, off); err != nil {
			return wrap(err, "write again", c.path)
		}
		off += int64(len(b))
	}
	c.inherit = false
	return nil
}
