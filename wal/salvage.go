package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/internal/vfs"
)

// SalvageReport says what was saved from a log.
type SalvageReport struct {
	VerifyReport
	Intents   int // that are whole
	Entries   int
	Hosts     int // host intents that are not retired, as far as can be told
	Fragments int // pieces of images of intents that are not whole
}

// Salvage saves what is whole in the log in dir, on all sides of all damage,
// into the directory to, which must not exist. The log itself is not changed.
//
//	to/wal.log     a log with every intent that is whole, entries, host intents
//	to/frames.txt  what Dump says, the holes in their places
//	to/ID-STEP.before@OFFSET, .after@OFFSET
//	               bytes of images of intents that lost frames
//
// An intent whose retirement was in a hole is unretired in the new log. On an
// error to may be incomplete.
func Salvage(fsys vfs.FS, dir, to string) (SalvageReport, error) {
	from, err := fsys.OpenRoot(dir)
	if err != nil {
		return SalvageReport{}, wrap(err, "open", dir)
	}
	defer from.Close()
	var r SalvageReport
	if r.VerifyReport, err = VerifyDir(from); err != nil {
		return r, err
	}
	if err := fsys.MkdirRoot(to, 0o700); err != nil {
		return r, wrap(err, "make", to)
	}
	out, err := fsys.OpenRoot(to)
	if err != nil {
		return r, wrap(err, "open", to)
	}
	defer out.Close()
	if err := r.save(from, out); err != nil {
		return r, wrap(err, "salvage to", to)
	}
	return r, wrap(out.Sync(), "sync", to)
}

// salvager keeps everything that is whole in the log in dir.
func salvager(dir vfs.Dir) (*keeper, error) {
	x := newIndex()
	k := newKeeper(x, func(fn func(*frame) error) error {
		return walkLog(dir, func(_ *walker, p piece) error {
			if p.frame == nil {
				return nil
			}
			return fn(p.frame)
		})
	})
	err := k.frames(func(f *frame) error {
		_ = x.add(f, f.groupSum()) // what cannot be understood is not kept either
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range x.sealed {
		k.keep(t)
	}
	if k.header, err = newFileHeader(); err != nil {
		return nil, err
	}
	return k, k.begin(time.Now())
}

func (r *SalvageReport) save(from, out vfs.Dir) error {
	k, err := salvager(from)
	if err != nil {
		return err
	}
	x := k.idx
	r.Intents, r.Hosts, r.Entries = len(x.sealed), len(x.hosts.live), int(x.entries.next-1-x.entries.through)
	if err := out.Replace(logName, 0o600, k.write); err != nil {
		return err
	}
	if err := out.Replace("frames.txt", 0o600, func(w io.Writer) error { return dump(w, from) }); err != nil {
		return err
	}
	return k.frames(func(f *frame) error { return r.saveFragment(out, x, f) })
}

// saveFragment keeps image bytes that belong to no whole intent.
func (r *SalvageReport) saveFragment(out vfs.Dir, x *index, f *frame) error {
	if f.typ != typeData || x.owner(f) != nil {
		return nil
	}
	h, err := decodeDataHeader(f.payload)
	if err != nil {
		return nil // not an image's bytes
	}
	side := map[Image]string{Before: "before", After: "after"}[h.img]
	r.Fragments++
	return out.Replace(fmt.Sprintf("%v-%d.%s@%d", h.id, h.n, side, h.off), 0o600, func(w io.Writer) error {
		_, err := w.Write(f.payload[dataHeaderSize:])
		return err
	})
}

// damagedName is the name that a damaged log keeps when what could be saved of
// it takes its place.
const damagedName = "damaged"

// mend salvages a damaged log in place, under the lock; see SalvageDamage.
func (c *shared) mend(ctx context.Context, wait time.Duration) error {
	lim := &limit{ctx: ctx, wait: wait, deadline: time.Now().Add(wait)}
	if _, err := c.enter(lim, false, true); err != nil {
		return err
	}
	defer c.leave(false)
	if !c.hold.locked.Load() {
		if err := c.takeLock(lim); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.refresh(ctx, true)
	if err == nil {
		err = c.wholeIndex()
	}
	if corrupt := new(CorruptError); !errors.As(err, &corrupt) {
		return err // nil: somebody else has mended it
	}
	if is, _ := verifyJSON(c.dir, &VerifyReport{}); is {
		return err
	}
	return wrap(c.replaceDamaged(ctx), "salvage", c.path)
}

// replaceDamaged replaces the log by what is whole of it. Until the new one has
// the name, durably, the old one is the log; it is kept in any case.
func (c *shared) replaceDamaged(ctx context.Context) error {
	r, err := VerifyDir(c.dir)
	if err != nil {
		return err
	}
	k, err := salvager(c.dir)
	if err != nil {
		return err
	}
	name, err := c.keepOld(damagedName)
	if err != nil {
		return err
	}
	if err := c.dir.Replace(logName, 0o600, k.write); err != nil {
		return err
	}
	if err := c.dir.Sync(); err != nil {
		return err
	}
	err = c.load(ctx, true)
	c.report.Damage, c.report.Damaged = r.Damage, name
	return err
}
