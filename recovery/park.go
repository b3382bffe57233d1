package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// patchLimit bounds the files for which a parked patch is made in memory;
// beyond it before and after are there whole.
const patchLimit = 16 << 20

// keepStrange moves slots that may hold somebody's bytes to the intent's shelf.
func (v *view) keepStrange(w *apply.Workspace) error {
	var shelf *apply.Shelf
	for n, verdict := range v.verdicts {
		for letter, fate := range map[string]Fate{apply.SlotA: verdict.A, apply.SlotB: verdict.B, apply.SlotD: verdict.D} {
			if fate != FateKeep {
				continue
			}
			if shelf == nil {
				var err error
				if shelf, err = w.Shelf(v.tx.ID); err != nil {
					return err
				}
			}
			if err := shelf.Keep(v.job, n, letter); err != nil {
				return errors.Join(err, shelf.Close())
			}
		}
	}
	if shelf == nil {
		return nil
	}
	return shelf.Close()
}

// keepLast puts onto the shelf what a renamed file is under a name that goes,
// where its other name does not have it: the log has hashes only.
func (v *view) keepLast(w *apply.Workspace, course Course) error {
	for n := range v.job.Steps {
		if !v.moves(n, course) || !v.isLast(n, course) {
			continue
		}
		img := wal.Before
		if course == GoBack {
			img = wal.After
		}
		shelf, err := w.Shelf(v.tx.ID)
		if err != nil {
			return err
		}
		err = v.putImage(shelf, n, img, &wal.State{Kind: vfs.Regular})
		if err = errors.Join(err, shelf.Close()); err != nil {
			return err
		}
	}
	return nil
}

// isLast reports whether going course removes the last name of the file at step
// n's path.
func (v *view) isLast(n int, course Course) bool {
	st := &v.job.Steps[n]
	if course == GoBack {
		i := st.LinkOf
		return st.Before.Kind == vfs.Absent && i >= 0 && v.sights[i].Place != PlaceBefore && !v.moves(i, course)
	}
	for k := range v.job.Steps {
		if v.job.Steps[k].LinkOf == n {
			return st.After.Kind == vfs.Absent && v.sights[k].Place != PlaceAfter && !v.moves(k, course)
		}
	}
	return false
}

// park puts before, after and patch of every path onto the shelf. Nothing in
// the tree moves.
func (v *view) park(w *apply.Workspace) error {
	shelf, err := w.Shelf(v.tx.ID)
	if err != nil {
		return err
	}
	err = v.fill(shelf)
	return errors.Join(err, shelf.Close())
}

func (v *view) fill(shelf *apply.Shelf) error {
	var index bytes.Buffer
	for n := range v.job.Steps {
		st := &v.job.Steps[n]
		fmt.Fprintf(&index, "%d %s %s\n", n, states[v.verdicts[n].Class], fail.QuotePath(st.Path))
		if apply.IsChmod(st) {
			continue // no bytes are its business
		}
		if err := v.putImage(shelf, n, wal.Before, &st.Before); err != nil {
			return err
		}
		if err := v.putImage(shelf, n, wal.After, &st.After); err != nil {
			return err
		}
		if err := v.putPatch(shelf, n); err != nil {
			return err
		}
	}
	return shelf.Put("index", func(w io.Writer) error {
		_, err := w.Write(index.Bytes())
		return err
	})
}

// ShelfName is the name that something about step n has on the intent's shelf.
func ShelfName(n int, what string) string { return strconv.Itoa(n) + "." + what }

var imageNames = map[wal.Image]string{wal.Before: "before", wal.After: "after"}

func (v *view) putImage(shelf *apply.Shelf, n int, img wal.Image, s *wal.State) error {
	name := ShelfName(n, imageNames[img])
	switch s.Kind {
	case vfs.Symlink:
		return shelf.Put(name, func(w io.Writer) error {
			_, err := io.WriteString(w, s.Target)
			return err
		})
	case vfs.Regular:
		if image := v.image(n, img); image != nil {
			return shelf.Put(name, image)
		}
	}
	return nil
}

func (v *view) putPatch(shelf *apply.Shelf, n int) error {
	st := &v.job.Steps[n]
	if st.Before.Size > patchLimit || st.After.Size > patchLimit ||
		st.Before.Kind != vfs.Regular && st.After.Kind != vfs.Regular {
		return nil
	}
	before, err := v.bytes(n, wal.Before, &st.Before)
	if err != nil {
		return err
	}
	after, err := v.bytes(n, wal.After, &st.After)
	if err != nil {
		return err
	}
	span := []locator.Span{{Start: 0, End: len(before), Text: after}}
	return shelf.Put(ShelfName(n, "patch"), func(w io.Writer) error {
		return locator.UnifiedDiff(w, "a/"+st.Path, "b/"+st.Path, before, span)
	})
}

func (v *view) bytes(n int, img wal.Image, s *wal.State) ([]byte, error) {
	image := v.image(n, img)
	if s.Kind != vfs.Regular || image == nil {
		return nil, nil
	}
	var b bytes.Buffer
	err := image(&b)
	return b.Bytes(), err
}
