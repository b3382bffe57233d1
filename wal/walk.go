package wal

import (
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// piece is a frame, or a gap where one should be.
type piece struct {
	frame *frame // nil: a gap
	gap   gap
}

// walker goes through a whole log, over all damage.
type walker struct {
	s       *scanner
	header  fileHeader
	p       position
	vouched int64 // some frame says that a sync covered everything before
	done    bool
	path    string
}

// walkLog calls fn with every piece of the log in dir, in order.
func walkLog(dir vfs.Dir, fn func(*walker, piece) error) error {
	f, err := dir.Open(logName)
	if vfs.NotExist(err) {
		return nil
	}
	if err != nil {
		return wrap(err, "open", logName)
	}
	defer f.Close()
	w, lost, err := newWalker(f)
	if err != nil {
		return err
	}
	if lost.damaged() {
		if err := fn(w, piece{gap: lost}); err != nil || w.s == nil {
			return err
		}
	}
	for {
		p, ok, err := w.next(f)
		if err != nil || !ok {
			return err
		}
		if err := fn(w, p); err != nil {
			return err
		}
	}
}

// newWalker starts behind the file header. Where that is damaged, the salt is
// found in the first frame that bears its own; without one there is no scanner.
func newWalker(f vfs.File) (*walker, gap, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, gap{}, wrap(err, "open", logName)
	}
	if info.Kind != vfs.Regular {
		return nil, gap{}, fail.New(fail.NotRegular, "open", logName, "this is not a regular file")
	}
	w := &walker{path: logName}
	b := make([]byte, min(fileHeaderSize, info.Size))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, gap{}, wrap(err, "read", logName)
	}
	h, err := decodeFileHeader(b, logName)
	if err == nil {
		w.s = &scanner{r: f, size: info.Size, salt: h.salt()}
		w.header, w.p, w.vouched = h, h.start(), h.birth
		return w, gap{}, nil
	}
	corrupt, ok := err.(*CorruptError)
	if !ok {
		return nil, gap{}, err
	}
	return w, gap{to: w.findStart(f, info.Size), lost: corrupt.Lost}, nil
}

// findStart looks for the first frame that stands alone, takes the log from
// there, and returns its offset; the end of the file if there is none.
func (w *walker) findStart(f vfs.File, size int64) int64 {
	s := &scanner{r: f, size: size}
	first, ok := s.findAny(fileHeaderSize)
	if !ok {
		return size
	}
	w.s, w.p = s, position{off: first.off, seq: first.seq, chain: first.chain}
	return first.off
}

// next returns the next piece; false at the end.
func (w *walker) next(f vfs.File) (piece, bool, error) {
	if w.done {
		return piece{}, false, nil
	}
	p, ok, err := w.frame()
	if ok || err != nil {
		return p, ok, err
	}
	g, err := w.s.gapAt(w.p, &w.vouched)
	if err != nil {
		return piece{}, false, wrap(err, "read", w.path)
	}
	if g.to == g.from {
		return piece{}, false, nil
	}
	// A writer may have been at work between two reads: look again.
	info, err := f.Stat()
	if err != nil {
		return piece{}, false, wrap(err, "read", w.path)
	}
	w.s.size = info.Size
	w.s.forget()
	if p, ok, err := w.frame(); ok || err != nil {
		return p, ok, err
	}
	w.p, w.done = g.after, !g.more
	return piece{gap: g}, true, nil
}

// frame returns the frame at w.p and moves behind it.
func (w *walker) frame() (piece, bool, error) {
	f, ok, err := w.s.next(w.p)
	if !ok || err != nil {
		return piece{}, false, wrap(err, "read", w.path)
	}
	w.p, w.vouched = f.after(), max(w.vouched, f.synced)
	return piece{frame: &f}, true, nil
}
