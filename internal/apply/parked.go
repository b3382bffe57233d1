package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"syscall"

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
// one name, moves, on another file system beside its slot, and where links are
// refused the shelf gets a copy.
func (s *Shelf) Keep(j *Job, n int, letter string) error {
	slot := j.Slot(n, letter)
	info, err := slot.dir.Lstat(slot.name)
	if err != nil {
		return fail.Wrap(err, "park", slot.name)
	}
	noLinks := false
	for try := 1; ; try++ {
		name := fmt.Sprintf("%d.slot-%s", n, letter)
		if try > 1 {
			name += "-" + strconv.Itoa(try)
		}
		switch {
		case info.Kind == vfs.Directory:
			if err = moveNoReplace(slot.dir, slot.name, s.dir, name); errors.Is(err, syscall.EXDEV) {
				return fail.Wrap(moveNoReplace(slot.dir, slot.name, slot.dir, siblingPrefix+j.ID.String()+"."+name), "park", slot.name)
			}
		case noLinks:
			err = s.copySlot(slot, name, info.Kind)
		default:
			err = slot.dir.Link(slot.name, s.dir, name)
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
func (s *Shelf) copySlot(slot Slot, name string, kind vfs.Kind) error {
	if kind == vfs.Symlink {
		target, err := slot.dir.Readlink(slot.name)
		if err != nil {
			return err
		}
		return s.dir.Symlink(target, name)
	}
	f, err := s.dir.Create(name, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(copyFrom(f, slot.dir, slot.name), f.Close())
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
