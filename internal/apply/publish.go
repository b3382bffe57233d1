package apply

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// mover takes one path from st.Before to st.After.
type mover struct {
	j    *Job
	st   *wal.Step
	d    vfs.Dir // the path's directory
	name string  // the path's name in it
	slot Slot
	seen *Seen
}

// putBackTries bounds the swaps with a writer that keeps renaming files over
// the path while its bytes are being put back.
const putBackTries = 1000

func (m *mover) move() error {
	before, after := m.st.Before.Kind, m.st.After.Kind
	switch {
	case m.st.DirFrom != "":
		return m.renameDir()
	case m.st.InPlace:
		return m.writeInPlace()
	case IsChmod(m.st):
		return m.chmod()
	case before == vfs.Absent && after == vfs.Directory:
		return m.mkdir()
	case before == vfs.Directory && after == vfs.Absent:
		return m.rmdir()
	case before == vfs.Absent:
		return m.appear()
	case after == vfs.Absent:
		return m.disappear()
	}
	return m.change()
}

func (m *mover) renameDir() error {
	from, name, err := m.j.Tree.Parent(m.st.DirFrom)
	if err != nil {
		return err
	}
	defer from.Close()
	defer m.j.Tree.Forget(m.st.DirFrom)
	if m.st.Sibling == "" {
		return moveDirNoReplace(from, name, m.d, m.name)
	}
	// To the system both names are one. A crash in between leaves the directory in
	// the slot, from where it goes on.
	s := m.j.Slot(m.st.N, SlotA)
	defer m.j.Tree.Forget(m.j.SlotPath(m.st.N))
	if err := moveDirNoReplace(from, name, s.dir, s.name); err != nil && !vfs.NotExist(err) {
		return err
	}
	return moveDirNoReplace(s.dir, s.name, m.d, m.name)
}

// moveDirNoReplace renames a directory without clobbering; where the system
// cannot, it looks first.
func moveDirNoReplace(from vfs.Dir, name string, to vfs.Dir, toName string) error {
	err := from.RenameNoReplace(name, to, toName)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := to.Lstat(toName); !vfs.NotExist(err) {
		return errors.Join(fs.ErrExist, err)
	}
	return from.Rename(name, to, toName)
}

// mkdir accepts a directory that somebody else has made meanwhile: it is what
// the step wants. One that a rollback brings back gets its metadata again.
func (m *mover) mkdir() error {
	err := m.d.Mkdir(m.name, 0o777)
	if errors.Is(err, fs.ErrExist) {
		if i, lerr := m.d.Lstat(m.name); lerr == nil && i.Kind == vfs.Directory {
			return nil
		}
		return foreign(m.st)
	}
	if err != nil || m.st.After.Meta.Mode == 0 {
		return err
	}
	return setNamedMeta(m.d, m.name, m.st.After.Meta)
}

// rmdir leaves a directory in which somebody has put something.
func (m *mover) rmdir() error {
	m.j.Tree.Forget(m.st.Path)
	err := m.d.Rmdir(m.name)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) || vfs.NotExist(err) {
		return nil
	}
	return err
}

func (m *mover) chmod() error {
	l, err := LookAt(m.d, m.name, m.st)
	if err != nil {
		return err
	}
	if !l.Before {
		return foreign(m.st)
	}
	return m.d.Chmod(m.name, m.st.After.Meta.Mode)
}

func (m *mover) appear() error {
	err := moveNoReplace(m.slot.dir, m.slot.name, m.d, m.name)
	if errors.Is(err, fs.ErrExist) {
		return foreign(m.st)
	}
	return err
}

func (m *mover) disappear() error {
	if err := moveNoReplace(m.d, m.name, m.slot.dir, m.slot.name); err != nil {
		if vfs.NotExist(err) {
			return foreign(m.st)
		}
		return err
	}
	ok, err := m.cameOut(m.slot)
	if ok || err != nil {
		return err
	}
	// What stands at the path by now is newer; the slot keeps these bytes then.
	if err := moveNoReplace(m.slot.dir, m.slot.name, m.d, m.name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return foreign(m.st)
}

func (m *mover) change() error {
	err := m.replace()
	if cannotBeReplaced(err) {
		return m.inPlaceAfterAll(err)
	}
	return err
}

func (m *mover) replace() error {
	err := m.slot.dir.Exchange(m.slot.name, m.d, m.name)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return m.changeWithoutExchange()
	case vfs.NotExist(err):
		return foreign(m.st)
	case err != nil:
		return err
	}
	if m.st.Before.Kind == vfs.Directory {
		m.j.Tree.Forget(m.st.Path)
	}
	ok, err := m.cameOut(m.slot)
	if ok || err != nil {
		return err
	}
	if err := m.putBack(); err != nil {
		return err
	}
	return foreign(m.st)
}

