package editor

import (
	"github.com/emend/emend/internal/apply"
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
// would lose what they are, and where the slots of all others are.
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
	homes, err := p.homes(drafts)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if err := p.keep(d, homes, gone, moved); err != nil {
			return d.slot.failed(err, d.Path)
		}
	}
	return nil
}

// keep decides for one draft. Gone says how many names of a file the plan
// removes, moved whether it moves or removes any.
func (p *preparer) keep(d *draft, homes *apply.Homes, gone map[inode]uint64, moved map[inode]bool) error {
	home, err := homes.Of(d.Path)
	if err != nil {
		return err
	}
	p.degraded = p.degraded || !home.Journal
	if d.DirFrom != "" {
		return staysWithin(home, homes, d.DirFrom)
	}
	if n := d.slot.now; n.isFile() && n.disk != nil && !sameState(&n.is, &n.was) {
		shared := n.info.Nlink > gone[n.inode()]+1
		if err := p.decideWrite(d, home, shared, moved[n.inode()]); err != nil {
			return err
		}
	}
	if !d.InPlace && apply.HasSlots(&d.Step) {
		d.Sibling = home.Sibling
	}
	return nil
}

// homes finds the places of slots, which are in no directory that goes, or that
// nothing can be removed from in the end.
func (p *preparer) homes(drafts []*draft) (*apply.Homes, error) {
	barred := make(map[string]bool)
	for _, d := range drafts {
		if phase := d.phase(); phase == phaseRemoveDir || phase == phaseShutDir {
			barred[d.Path] = true
		}
	}
	return p.tree.Homes(func(dir string) bool { return barred[dir] })
}

// staysWithin refuses the renaming of a directory to another file system:
// nothing can move all that is in it by one call.
func staysWithin(home apply.Home, homes *apply.Homes, from string) error {
	was, err := homes.Of(from)
	if err == nil && was.Volume != home.Volume {
		err = fail.New(fail.Unsupported, "", "", "a directory cannot move to another file system").
			WithHint("files can: rename each of them")
	}
	return err
}

// decideWrite decides for one file that changes: shared says that it will still
// have other names, moved that the plan moves or removes one of its names.
func (p *preparer) decideWrite(d *draft, home apply.Home, shared, moved bool) error {
	n := d.slot.now
	d.stays = !n.moved() && !sameContent(&n.is, &n.was)
	if shared && (n.moved() || d.stays && moved) {
		return otherNames()
	}
	if !d.stays {
		return nil // one fchmod, or a new name for the only name
	}
	why, err := p.irreplaceable(d.slot, home, shared)
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
func (p *preparer) irreplaceable(s *slot, home apply.Home, shared bool) (string, error) {
	if shared {
		return "it has other names (hard links)", nil
	}
	switch {
	case s.disk.info.Dev != home.Volume.Dev:
		return "it is a mount point", nil
	case home.Sibling != "" && p.opts.Write != WriteRename:
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
