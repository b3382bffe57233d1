package wal

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/emend/emend/internal/vfs"
)

// Damage is a half-open byte range that no longer holds what was written and
// synced there.
type Damage struct {
	From int64  `json:"from"`
	To   int64  `json:"to"`
	Lost string `json:"lost"` // what stood there, as far as can be told
}

// VerifyReport says how a log is, byte by byte.
type VerifyReport struct {
	Frames     int64    // that are whole
	Bytes      int64    // up to the end of the last of them
	Damage     []Damage // in order
	Torn       Damage   // a torn write behind the last frame: nothing that was acknowledged
	Generation uint64   // 0 where there is no log, or no header
}

// Health is "ok", "torn" or "damaged".
func (r *VerifyReport) Health() string {
	switch {
	case len(r.Damage) > 0:
		return "damaged"
	case r.Torn.To > r.Torn.From:
		return "torn"
	}
	return "ok"
}

// Verify checks every byte of the log in dir. It needs no lock, changes
// nothing, and works on a log that cannot be opened: damage is in the report.
// A log that is not there is whole. Errors are *VersionError and those of the
// system. While another process appends, a torn write may be one at work.
func Verify(fsys vfs.FS, dir string) (VerifyReport, error) {
	d, err := fsys.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return VerifyReport{}, nil
	}
	if err != nil {
		return VerifyReport{}, wrap(err, "open", dir)
	}
	defer d.Close()
	return VerifyDir(d)
}

// VerifyDir is Verify for a directory whose handle the caller has, and keeps.
func VerifyDir(dir vfs.Dir) (VerifyReport, error) {
	var r VerifyReport
	if is, err := verifyJSON(dir, &r); is || err != nil {
		return r, err
	}
	x := newIndex()
	err := walkLog(dir, func(w *walker, p piece) error {
		r.Generation = w.header.generation
		switch {
		case p.frame != nil:
			r.Frames++
			r.Bytes = p.frame.end()
			if err := x.add(p.frame, p.frame.groupSum()); err != nil {
				r.Damage = append(r.Damage, Damage{p.frame.off, p.frame.end(), fmt.Sprintf("frame %d: %v", p.frame.seq, err)})
			}
		case p.gap.torn():
			r.Torn = Damage{p.gap.from, p.gap.to, "a write that was not finished"}
		default:
			r.Damage = append(r.Damage, Damage{p.gap.from, p.gap.to, p.gap.lost})
		}
		return nil
	})
	return r, err
}
