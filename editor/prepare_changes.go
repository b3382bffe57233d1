package editor

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// imageLimit is the size up to which the log keeps the whole before-image of a
// file that is edited.
const imageLimit = 1 << 20

// draft is a change in the making.
type draft struct {
	change
	slot *slot
	// link: the after-image can be the inode that stands at another slot.
	link bool
}

// changes returns what differs between the disk and the virtual workspace, in
// the order in which it is published.
func (p *preparer) changes(ctx context.Context) ([]change, error) {
	var drafts []*draft
	for _, s := range p.changed() {
		if err := ctx.Err(); err != nil {
			return nil, fail.Wrap(err, "prepare", "")
		}
		d, err := p.draft(s)
		if err != nil {
			return nil, s.failed(err, s.path())
		}
		if d != nil {
			drafts = append(drafts, d)
		}
	}
	if err := p.checkSpellings(drafts); err != nil {
		return nil, err
	}
	if err := p.keepIdentity(drafts); err != nil {
		return nil, err
	}
	slices.SortStableFunc(drafts, publishOrder)
	settle(drafts)
	out := make([]change, len(drafts))
	for i, d := range drafts {
		out[i] = d.change
	}
	return out, p.checkBlocked(out)
}

// draft returns the change of one slot, nil where there is none.
func (p *preparer) draft(s *slot) (*draft, error) {
	if s.now == s.disk && !s.now.loaded {
		return nil, nil
	}
	for _, n := range []*node{s.disk, s.now} {
		if n != nil {
			if err := p.load(n); err != nil {
				return nil, err
			}
		}
	}
	if s.disk != nil && s.disk.was.Kind == vfs.Directory && s.disk.moved() {
		if s.now != nil {
			return nil, fail.New(fail.Unsupported, "", "", "the directory is renamed, and its old name exists again")
		}
		return nil, nil // the step of its new name says it
	}
	d := &draft{slot: s}
	d.LinkOf = -1
	if s.disk != nil {
		d.Before, d.info, d.held, d.disk = s.disk.was, s.disk.info, s.disk.held, s.diskPath()
	}
	if s.now != nil {
		d.After = s.now.is
	}
	if sameState(&d.Before, &d.After) {
		return nil, nil
	}
	d.Path = s.path()
	d.report(s)
	if s.now.isDir() && s.now.moved() {
		return d, d.renameDir(s)
	}
	return d, d.images(s)
}

// sameState reports whether nothing differs that an intent takes care of.
func sameState(a, b *wal.State) bool {
	return sameContent(a, b) && (a.Meta.Mode == b.Meta.Mode || a.Kind == vfs.Symlink)
}

func sameContent(a, b *wal.State) bool {
	return a.Kind == b.Kind && a.Hash == b.Hash && a.Size == b.Size && a.Target == b.Target
}

// renameDir completes the step of a directory's new name.
func (d *draft) renameDir(s *slot) error {
	n := s.now
	switch {
	case s.disk != nil:
		return fail.New(fail.Unsupported, "", "", "the directory's new name stood before")
	case n.is.Meta.Mode != n.was.Meta.Mode:
		return fail.New(fail.Unsupported, "", "", "a directory cannot be renamed and change its mode in one plan")
	case insideMoved(s.dir):
		return fail.New(fail.Unsupported, "", "", "a directory cannot move into a directory that is renamed in the same plan")
	}
	d.DirFrom = n.diskPath()
	if n.disk.dir == s.dir && s.dir.spelling == spellingFolds && folded(n.disk.name) == folded(s.name) {
		d.Sibling = path.Dir(d.Path) // to the system both names are one: it goes by a third
	}
	return nil
}

func insideMoved(dir *node) bool {
	for ; dir.at != nil; dir = dir.at.dir {
		if dir.moved() {
			return true
		}
	}
	return false
}

// images says where the after-image comes from and what the log keeps.
func (d *draft) images(s *slot) error {
	n := s.now
	if !n.isFile() || sameContent(&d.Before, &d.After) {
		return nil
	}
	if n.body.from == nil {
		d.source, d.content = sourceLiteral, n.body.literal
		return nil
	}
	d.source, d.edits = sourceSplice, n.body.edits
	d.origin, d.originHash = n.body.from.diskPath(), n.body.from.was.Hash
	d.link = n.moved() && n.body.from == n && sameState(&n.is, &n.was)
	if n.disk == s {
		d.Edits = n.body.edits
	}
	return nil
}

