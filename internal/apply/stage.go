package apply

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// StageFile makes the slot a new file: bytes from write, then owner, attributes
// and, last, the mode, so that a secret is readable to nobody for a moment.
// Nothing is durable yet. The file is returned open, also beside an error.
func (j *Job) StageFile(s Slot, want *wal.State, write func(io.Writer) error) (vfs.File, error) {
	f, err := j.StageBytes(s, want, write)
	if err != nil {
		return f, err
	}
	return f, setFileMeta(f, want.Meta)
}

// StageBytes makes the slot a new file with the bytes from write, which must
// hash to want, and nobody else's to read: a write in place copies them.
func (j *Job) StageBytes(s Slot, want *wal.State, write func(io.Writer) error) (vfs.File, error) {
	f, err := s.dir.Create(s.name, 0o600)
	if err != nil {
		return nil, fail.Wrap(err, "stage", s.name)
	}
	var h hashing.RawHasher
	if err := write(io.MultiWriter(f, &h)); err != nil {
		return f, err
	}
	if h.Size() != want.Size || h.Raw() != want.Hash {
		return f, fail.New(fail.Drift, "stage", "", "the bytes are not the ones that were checked")
	}
	return f, nil
}

// StageOther makes the slot what has no bytes of its own: a link or an empty
// directory.
func (j *Job) StageOther(s Slot, want *wal.State) error {
	var err error
	if want.Kind == vfs.Symlink {
		err = s.dir.Symlink(want.Target, s.name)
	} else {
		err = s.dir.Mkdir(s.name, 0o700)
	}
	if err != nil {
		return err
	}
	return setNamedMeta(s.dir, s.name, want.Meta)
}

// StageLink makes the slot another name of the inode at p.
func (j *Job) StageLink(s Slot, p string) error {
	d, base, err := j.Tree.Parent(p)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Link(base, s.dir, s.name)
}

// StageSlotLink makes the slot another name of what waits in the slot from.
func (j *Job) StageSlotLink(s, from Slot) error { return from.dir.Link(from.name, s.dir, s.name) }

// SyncSlot makes what is in a slot durable; links and directories are durable
// with their names.
func (j *Job) SyncSlot(s Slot) error {
	i, err := s.dir.Lstat(s.name)
	if err != nil {
		return err
	}
	return syncName(s.dir, s.name, i.Kind)
}

// Restage puts a freshly staged temporary in the slot's place: a slot is
// replaced by one rename, because it may be the last to hold its bytes, and is
// never opened for writing.
func (j *Job) Restage(n int, letter string, stage func(tmp Slot) error) error {
	tmp := j.Slot(n, slotTmp)
	if err := j.Empty(tmp); err != nil {
		return err
	}
	if err := stage(tmp); err != nil {
		return err
	}
	return j.renameSlot(tmp, j.Slot(n, letter))
}

// RenameSlot gives a slot another letter: the displaced file becomes the image
// that a rollback publishes.
func (j *Job) RenameSlot(n int, from, to string) error {
	return j.renameSlot(j.Slot(n, from), j.Slot(n, to))
}

// renameSlot replaces whatever is at to. Of two names of one inode rename
// would leave both.
func (j *Job) renameSlot(from, to Slot) error {
	f, err := from.dir.Lstat(from.name)
	if err != nil {
		return err
	}
	t, err := to.dir.Lstat(to.name)
	switch {
	case vfs.NotExist(err):
	case err != nil:
		return err
	case t.SameFile(f):
		return from.dir.Remove(from.name)
	case t.Kind == vfs.Directory || f.Kind == vfs.Directory:
		if err := j.Empty(to); err != nil {
			return err
		}
	}
	return from.dir.Rename(from.name, to.dir, to.name)
}

// Empty removes a slot, whatever image it holds.
func (j *Job) Empty(s Slot) error { return removeAny(s.dir, s.name) }

// removeAny removes a file, a link or an empty directory; nothing there is
// fine.
func removeAny(d vfs.Dir, name string) error {
	err := d.Remove(name)
	if err == nil || vfs.NotExist(err) {
		return nil
	}
	if i, lerr := d.Lstat(name); lerr == nil && i.Kind == vfs.Directory {
		err = d.Rmdir(name)
	}
	if vfs.NotExist(err) {
		return nil
	}
	return err
}

