package recovery

import (
	"errors"
	"io"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// writer writes one image. Whoever publishes what it wrote checks the digest.
type writer func(io.Writer) error

// open returns an image as a stream; false where nothing that is left holds it.
func (v *view) open(n int, img wal.Image) (io.ReadCloser, bool) {
	w := v.image(n, img)
	if w == nil {
		return nil, false
	}
	r, pw := io.Pipe()
	go func() { pw.CloseWithError(w(pw)) }()
	return r, true
}

// image finds step n's image: logged whole, standing somewhere exactly, made
// of the other image with the logged edits, or that of the path that the step
// renames from or to. Nil where it is nowhere.
func (v *view) image(n int, img wal.Image) writer {
	if w := v.whole(n, img); w != nil {
		return w
	}
	st := &v.job.Steps[n]
	other := wal.Before + wal.After - img
	if len(st.Edits) > 0 {
		if w := v.whole(n, other); w != nil {
			return spliced(w, st, img)
		}
	}
	if img == wal.After {
		if st.LinkOf < 0 {
			return nil
		}
		return v.whole(st.LinkOf, wal.Before)
	}
	for _, i := range v.linkers[n] {
		if w := v.whole(i, wal.After); w != nil {
			return w
		}
	}
	return nil
}

// whole finds an image that is logged whole or stands somewhere exactly.
func (v *view) whole(n int, img wal.Image) writer {
	s, st := &v.sights[n], &v.job.Steps[n]
	logged, place, slot := st.HasBefore, PlaceBefore, SlotDisplaced
	if img == wal.After {
		logged, place, slot = st.HasAfter, PlaceAfter, SlotStaged
	}
	if logged {
		return func(w io.Writer) error {
			r, ok := v.tx.Image(n, img)
			if !ok {
				return nil // an empty file has no data frame
			}
			_, err := apply.Copy(w, io.NewSectionReader(r, 0, r.Size()))
			return err
		}
	}
	if s.Place == place && v.infos[n].Kind == vfs.Regular {
		p := v.where(n)
		return func(w io.Writer) error { return v.job.CopyPath(w, p) }
	}
	for letter, held := range map[string]Held{apply.SlotA: s.A, apply.SlotB: s.B, apply.SlotD: s.D} {
		if held.Slot == slot {
			name := v.job.Slot(n, letter)
			return func(w io.Writer) error { return v.job.CopySlot(w, name) }
		}
	}
	return nil
}

// spliced makes img of the other image, which w writes.
func spliced(w writer, st *wal.Step, img wal.Image) writer {
	spans, size := make([]locator.Span, len(st.Edits)), st.Before.Size
	shift := 0
	for i, e := range st.Edits {
		spans[i] = locator.Span{Start: int(e.Start), End: int(e.Start) + len(e.Old), Text: e.New}
		if img == wal.Before {
			spans[i] = locator.Span{Start: int(e.Start) + shift, End: int(e.Start) + shift + len(e.New), Text: e.Old}
			shift += len(e.New) - len(e.Old)
		}
	}
	if img == wal.Before {
		size = st.After.Size
	}
	return func(out io.Writer) error {
		r, pw := io.Pipe()
		go func() { pw.CloseWithError(w(pw)) }()
		return errors.Join(locator.SpliceTo(out, r, size, spans), r.Close())
	}
}
