package apply

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"syscall"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

const (
	capability = "security.capability"
	setIDs     = 0o6000
)

// CheckInPlace finds out, before anything is sealed, whether step n's file,
// which stands at p, can be written in place, and makes the bytes that it has now durable: after a
// power cut in the middle of the write, every block is one of theirs or one of
// the image's. Where it cannot be written: kind identity-lost.
func (j *Job) CheckInPlace(n int, p string) error {
	st := &j.Steps[n]
	d, name, err := j.Tree.Parent(p)
	if err != nil {
		return err
	}
	defer d.Close()
	f, err := d.OpenWrite(name)
	if err != nil {
		return lost(err, "identity")
	}
	defer f.Close()
	// A write takes these away, and only their owner, or the superuser, gives
	// them back.
	euid := j.Tree.FS().EUID()
	if hasCapability(st.Before.Meta) && euid != 0 || st.Before.Meta.Mode&setIDs != 0 && euid != 0 && euid != int(st.Before.Meta.UID) {
		return fail.New(fail.IdentityLost, "", "", "writing into the file would take away its privileges")
	}
	return f.Sync()
}

// cannotBeReplaced reports whether err is how a system says that another file
// cannot come to stand at a name: something is mounted there, the slots are on
// another file system, or the directory is not ours to write to.
func cannotBeReplaced(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) ||
		errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}

// inPlaceAfterAll writes in place what the call that failed with cause could
// not replace. That is possible where the log holds both images, and only with
// a durable note: recovery must know a torn file for emend's.
func (m *mover) inPlaceAfterAll(cause error) error {
	st := &m.j.Steps[m.st.N]
	if st.Before.Kind != vfs.Regular || st.After.Kind != vfs.Regular {
		return cause
	}
	if !st.HasBefore || !st.HasAfter && len(st.Edits) == 0 || m.j.Note == nil {
		return lost(cause, "identity")
	}
	if err := m.j.Empty(m.j.Slot(m.st.N, SlotD)); err != nil { // a second name of the file
		return err
	}
	info, err := m.d.Lstat(m.name)
	if err != nil {
		return err
	}
	if info.Nlink > 1 { // only this name is to change
		return lost(cause, "identity")
	}
	// What its owner has not synced must not come back, older, into a torn file.
	if err := syncName(m.d, m.name, vfs.Regular); err != nil {
		return err
	}
	if err := m.j.Note(m.st.N); err != nil {
		return err
	}
	st.InPlace, m.st.InPlace = true, true
	return m.writeInPlace()
}

// writeInPlace copies the image in the slot into the file itself: checked
// through the same handle just before, the length last, then synced. The log
// holds before and after, and says that the file was written in place.
func (m *mover) writeInPlace() error {
	f, err := m.d.OpenWrite(m.name)
	if vfs.NotExist(err) {
		return foreign(m.st)
	}
	if err != nil {
		return lost(err, "identity")
	}
	defer f.Close()
	meta, err := fileMeta(f)
	if err != nil {
		return err
	}
	torn := m.j.Torn[m.st.N]
	if !torn {
		ok, err := m.holdsBefore(f, meta)
		if err != nil {
			return err
		}
		if !ok {
			return foreign(m.st)
		}
	}
	m.j.Begun[m.st.N] = true
	if err := m.j.copyInto(f, m.slot, m.st.After.Size); err != nil {
		return err
	}
	if torn {
		meta = withPrivileges(meta, m.st.After.Meta)
	}
	if _, mode := compared(m.st); mode {
		meta.Mode = m.st.After.Meta.Mode
	}
	if err := setFileMeta(f, meta); err != nil { // a write takes setuid and capabilities away
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return m.stillThere(f)
}

// holdsBefore reports whether the open file is what the step starts from.
func (m *mover) holdsBefore(f vfs.File, meta wal.Meta) (bool, error) {
	if _, mode := compared(m.st); mode && meta.Mode != m.st.Before.Meta.Mode {
		return false, nil
	}
	var h hashing.RawHasher
	if _, err := Copy(&h, f); err != nil {
		return false, err
	}
	return h.Size() == m.st.Before.Size && h.Raw() == m.st.Before.Hash, nil
}

// stillThere is kind foreign if somebody has put another file at the path
// while this one was being written.
func (m *mover) stillThere(f vfs.File) error {
	now, err := m.d.Lstat(m.name)
	if vfs.NotExist(err) {
		return foreign(m.st)
	}
	if err != nil {
		return err
	}
	mine, err := f.Stat()
	if err == nil && !now.SameFile(mine) {
		return foreign(m.st)
	}
	return err
}

// copyInto writes the slot's bytes over f, only where they differ, and sets
// the length last.
func (j *Job) copyInto(f vfs.File, slot Slot, size int64) error {
	src, err := j.OpenSlot(slot)
	if err != nil {
		return err
	}
	defer src.Close()
	b := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(b)
	want, have := b[:128<<10], b[128<<10:]
	for off := int64(0); off < size; {
		n, err := src.ReadAt(want, off)
		if n == 0 {
			return errors.Join(io.ErrUnexpectedEOF, err)
		}
		k, _ := f.ReadAt(have[:n], off)
		if k != n || !bytes.Equal(have[:n], want[:n]) {
			if _, err := f.WriteAt(want[:n], off); err != nil {
				return err
			}
		}
		off += int64(n)
	}
	return f.Truncate(size)
}

func fileMeta(f vfs.File) (wal.Meta, error) {
	info, err := f.Stat()
	if err != nil {
		return wal.Meta{}, err
	}
	x, err := f.Xattrs()
	return wal.Meta{Mode: info.Mode, UID: info.UID, GID: info.GID, Xattrs: x}, err
}

// LostPrivileges reports whether a file that should have the metadata want has
// lost what a write takes away.
func LostPrivileges(now, want wal.Meta) bool {
	return want.Mode&^now.Mode&setIDs != 0 || hasCapability(want) && !hasCapability(now)
}

// withPrivileges is m with what a write that was cut off took away.
func withPrivileges(m, want wal.Meta) wal.Meta {
	m.Mode |= want.Mode & setIDs
	if i := slices.IndexFunc(want.Xattrs, isCapability); i >= 0 && !hasCapability(m) {
		m.Xattrs = append(slices.Clone(m.Xattrs), want.Xattrs[i])
	}
	return m
}

func hasCapability(m wal.Meta) bool { return slices.ContainsFunc(m.Xattrs, isCapability) }

func isCapability(x vfs.Xattr) bool { return x.Name == capability }
