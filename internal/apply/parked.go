package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Shelf is .emend/parked/ID: what a person needs to decide about an intent,
// and files of somebody's that were found in its slots.
type Shelf struct {
	w           *Workspace
	parent, dir vfs.Dir
	path        string
}

// Shelf opens the intent's shelf and makes it where it is missing.
func (w *Workspace) Shelf(id wal.ID) (*Shelf, error) {
	parent, err := w.Parked()
	if err != nil {
		return nil, err
	}
	name := id.String()
	s := &Shelf{w: w, parent: parent, path: EmendDir + "/" + parkName + "/" + name}
	if err = parent.Mkdir(name, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
		s.dir, err = parent.OpenDir(name)
	}
	if err != nil {
		parent.Close()
		return nil, fail.Wrap(err, "park", s.path)
	}
	return s, nil
}

// Put writes a file of the shelf anew and syncs it.
func (s *Shelf) Put(name string, write func(io.Writer) error) error {
	if err := removeAny(s.dir, name); err != nil {
		return fail.Wrap(err, "park", s.path+"/"+name)
	}
	f, err := s.dir.Create(name, 0o600)
	if err != nil {
		return fail.Wrap(err, "park", s.path+"/"+name)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fail.Wrap(err, "park", s.path+"/"+name)
	}
	return nil
}

// Keep gives what is in a slot a name on the shelf that nothing has yet. The
// slot stays until the intent is retired, so that a recovery that is cut off
// here classifies the path the same way again; a directory, which can have but
// one name, moves, and where links are refused the shelf gets a copy.
func (s *Shelf) Keep(j *Job, n int, letter string) error {
	slot := j.Slot(n, letter)
	info, err := j.stage.Lstat(slot)
	if err != nil {
		return fail.Wrap(err, "park", slot)
	}
	noLinks := false
	for try := 1; ; try++ {
		name := fmt.Sprintf("%d.slot-%s", n, letter)
		if try > 1 {
			name += "-" + strconv.Itoa(try)
		}
		switch {
		case info.Kind == vfs.Directory:
			err = moveNoReplace(j.stage, slot, s.dir, name)
		case noLinks:
			err = s.copySlot(j, slot, name, info.Kind)
		default:
			err = j.stage.Link(slot, s.dir, name)
		}
		if errors.Is(err, fs.ErrExist) {
			if there, lerr := s.dir.Lstat(name); lerr == nil && there.SameFile(info) {
				return nil
			}
			continue
		}
		if err != nil && !noLinks && info.Kind != vfs.Directory {
			noLinks = true
			try--
			continue
		}
		if err == nil {
			err = syncName(s.dir, name, info.Kind)
		}
		return fail.Wrap(err, "park", s.path+"/"+name)
	}
}

// copySlot makes name on the shelf a copy of what is in a slot.
func (s *Shelf) copySlot(j *Job, slot, name string, kind vfs.Kind) error {
	if kind == vfs.Symlink {
		target, err := j.stage.Readlink(slot)
		if err != nil {
			return err
		}
		return s.dir.Symlink(target, name)
	}
	f, err := s.dir.Create(name, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(copyFrom(f, j.stage, slot), f.Close())
}

// Close makes the shelf durable and gives its handles back.
func (s *Shelf) Close() error {
	err := s.dir.Sync()
	if err == nil {
		err = errors.Join(s.parent.Sync(), s.w.syncNames())
	}
	if err = errors.Join(err, s.dir.Close(), s.parent.Close()); err != nil {
		return fail.Wrap(err, "park", s.path)
	}
	return nil
}

// Slots lists the names in .emend/stage; none where it is missing.
func (w *Workspace) Slots() ([]string, error) {
	d, err := w.Tree.Dir(EmendDir + "/" + stageName)
	if vfs.NotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir()
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names, err
}

// RemoveSlot removes a slot of an intent that is over.
func (w *Workspace) RemoveSlot(name string) error {
	d, err := w.Stage()
	if err != nil {
		return err
	}
	defer d.Close()
	return removeAny(d, name)
}

// EmptyAll removes all slots of the job. Nothing that is left in them is
// anybody's: strange ones were moved to the shelf before the intent was
// retired.
func (j *Job) EmptyAll() error {
	entries, err := j.stage.ReadDir()
	if err != nil {
		return fail.Wrap(err, "empty", EmendDir+"/"+stageName)
	}
	prefix := j.ID.String() + "-"
	entries = slices.DeleteFunc(entries, func(e vfs.Entry) bool { return !strings.HasPrefix(e.Name, prefix) })
	return Parallel(len(entries), func(i int) error {
		name := entries[i].Name
		return fail.Wrap(removeAny(j.stage, name), "empty", EmendDir+"/"+stageName+"/"+name)
	})
}
