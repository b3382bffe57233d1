package recovery

import (
	"errors"
	"io/fs"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// swapBack returns to their paths what had been swapped out, and reports
// whether there was any: then everything is looked at again. It moves nothing
// that the decision is about: the path's class is the same before and after.
func (v *view) swapBack() (bool, error) {
	swapped := false
	for n, verdict := range v.verdicts {
		for _, s := range []struct {
			letter string
			fate   Fate
		}{{apply.SlotA, verdict.A}, {apply.SlotB, verdict.B}} {
			if s.fate != FateSwapBack {
				continue
			}
			swapped = true
			err := v.job.SwapBack(n, s.letter, v.where(n))
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return swapped, fail.Wrap(err, "put back", v.job.Steps[n].Path)
			}
		}
	}
	return swapped, nil
}

// moves reports whether going course moves step n.
func (v *view) moves(n int, course Course) bool {
	switch v.verdicts[n].Class {
	case IsBefore:
		return course == GoForward
	case IsAfter:
		return course == GoBack
	case IsTorn:
		return course != Park
	}
	return false
}

// forward publishes what is still before: all images are written and synced
// first.
func (v *view) forward() error {
	err := v.job.Announce()
	if err == nil {
		err = v.together(GoForward, v.prepareForward)
	}
	if err == nil {
		err = v.job.SyncStage()
	}
	if err != nil {
		return err
	}
	return v.each(GoForward, false, v.job.Forward)
}

// back takes back what is after, in reverse order: the displaced files
// themselves where they are left, images from the log otherwise.
func (v *view) back() error {
	err := v.job.Announce()
	if err == nil {
		err = v.together(GoBack, v.prepareBack)
	}
	if err == nil {
		err = v.job.SyncStage()
	}
	if err != nil {
		return err
	}
	return v.each(GoBack, true, func(n int) error { return v.job.Back(n, v.where(n), apply.SlotB) })
}

func (v *view) each(course Course, reverse bool, do func(n int) error) error {
	for i := range v.job.Steps {
		n := i
		if reverse {
			n = len(v.job.Steps) - 1 - i
		}
		if err := v.one(n, course, do); err != nil {
			return err
		}
	}
	return nil
}

// together is each for what needs no order.
func (v *view) together(course Course, do func(n int) error) error {
	return apply.Parallel(len(v.job.Steps), func(n int) error { return v.one(n, course, do) })
}

func (v *view) one(n int, course Course, do func(n int) error) error {
	if !v.moves(n, course) {
		return nil
	}
	return fail.Wrap(do(n), "recover", v.job.Steps[n].Path)
}

func (v *view) prepareForward(n int) error {
	st := &v.job.Steps[n]
	v.job.Torn[n] = v.verdicts[n].Class == IsTorn
	if !apply.HasSlots(st) {
		return nil
	}
	if !apply.NeedsImage(st) {
		return v.job.Empty(v.job.Slot(n, apply.SlotA))
	}
	if err := v.job.Empty(v.job.Slot(n, apply.SlotD)); err != nil {
		return err
	}
	return v.restage(n, apply.SlotA, &st.After, wal.After)
}

func (v *view) prepareBack(n int) error {
	st := &v.job.Steps[n]
	v.job.Torn[n] = v.verdicts[n].Class == IsTorn
	if !apply.HasSlots(st) {
		return nil
	}
	if !apply.NeedsImage(apply.Inverse(st)) {
		return v.job.Empty(v.job.Slot(n, apply.SlotB))
	}
	s := &v.sights[n]
	displaced := s.B.Slot == SlotDisplaced // it waits in b
	if !st.InPlace && !displaced {
		for letter, held := range map[string]Held{apply.SlotA: s.A, apply.SlotD: s.D} {
			if held.Slot == SlotDisplaced {
				if err := v.job.RenameSlot(n, letter, apply.SlotB); err != nil {
					return err
				}
				displaced = true
				break
			}
		}
	}
	if err := v.job.Empty(v.job.Slot(n, apply.SlotD)); err != nil {
		return err
	}
	if displaced && !st.InPlace {
		return v.job.SyncSlot(v.job.Slot(n, apply.SlotB))
	}
	return v.restage(n, apply.SlotB, &st.Before, wal.Before)
}

// restage writes an image anew, under a name of its own, syncs it, and only
// then gives it the slot's name.
func (v *view) restage(n int, letter string, want *wal.State, img wal.Image) error {
	return v.job.Restage(n, letter, func(tmp apply.Slot) error {
		if want.Kind != vfs.Regular {
			return v.job.StageOther(tmp, want)
		}
		if v.relink(n, img, tmp) {
			return v.job.SyncSlot(tmp)
		}
		w := v.image(n, img)
		if w == nil {
			return fail.New(fail.IO, "", "", "neither the log nor the disk holds the file's bytes any more")
		}
		stage := v.job.StageFile
		if v.job.Steps[n].InPlace {
			stage = v.job.StageBytes
		}
		f, err := stage(tmp, want, w)
		if err == nil {
			err = f.Sync()
		}
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		return err
	})
}

// relink makes tmp another name of the renamed file itself: of its other path or,
// where emend has taken it from there and it has not come to the new one, of the
// slot it waits in.
func (v *view) relink(n int, img wal.Image, tmp apply.Slot) bool {
	if from, ok := v.linkSource(n, img); ok {
		return v.job.StageLink(tmp, from) == nil
	}
	i := v.job.Steps[n].LinkOf
	waits := img == wal.After && i >= 0 && v.sights[i].A.Slot == SlotDisplaced && v.sights[n].A.Slot == SlotStaged
	return waits && v.job.StageSlotLink(tmp, v.job.Slot(n, apply.SlotA)) == nil
}

// linkSource is the path whose inode a rename takes along: the old name going
// forward, the new one going back.
func (v *view) linkSource(n int, img wal.Image) (string, bool) {
	if img == wal.After {
		i := v.job.Steps[n].LinkOf
		if i >= 0 && v.sights[i].Place == PlaceBefore {
			return v.where(i), true
		}
		return "", false
	}
	for _, i := range v.linkers[n] {
		if v.sights[i].Place == PlaceAfter {
			return v.where(i), true
		}
	}
	return "", false
}
