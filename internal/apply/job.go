package apply

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Job is one intent at work: its steps, the tree they change, and the slots
// where images wait. Its methods touch one step each and may run side by side
// for different steps.
type Job struct {
	Tree  *Tree
	ID    wal.ID
	Steps []wal.Step
	dirs  []int // the steps that rename a directory
	stage vfs.Dir
	homes map[string]vfs.Dir // of siblings, by path
	w     *Workspace
	// Seen is what a commit saw of each step's path; nil in recovery, which
	// compares bytes instead.
	Seen []Seen
	// Torn marks files that recovery found half written in place: the next
	// write in place starts from that instead of from the step's before.
	Torn []bool
	// Begun marks the files into which bytes may have been written in place: by
	// this job or, in recovery, by the one before it.
	Begun []bool
	// Note records, durably, that step n is written in place after all, because
	// its publish found that the file cannot be replaced. Nil: then it fails.
	Note func(n int) error
	// respelled marks the steps whose path is that of another step but for case:
	// where case does not count, only the listing tells which of them is there.
	respelled []bool
}

// Seen is what stood at a path when its bytes were read, and when that was.
type Seen struct {
	Info vfs.Info
	Read time.Time
}

// NewJob returns a job on the steps of intent id. Close gives its handle back.
func (w *Workspace) NewJob(id wal.ID, steps []wal.Step) (*Job, error) {
	stage, err := w.Stage()
	if err != nil && !(w.opts.ReadOnly && vfs.NotExist(err)) {
		return nil, err
	}
	j := &Job{w: w, Tree: w.Tree, ID: id, Steps: steps, stage: stage, homes: make(map[string]vfs.Dir), respelled: respelled(steps),
		Torn: make([]bool, len(steps)), Begun: make([]bool, len(steps))}
	for n := range steps {
		if steps[n].DirFrom != "" {
			j.dirs = append(j.dirs, n)
		}
		if err := j.openHome(steps[n].Sibling); err != nil {
			return nil, errors.Join(err, j.Close())
		}
	}
	return j, nil
}

func respelled(steps []wal.Step) []bool {
	first, marks := make(map[string]int, len(steps)), make([]bool, len(steps))
	for i := range steps {
		name := strings.ToLower(steps[i].Path)
		if k, ok := first[name]; ok {
			marks[k], marks[i] = true, true
		}
		if strings.ToLower(steps[i].DirFrom) == name {
			marks[i] = true
		}
		first[name] = i
	}
	return marks
}

// LookAt is LookAt at a path of step st.
func (j *Job) LookAt(d vfs.Dir, name string, st *wal.Step) (Look, error) {
	l, err := LookAt(d, name, st)
	if err != nil || !j.respelled[st.N] || l.Info.Kind == vfs.Absent {
		return l, err
	}
	entries, err := d.ReadDir()
	if err != nil || slices.ContainsFunc(entries, func(e vfs.Entry) bool { return e.Name == name }) {
		return l, err
	}
	return LookAt(nil, name, st)
}

// Close closes the job; slots stay.
func (j *Job) Close() error {
	var errs []error
	for _, d := range j.homes {
		errs = append(errs, d.Close())
	}
	if j.stage != nil {
		errs = append(errs, j.stage.Close())
	}
	return errors.Join(errs...)
}

// Forward takes step n from its before to its after by one atomic call. Where
// bytes appear or change, slot a must hold the after-image, durable; what the
// call displaces is in slot a afterwards, never lost. Foreign bytes that come
// out are put back: kind foreign, and the path is as it was.
func (j *Job) Forward(n int) error {
	st := &j.Steps[n]
	return j.move(st, st.Path, SlotA, j.seen(n))
}

// Back takes step n, which stands at the path at (see Where), from its after to
// its before. The slot with the letter must hold the before-image, durable,
// where bytes appear or change; where the path goes, it must be free.
func (j *Job) Back(n int, at, letter string) error {
	inv := Inverse(&j.Steps[n])
	if inv.DirFrom != "" {
		at = inv.Path
	}
	return j.move(inv, at, letter, nil)
}