// report notes what reports say of the step.
func (d *draft) report(s *slot) {
	d.Order = s.order
	n := s.now
	switch {
	case n == nil && s.disk.at == nil:
		d.Op, d.Anchor = s.disk.op, string(s.disk.anchor)
		return
	case n == nil: // it is reported under its new name
		return
	case n.moved():
		d.Op, d.From = wal.StepRename, n.diskPath()
	default:
		d.Op = n.op
	}
	d.NumEdits, d.Shifted, d.Anchor = n.edits, n.shifted, string(n.anchor)
}

// settle numbers the steps and lets the new name of a renamed file share the
// inode of the old, if that is a step too; then it is known which images the
// log must keep whole.
func settle(drafts []*draft) {
	at := make(map[*slot]*draft, len(drafts))
	for i, d := range drafts {
		d.N = i
		at[d.slot] = d
	}
	kept := make(map[*draft]bool)
	for _, d := range drafts {
		if !d.link {
			continue
		}
		if old := at[d.slot.now.disk]; old != nil {
			d.source, d.LinkOf = sourceLink, old.N
			kept[old] = true
		}
	}
	for _, d := range drafts {
		whole := len(d.Edits) == 0
		d.HasAfter = whole && (d.source == sourceLiteral || d.source == sourceSplice)
		d.HasBefore = d.Before.Kind == vfs.Regular && !sameContent(&d.Before, &d.After) && !kept[d] &&
			(whole || d.InPlace || d.Before.Size <= imageLimit)
	}
}

// The phases of publishing. Making and moving directories needs nothing that
// comes later; what appears needs its directory; a directory goes, or becomes
// a file, once nothing is in it.
const (
	phaseMakeDir = iota
	phaseRenameDir
	phaseMakeDirInRenamed
	phaseOpenDir // a directory becomes writable
	phaseRespell // a name goes that comes back in another spelling
	phaseChange
	phaseRemove
	phaseRemoveDir
	phaseShutDir // a directory gets another mode
)

func (d *draft) phase() int {
	before, after := d.Before.Kind, d.After.Kind
	const writable = 0o300
	switch {
	case d.DirFrom != "":
		return phaseRenameDir
	case before == vfs.Directory && after == vfs.Directory && d.After.Meta.Mode&writable == writable:
		return phaseOpenDir
	case before == vfs.Directory && after == vfs.Directory:
		return phaseShutDir
	case after == vfs.Directory && insideMoved(d.slot.dir):
		return phaseMakeDirInRenamed
	case after == vfs.Directory:
		return phaseMakeDir
	case before == vfs.Directory:
		return phaseRemoveDir
	case after == vfs.Absent && d.slot.otherSpelling():
		return phaseRespell
	case after == vfs.Absent:
		return phaseRemove
	}
	return phaseChange
}

// publishOrder compares two changes: phase by phase, shallow first where
// directories come, deepest first where something goes.
func publishOrder(a, b *draft) int {
	phase := a.phase()
	if c := cmp.Compare(phase, b.phase()); c != 0 {
		return c
	}
	depth := func(path string) int { return strings.Count(path, "/") }
	switch phase {
	case phaseRenameDir: // what moves out of a directory does so before that moves
		return cmp.Compare(depth(b.DirFrom), depth(a.DirFrom))
	case phaseMakeDir, phaseMakeDirInRenamed, phaseOpenDir:
		return cmp.Compare(depth(a.Path), depth(b.Path))
	case phaseRemove, phaseRemoveDir, phaseShutDir:
		return cmp.Compare(depth(b.Path), depth(a.Path))
	}
	return 0
}

// checkBlocked refuses changes of paths that wait for a person's decision.
func (p *preparer) checkBlocked(changes []change) error {
	if p.opts.PathBlocked == nil {
		return nil
	}
	for i := range changes {
		c := &changes[i]
		for _, path := range []string{c.Path, c.disk, c.DirFrom} {
			if path == "" {
				continue
			}
			if err := p.opts.PathBlocked(path); err != nil {
				return fail.Wrap(err, "prepare", path)
			}
		}
	}
	return nil
}