// metaTarget is a file, by handle or by name, whose metadata is being set.
type metaTarget struct {
	stat        func() (vfs.Info, error)
	xattrs      func() ([]vfs.Xattr, error)
	chown       func(uid, gid uint32) error
	setXattr    func(attr string, value []byte) error
	removeXattr func(attr string) error
	chmod       func(mode uint32) error
}

func setFileMeta(f vfs.File, m wal.Meta) error {
	return setMeta(metaTarget{f.Stat, f.Xattrs, f.Chown, f.SetXattr, f.RemoveXattr, f.Chmod}, m)
}

func setNamedMeta(d vfs.Dir, name string, m wal.Meta) error {
	return setMeta(metaTarget{
		stat:        func() (vfs.Info, error) { return d.Lstat(name) },
		xattrs:      func() ([]vfs.Xattr, error) { return d.Xattrs(name) },
		chown:       func(u, g uint32) error { return d.Chown(name, u, g) },
		setXattr:    func(a string, v []byte) error { return d.SetXattr(name, a, v) },
		removeXattr: func(a string) error { return d.RemoveXattr(name, a) },
		chmod:       func(mode uint32) error { return d.Chmod(name, mode) },
	}, m)
}

// setMeta gives a file the metadata m, in the order in which one does not undo
// the other: chown clears setuid and capabilities, an ACL changes the group
// bits. What cannot be reproduced is kind identity-lost.
func setMeta(t metaTarget, m wal.Meta) error {
	info, err := t.stat()
	if err != nil {
		return err
	}
	owned := info.UID == m.UID && info.GID == m.GID
	if !owned {
		if err := t.chown(m.UID, m.GID); err != nil {
			return lost(err, "owner")
		}
	}
	changed, err := setXattrs(t, m.Xattrs)
	if err == nil && (changed || !owned) { // either may have changed the mode
		info, err = t.stat()
	}
	if err != nil || info.Mode == m.Mode || info.Kind == vfs.Symlink {
		return err
	}
	if err := t.chmod(m.Mode); err != nil {
		return lost(err, "mode")
	}
	if m.Mode&setgid == 0 {
		return nil
	}
	// The system drops setgid without a word where the caller is not in the
	// file's group.
	if info, err = t.stat(); err == nil && info.Mode != m.Mode {
		return lost(errors.ErrUnsupported, "mode")
	}
	return err
}

// setXattrs reports whether there was anything to change.
func setXattrs(t metaTarget, want []vfs.Xattr) (changed bool, err error) {
	have, err := t.xattrs()
	if err != nil {
		return false, err
	}
	for _, x := range have {
		if !isLabel(x.Name) && indexOf(want, x.Name) < 0 {
			if err := t.removeXattr(x.Name); err != nil {
				return true, lost(err, "attribute "+x.Name)
			}
			changed = true
		}
	}
	for _, x := range want {
		i := indexOf(have, x.Name)
		if i >= 0 && bytes.Equal(have[i].Value, x.Value) {
			continue
		}
		if err := t.setXattr(x.Name, x.Value); err != nil {
			return true, lost(err, "attribute "+x.Name)
		}
		changed = true
	}
	return changed, nil
}

// isLabel reports whether the attribute is the system's to give to every file,
// and not to be taken away: the label of a security module, a measurement.
func isLabel(name string) bool {
	return strings.HasPrefix(name, "security.") && name != capability
}

// SameMeta reports whether two files have the same metadata.
func SameMeta(a, b wal.Meta) bool {
	return a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID &&
		slices.EqualFunc(a.Xattrs, b.Xattrs, func(x, y vfs.Xattr) bool {
			return x.Name == y.Name && bytes.Equal(x.Value, y.Value)
		})
}

func lost(err error, what string) error {
	if k := fail.KindOf(err); k == fail.IO || k == fail.NoSpace {
		return err
	}
	return &fail.Error{Kind: fail.IdentityLost, Message: "the file's " + what + " cannot be kept: " + err.Error(),
		State: fail.Unchanged, Err: err}
}