// putBack swaps until what comes out is what emend itself had put at the path:
// the image at first, then the file of the last swap. Anything else has come
// there after that file, and is swapped back next.
func (m *mover) putBack() error {
	var last held
	defer func() { last.Close() }()
	for try := range putBackTries {
		in, err := hold(m.slot.dir, m.slot.name)
		if err != nil {
			return err
		}
		if err := m.slot.dir.Exchange(m.slot.name, m.d, m.name); err != nil {
			return errors.Join(err, in.Close())
		}
		out, err := LookAt(m.slot.dir, m.slot.name, m.st)
		if err != nil || try == 0 && out.After || try > 0 && out.Info.SameFile(last.Info) {
			return errors.Join(err, in.Close())
		}
		last.Close()
		last = in
	}
	return fail.New(fail.Busy, "", m.st.Path, "a writer keeps replacing the file")
}

// held is a file whose inode number no other file gets before it is closed.
type held struct {
	vfs.Info
	file vfs.File // nil: what is no file, and has to do without
}

func hold(d vfs.Dir, name string) (held, error) {
	info, err := d.Lstat(name)
	if err != nil || info.Kind != vfs.Regular {
		return held{Info: info}, err
	}
	f, err := d.Open(name)
	return held{info, f}, err
}

// Close lets go of a file that was never written to through the handle.
func (h held) Close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// changeWithoutExchange keeps what stands at the path under a second name and
// renames over it. Between the look and the rename another writer's file can
// be lost: docs/GUARANTEES.md names the window.
func (m *mover) changeWithoutExchange() error {
	if m.st.Before.Kind == vfs.Directory || m.st.After.Kind == vfs.Directory {
		return fail.New(fail.Unsupported, "", m.st.Path, "a file cannot become a directory here: the file system has no exchange")
	}
	kept := m.j.Slot(m.st.N, SlotD)
	l, err := LookAt(m.d, m.name, m.st)
	if err != nil {
		return err
	}
	if !l.Before {
		return foreign(m.st)
	}
	if err := m.d.Link(m.name, kept.dir, kept.name); err != nil {
		return err
	}
	if ok, err := m.cameOut(kept); !ok || err != nil {
		return errors.Join(err, foreign(m.st))
	}
	// The second name may be the last one that holds these bytes.
	if err := kept.dir.Sync(); err != nil {
		return err
	}
	return m.slot.dir.Rename(m.slot.name, m.d, m.name)
}

// cameOut looks at what a call has moved to the slot: it must be the step's
// before. A directory must be empty.
func (m *mover) cameOut(slot Slot) (bool, error) {
	if m.seen != nil {
		now, err := slot.dir.Lstat(slot.name)
		if err != nil {
			return false, err
		}
		if now.Kind == vfs.Regular && Settled(m.seen.Info, now, m.seen.Read, false) {
			return true, nil
		}
	}
	l, err := LookAt(slot.dir, slot.name, m.st)
	if err != nil || !l.Before || l.Info.Kind != vfs.Directory {
		return l.Before, err
	}
	d, err := slot.dir.OpenDir(slot.name)
	if err != nil {
		return false, err
	}
	defer d.Close()
	names, err := d.ReadDir()
	return len(names) == 0, err
}

// moveNoReplace renames without clobbering; where the system cannot, a second
// name is made, and made durable before the first one is removed.
func moveNoReplace(from vfs.Dir, name string, to vfs.Dir, toName string) error {
	err := from.RenameNoReplace(name, to, toName)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := from.Link(name, to, toName); err != nil {
		return err
	}
	if err := to.Sync(); err != nil {
		return err
	}
	return from.Remove(name)
}
