package editor

import (
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// WriteMode says how existing files get their new bytes.
type WriteMode uint8

// The write modes. WriteAuto replaces a file by one rename where that keeps
// everything the file is, and else writes in place, under the log's
// protection. WriteRename never writes in place: a file that cannot be replaced
// is refused. WriteInPlace always does; readers may see a file half written.
const (
	WriteAuto WriteMode = iota
	WriteRename
	WriteInPlace
)

// WithWrite says how existing files get their new bytes; the default is
// WriteAuto.
func WithWrite(m WriteMode) Option { return func(o *options) { o.write = m } }

// inode identifies a file, whatever its names are.
type inode struct{ dev, ino uint64 }

func (n *node) inode() inode { return inode{n.info.Dev, n.info.Ino} }

// forAllNames returns the node through which the file n is changed: the first
// of its names that the plan has used, so that operations on several of them
// apply one after another, and are reported under one. Names are several also
// where the link count says one: of a file that is mounted, or in a directory
// that does not tell a from A.
func (v *virtual) forAllNames(n *node) (*node, error) {
	v.touch(n.at)
	if n.disk == nil || n.moved() {
		return n, nil
	}
	first := v.linked[n.inode()]
	if first == nil || first.at != first.disk {
		if first != nil {
			if err := v.hash(first); err != nil {
				return nil, err
			}
			if !sameState(&first.is, &first.was) {
				return nil, otherNames() // what was changed under that name went with it
			}
		}
		v.linked[n.inode()], first = n, n
	}
	v.touch(first.at)
	return first, nil
}

// otherNames is what becomes of a file with several names that can neither be
// replaced nor written in place.
func otherNames() error {
	return fail.New(fail.IdentityLost, "", "", "the file has other names (hard links), and the plan moves one of them").
		WithHint("change the file, and move its names, in two plans")
}

// keepIdentity decides which files are written in place, because replacing them
// would lose what they are.
func (p *preparer) keepIdentity(drafts []*draft) error {
	gone, moved := make(map[inode]uint64), make(map[inode]bool)
	for _, d := range drafts {
		n := d.slot.disk
		if n == nil || n.was.Kind != vfs.Regular || n.at == n.disk {
			continue
		}
		moved[n.inode()] = true
		if n.at == nil {
			gone[n.inode()]++
		}
	}
	for _, d := range drafts {
		if err := p.reachable(d); err != nil {
			return d.slot.failed(err, d.Path)
		}
		n := d.slot.now
		if !n.isFile() || n.disk == nil || sameState(&n.is, &n.was) {
			continue
		}
		shared := n.info.Nlink > gone[n.inode()]+1
		if err := p.decideWrite(d, shared, moved[n.inode()]); err != nil {
			return d.slot.failed(err, d.Path)
		}
	}
	return nil
}

// decideWrite decides for one file that changes: shared says that it will still
// have other names, moved that the plan moves or removes one of its names.
func (p *preparer) decideWrite(d *draft, shared, moved bool) error {
	n := d.slot.now
	d.stays = !n.moved() && !sameContent(&n.is, &n.was)
	if shared && (n.moved() || d.stays && moved) {
		return otherNames()
	}
	if !d.stays {
		return nil // one fchmod, or a new name for the only name
	}
	why, err := p.irreplaceable(d.slot, shared)
	switch {
	case err != nil:
		return err
	case why != "" && p.opts.Write == WriteRename:
		return fail.New(fail.IdentityLost, "", "", "the file cannot be replaced: %s", why)
	}
	d.InPlace = why != "" || p.opts.Write == WriteInPlace
	return nil
}

// irreplaceable says why no other file can come to stand at s, empty where one
// can.
func (p *preparer) irreplaceable(s *slot, shared bool) (string, error) {
	if shared {
		return "it has other names (hard links)", nil
	}
	here, dev, err := p.devices(s.dir)
	switch {
	case err != nil:
		return "", err
	case s.disk.info.Dev != dev:
		return "it is a mount point", nil
	case dev != here:
		return "it is on another file system", nil
	}
	ok, err := p.writableDir(s.dir)
	if ok || err != nil {
		return "", err
	}
	return "its directory cannot be written", nil
}

// writableDir asks the system once for each directory.
func (v *virtual) writableDir(dir *node) (bool, error) {
	if dir.writable {
		return true, nil
	}
	d, err := v.tree.Dir(dir.diskPath())
	if err != nil {
		return false, err
	}
	defer d.Close()
	dir.writable, err = d.Writable()
	return dir.writable, err
}

// reachable refuses what would have to be moved between .emend/stage and
// another file system, and what no rename can move.
func (p *preparer) reachable(d *draft) error {
	from := d.slot.dir
	if d.DirFrom != "" {
		from = d.slot.now.disk.dir
	}
	here, dev, err := p.devices(d.slot.dir)
	if err != nil {
		return err
	}
	if d.DirFrom != "" {
		if _, here, err = p.devices(from); err != nil {
			return err
		}
	}
	stays := d.slot.now != nil && d.slot.now == d.slot.disk && d.After.Kind != vfs.Symlink
	slotless := d.DirFrom == "" && isDirOrAbsent(d.Before.Kind) && isDirOrAbsent(d.After.Kind)
	if here == dev || stays || slotless {
		return nil
	}
	return fail.New(fail.Unsupported, "", "", "the directory is on another file system than the root").
		WithHint("files there can be edited; to make, move or delete some, run emend with --root in that file system")
}

func isDirOrAbsent(k vfs.Kind) bool { return k == vfs.Directory || k == vfs.Absent }

// devices are the file systems of the slots and of the names in dir.
func (v *virtual) devices(dir *node) (here, there uint64, err error) {
	for dir.disk == nil && dir != v.root { // it will be made where its parent is
		dir = dir.at.dir
	}
	if err := v.load(v.root); err != nil {
		return 0, 0, err
	}
	return v.root.info.Dev, dir.info.Dev, nil
}
