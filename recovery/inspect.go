package recovery

import (
	"bufio"
	"bytes"
	"io"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// view is one look at all paths and slots of one intent. Nothing has moved yet
// when it is complete.
type view struct {
	job      *apply.Job
	tx       *wal.Transaction
	sights   []Sight
	infos    []vfs.Info // what stands at each path, zero for nothing
	verdicts []Verdict
	linkers  map[int][]int // of a renamed file: the steps that link to it
}

type inode struct{ dev, ino uint64 }

// inspect looks at everything and classifies it. It reads only.
func inspect(job *apply.Job, tx *wal.Transaction) (*view, error) {
	n := len(job.Steps)
	v := &view{job: job, tx: tx, sights: make([]Sight, n), infos: make([]vfs.Info, n), linkers: make(map[int][]int)}
	for i := range job.Steps {
		if from := job.Steps[i].LinkOf; from >= 0 {
			v.linkers[from] = append(v.linkers[from], i)
		}
	}
	// Where a directory is tells where what is beneath it is.
	for i := range job.Steps {
		if job.Steps[i].DirFrom == "" {
			continue
		}
		if err := v.look(i, v.lookAtPath); err != nil {
			return nil, err
		}
	}
	err := apply.Parallel(n, func(i int) error {
		if job.Steps[i].DirFrom != "" {
			return nil
		}
		return v.look(i, v.lookAtPath)
	})
	if err != nil {
		return nil, err
	}
	here := make(map[inode]bool, n)
	for _, info := range v.infos {
		if info.Kind == vfs.Regular {
			here[inode{info.Dev, info.Ino}] = true
		}
	}
	err = apply.Parallel(n, func(i int) error {
		return v.look(i, func(i int) error { return v.lookAtSlots(i, here) })
	})
	if err != nil {
		return nil, err
	}
	for i := range job.Steps {
		if err := v.look(i, v.lookForUnfinished); err != nil {
			return nil, err
		}
		if err := v.look(i, v.lookForTorn); err != nil {
			return nil, err
		}
	}
	v.verdicts = Classify(v.sights)
	v.barLost()
	return v, nil
}

func (v *view) look(n int, at func(n int) error) error {
	return fail.Wrap(at(n), "inspect", v.job.Steps[n].Path)
}

// barLost bars the way to images that are nowhere any more, because somebody has
// removed every name of a renamed file, of which the log has hashes only.
func (v *view) barLost() {
	for n := range v.verdicts {
		st, class := &v.job.Steps[n], &v.verdicts[n].Class
		switch {
		case *class == IsBefore && apply.NeedsImage(st) && !v.obtainable(n, wal.After, &st.After):
			*class = EditedBefore
		case *class == IsAfter && apply.NeedsImage(apply.Inverse(st)) && !v.obtainable(n, wal.Before, &st.Before):
			*class = EditedAfter
		}
	}
}

func (v *view) obtainable(n int, img wal.Image, s *wal.State) bool {
	_, linked := v.linkSource(n, img)
	return s.Kind != vfs.Regular || linked || v.image(n, img) != nil
}

// where is the path at which step n's file stands now.
func (v *view) where(n int) string {
	return v.job.Where(n, func(dir int) string {
		switch v.sights[dir].Place {
		case PlaceBefore:
			return v.job.Steps[dir].DirFrom
		case PlaceTorn:
			return v.job.SlotPath(dir)
		}
		return v.job.Steps[dir].Path
	})
}

func (v *view) lookAtPath(n int) error {
	st, s := &v.job.Steps[n], &v.sights[n]
	s.Traits = Traits{InPlace: st.InPlace && v.job.Begun[n], ChmodOnly: apply.IsChmod(st), DirStep: apply.IsDirStep(st),
		BeforeAbsent: st.Before.Kind == vfs.Absent}
	look, err := v.lookAt(v.where(n), st)
	if err != nil {
		return err
	}
	v.infos[n] = look.Info
	if st.DirFrom != "" {
		return v.lookAtDirRename(n, look)
	}
	s.NormBefore, s.NormAfter = look.NormBefore, look.NormAfter
	switch {
	case look.Before:
		s.Place = PlaceBefore
	case look.After:
		s.Place = PlaceAfter
	default:
		s.Place = PlaceForeign
	}
	return nil
}

// lookAtDirRename: exactly one of the two names must exist, or, where they differ
// in case only, the slot between them.
func (v *view) lookAtDirRename(n int, to apply.Look) error {
	from, err := v.lookAt(v.job.Steps[n].DirFrom, apply.Inverse(&v.job.Steps[n]))
	if err != nil {
		return err
	}
	there, here := from.Info.Kind == vfs.Directory, to.Info.Kind == vfs.Directory
	between, err := v.isBetween(n)
	switch {
	case err != nil:
		return err
	case between && from.Info.Kind == vfs.Absent && to.Info.Kind == vfs.Absent:
		v.sights[n].Place = PlaceTorn
	case between: // somebody has taken the name: it goes to the shelf
		v.sights[n].Place, v.sights[n].A.Slot = PlaceForeign, SlotStrange
	case there && to.Info.Kind == vfs.Absent:
		v.sights[n].Place = PlaceBefore
	case here && from.Info.Kind == vfs.Absent:
		v.sights[n].Place = PlaceAfter
	default:
		v.sights[n].Place = PlaceForeign
	}
	return nil
}

// isBetween reports whether a directory that changes only the case of its name
// is in the slot.
func (v *view) isBetween(n int) (bool, error) {
	if v.job.Steps[n].Sibling == "" {
		return false, nil
	}
	look, err := v.job.LookAtSlot(v.job.Slot(n, apply.SlotA), &v.job.Steps[n])
	return look.Info.Kind == vfs.Directory, err
}

func (v *view) lookAt(p string, st *wal.Step) (apply.Look, error) {
	d, name, err := v.job.Tree.Parent(p)
	if vfs.NotExist(err) {
		return apply.LookAt(nil, "", st)
	}
	if err != nil {
		return apply.Look{}, err
	}
	defer d.Close()
	return v.job.LookAt(d, name, st)
}

func (v *view) lookAtSlots(n int, here map[inode]bool) error {
	st, s := &v.job.Steps[n], &v.sights[n]
	if s.ChmodOnly || s.DirStep {
		return nil
	}
	for _, slot := range []struct {
		letter string
		held   *Held
	}{{apply.SlotA, &s.A}, {apply.SlotB, &s.B}, {apply.SlotD, &s.D}} {
		name := v.job.Slot(n, slot.letter)
		look, err := v.job.LookAtSlot(name, st)
		if err != nil {
			return err
		}
		slot.held.Linked = here[inode{look.Info.Dev, look.Info.Ino}]
		switch {
		case look.Info.Kind == vfs.Absent:
			slot.held.Slot = SlotNone
		case look.Before:
			slot.held.Slot = SlotDisplaced
		case look.After:
			slot.held.Slot = SlotStaged
		default:
			slot.held.Slot = SlotStrange
		}
	}
	return nil
}

// lookForUnfinished tells a slot that was being written from a strange one.
func (v *view) lookForUnfinished(n int) error {
	s := &v.sights[n]
	if s.A.Slot != SlotStrange || v.job.Steps[n].After.Kind != vfs.Regular || s.DirStep {
		return nil
	}
	ok, err := v.unfinished(n)
	if err != nil || ok {
		s.A.Slot = SlotUnfinished
	}
	return err
}

// unfinished reports whether slot a of step n is no longer than the
// after-image and every byte of it is the image's or zero.
func (v *view) unfinished(n int) (bool, error) {
	f, err := v.job.OpenSlot(v.job.Slot(n, apply.SlotA))
	if err != nil {
		return false, nil // a link, a directory: strange
	}
	defer f.Close()
	image, ok := v.open(n, wal.After)
	if !ok {
		return false, nil
	}
	defer image.Close()
	slot, img := bufio.NewReaderSize(f, blocks), bufio.NewReaderSize(image, blocks)
	for {
		b, err := slot.ReadByte()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if want, err := img.ReadByte(); err != nil || b != 0 && b != want {
			return false, nil
		}
	}
}

const (
	sector = 512
	blocks = 64 << 10
)

// lookForTorn tells a file that was being written in place from a foreign one.
func (v *view) lookForTorn(n int) error {
	st, s := &v.job.Steps[n], &v.sights[n]
	size := v.infos[n].Size
	if !s.InPlace || v.infos[n].Kind != vfs.Regular {
		return nil
	}
	if s.Place != PlaceForeign {
		return v.lookForLostPrivileges(n)
	}
	if size < min(st.Before.Size, st.After.Size) || size > max(st.Before.Size, st.After.Size) {
		return nil
	}
	before, ok := v.open(n, wal.Before)
	if !ok {
		return nil
	}
	defer before.Close()
	after, ok := v.open(n, wal.After)
	if !ok {
		return nil
	}
	defer after.Close()
	d, name, err := v.job.Tree.Parent(v.where(n))
	if err != nil {
		return err
	}
	defer d.Close()
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	torn, err := isTorn(bufio.NewReaderSize(f, blocks), bufio.NewReaderSize(before, blocks), bufio.NewReaderSize(after, blocks),
		min(st.Before.Size, st.After.Size))
	if torn && err == nil {
		s.Place = PlaceTorn
	}
	return err
}

// lookForLostPrivileges takes a file for torn whose bytes are whole and from
// which the write has taken setuid or capabilities, not yet given back.
func (v *view) lookForLostPrivileges(n int) error {
	d, name, err := v.job.Tree.Parent(v.where(n))
	if err != nil {
		return err
	}
	defer d.Close()
	meta, _, err := apply.ReadMeta(d, name)
	if err == nil && apply.LostPrivileges(meta, v.job.Steps[n].Before.Meta) && apply.LostPrivileges(meta, v.job.Steps[n].After.Meta) {
		v.sights[n].Place = PlaceTorn
	}
	return err
}

// isTorn reports whether every sector of file is the before's, continued with
// zeros, or the after's, continued with the before's; or one of them with zeros
// past short, where the shorter of both ends: a last block may be on the disk
// before, or after, the length that goes with it.
func isTorn(file, before, after io.Reader, short int64) (bool, error) {
	var f, b, a [sector]byte
	for off := int64(0); ; off += sector {
		n, err := io.ReadFull(file, f[:])
		if n == 0 && err == io.EOF {
			return true, nil
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return false, err
		}
		clear(b[:])
		if err := readSome(before, b[:]); err != nil {
			return false, err
		}
		a = b
		if err := readSome(after, a[:]); err != nil {
			return false, err
		}
		cut := min(max(short-off, 0), int64(n))
		zero := len(bytes.Trim(f[cut:n], "\x00")) == 0
		is := func(want []byte) bool {
			return bytes.Equal(f[:n], want[:n]) || zero && bytes.Equal(f[:cut], want[:cut])
		}
		if !is(b[:]) && !is(a[:]) {
			return false, nil
		}
	}
}

// readSome fills p as far as r goes.
func readSome(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