// Where is the path at which step n's file stands while not all directory
// renames have happened yet: at says where each of these directories is. A
// file's step comes after the renames of the directories above it.
func (j *Job) Where(n int, at func(step int) string) string {
	p := j.Steps[n].Path
	for _, i := range slices.Backward(j.dirs) {
		if d := &j.Steps[i]; i < n && Below(p, d.Path) {
			p = at(i) + strings.TrimPrefix(p, d.Path)
		}
	}
	return p
}

// WhereBefore is Where before any of these renames.
func (j *Job) WhereBefore(n int) string {
	return j.Where(n, func(i int) string { return j.Steps[i].DirFrom })
}

// Inverse is the step that undoes st.
func Inverse(st *wal.Step) *wal.Step {
	inv := *st
	inv.Before, inv.After = st.After, st.Before
	inv.HasBefore, inv.HasAfter = st.HasAfter, st.HasBefore
	if st.DirFrom != "" {
		inv.Path, inv.DirFrom = st.DirFrom, st.Path
	}
	return &inv
}

func (j *Job) seen(n int) *Seen {
	if j.Seen == nil {
		return nil
	}
	return &j.Seen[n]
}

// move is Forward for st, which stands at the path at and whose image waits in
// the slot with the letter.
func (j *Job) move(st *wal.Step, at, letter string, seen *Seen) error {
	d, name, err := j.Tree.Parent(at)
	if err != nil {
		return fail.Wrap(err, "publish", st.Path)
	}
	defer d.Close()
	m := &mover{j: j, st: st, d: d, name: name, slot: j.Slot(st.N, letter), seen: seen}
	return fail.Wrap(m.move(), "publish", st.Path)
}

// IsChmod reports whether only the mode changes: one fchmod, without a slot.
func IsChmod(st *wal.Step) bool {
	content, mode := compared(st)
	return mode && !content
}

// IsDirStep reports whether the step makes, removes or renames a directory
// without a slot.
func IsDirStep(st *wal.Step) bool {
	isDir := func(k vfs.Kind) bool { return k == vfs.Directory || k == vfs.Absent }
	return st.DirFrom != "" || isDir(st.Before.Kind) && isDir(st.After.Kind)
}

// HasSlots reports whether the step publishes something out of a slot, or moves
// it there.
func HasSlots(st *wal.Step) bool { return !IsDirStep(st) && !IsChmod(st) }

// NeedsImage reports whether the step publishes an image out of a slot.
func NeedsImage(st *wal.Step) bool { return HasSlots(st) && st.After.Kind != vfs.Absent }

var errForeign = errors.New("somebody else's bytes stand there")

func foreign(st *wal.Step) error {
	return &fail.Error{Kind: fail.Foreign, Path: st.Path, Message: "the file was changed by somebody else meanwhile; their bytes stay",
		State: fail.Unchanged, Err: errForeign, Hint: "look at the file and make the plan anew"}
}

// LookAtSlot looks at a slot of the step st. The slot of a file that is written
// in place holds bytes, and no metadata.
func (j *Job) LookAtSlot(s Slot, st *wal.Step) (Look, error) {
	if st.InPlace {
		content := *st
		content.Before.Meta.Mode = st.After.Meta.Mode
		st = &content
	}
	return LookAt(s.dir, s.name, st)
}

// OpenSlot opens a slot for reading.
func (j *Job) OpenSlot(s Slot) (vfs.File, error) { return s.dir.Open(s.name) }

// CopySlot copies a slot's bytes to w.
func (j *Job) CopySlot(w io.Writer, s Slot) error { return copyFrom(w, s.dir, s.name) }

// CopyPath copies the bytes of the file at p to w.
func (j *Job) CopyPath(w io.Writer, p string) error {
	d, name, err := j.Tree.Parent(p)
	if err != nil {
		return err
	}
	defer d.Close()
	return copyFrom(w, d, name)
}

func copyFrom(w io.Writer, d vfs.Dir, name string) error {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = Copy(w, f)
	return err
}

// SwapBack puts what a publish, or a rollback, had swapped into a slot back to
// its path: by exchange where something stands there, else without clobbering.
func (j *Job) SwapBack(n int, letter, p string) error {
	d, name, err := j.Tree.Parent(p)
	if err != nil {
		return err
	}
	defer d.Close()
	s := j.Slot(n, letter)
	if _, err := d.Lstat(name); vfs.NotExist(err) {
		return moveNoReplace(s.dir, s.name, d, name)
	}
	return s.dir.Exchange(s.name, d, name)
}
