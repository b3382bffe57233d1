package editor

import (
	"strings"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

func (p *preparer) create(o Create) error {
	s, err := p.resolve(o.Path, walk{make: true})
	if err != nil || o.IfMissing && s.now != nil {
		return err
	}
	if err := p.free(s); err != nil {
		return err
	}
	return p.newFile(s, body{literal: o.Content}, o.Mode, wal.StepCreate)
}

func (p *preparer) remove(o Delete) error {
	s, err := p.resolve(o.Path, walk{})
	if err != nil {
		if o.IfExists && fail.KindOf(err) == fail.NotFound {
			return nil
		}
		return err
	}
	n := s.now
	switch {
	case n == nil && o.IfExists:
		return nil
	case n == nil:
		return missing()
	case n.isDir() && o.Recursive:
		return p.removeTree(s)
	case !n.isFile() && !n.isLink():
		return irregular(n)
	}
	anchor, err := p.expect(n, o.Expect)
	if err != nil {
		return err
	}
	p.take(s)
	n.op, n.anchor = wal.StepDelete, anchor
	return nil
}

func (p *preparer) rename(o Rename) error {
	from, err := p.resolve(o.From, walk{})
	if err == nil {
		err = p.movable(from)
	}
	if err != nil {
		return p.failed(err, o.From)
	}
	to, err := p.resolve(o.To, walk{make: true})
	if err == nil && to == from {
		to = p.respelled(from, o.To)
	}
	if err == nil && to != from && !(o.IfMissing && to.now != nil) {
		err = p.move(from, to, o.Overwrite)
	}
	return p.failed(err, o.To)
}

// movable checks that there is something at s that can be renamed.
func (p *preparer) movable(s *slot) error {
	switch n := s.now; {
	case n == nil:
		return missing()
	case n.isDir():
		return p.enter(n)
	case !n.isFile() && !n.isLink():
		return irregular(n)
	}
	return nil
}

func (p *preparer) move(from, to *slot, overwrite bool) error {
	if to.dir.within(from.now) {
		return fail.New(fail.Conflict, "", "", "a directory cannot move into itself")
	}
	n := p.take(from)
	if overwrite && !n.isDir() && (to.now.isFile() || to.now.isLink()) {
		p.take(to).op = wal.StepDelete
	}
	if err := p.free(to); err != nil {
		return err
	}
	p.place(n, to)
	return nil
}

func (p *preparer) copy(o Copy) error {
	n, err := p.copied(o.From)
	if err != nil {
		return p.failed(err, o.From)
	}
	to, err := p.freeSlot(o.To)
	switch {
	case err != nil:
	case n.isLink():
		err = p.newLink(to, n.is.Target)
	default:
		if err = p.newFile(to, n.body, Mode(n.is.Meta.Mode)|ExactMode, wal.StepCreate); err == nil {
			to.now.is.Hash, to.now.is.Norm, to.now.is.Size = n.is.Hash, n.is.Norm, n.is.Size
		}
	}
	return p.failed(err, o.To)
}

// copied returns the file or link at path, which is to be copied.
func (p *preparer) copied(path string) (*node, error) {
	s, err := p.resolve(path, walk{})
	if err != nil {
		return nil, err
	}
	n := s.now
	switch {
	case n == nil:
		return nil, missing()
	case n.isFile():
		if n, err = p.forAllNames(n); err != nil {
			return nil, err
		}
	case !n.isLink():
		return nil, irregular(n)
	}
	return n, p.load(n)
}

func (p *preparer) chmod(o Chmod) error {
	s, err := p.resolve(o.Path, walk{follow: true})
	if err != nil {
		return err
	}
	n := s.now
	switch {
	case n == nil:
		return missing()
	case o.Mode == 0:
		return fail.New(fail.Usage, "", "", "no mode is given")
	case !n.isFile() && !n.isDir():
		return irregular(n)
	}
	if n.isDir() {
		err = p.enter(n)
	} else {
		n, err = p.forAllNames(n)
	}
	if err == nil {
		err = p.load(n)
	}
	if err != nil {
		return err
	}
	p.touch(n.at)
	switch {
	case n.implicit():
		n.op = wal.StepMkdir
	case n.op == wal.StepNone, n.isDir() && n.disk != nil:
		n.op = wal.StepChmod
	}
	n.is.Meta.Mode = o.Mode.change(n.is.Meta.Mode)
	return nil
}

func (p *preparer) symlink(o Symlink) error {
	if o.Target == "" || strings.ContainsRune(o.Target, 0) {
		return fail.New(fail.Usage, "", "", "the target is empty or contains a NUL byte")
	}
	s, err := p.resolve(o.Path, walk{make: o.Expect.empty()})
	if err != nil {
		return err
	}
	n := s.now
	switch {
	case n == nil && !o.Expect.empty():
		return missing()
	case !n.isLink() || o.New:
		if err := p.free(s); err != nil {
			return err
		}
		return p.newLink(s, o.Target)
	}
	if err := p.load(n); err != nil {
		return err
	}
	anchor, err := p.expect(n, o.Expect)
	if err == nil {
		err = p.load(n)
	}
	if err != nil {
		return err
	}
	p.touch(s)
	n.note(wal.StepSymlink, anchor)
	n.is.Target, n.is.Hash = o.Target, hashing.Raw([]byte(o.Target))
	return nil
}

func (p *preparer) mkdir(o Mkdir) error {
	s, err := p.resolve(o.Path, walk{make: true})
	if err != nil {
		return err
	}
	if s.now.isDir() {
		s.now.op = wal.StepMkdir // it stays, even if it is empty in the end
		return nil
	}
	if err := p.free(s); err != nil {
		return err
	}
	meta, err := p.newMeta(s.dir, vfs.Directory, 0o777, false)
	if err != nil {
		return err
	}
	p.makeDir(s, meta, wal.StepMkdir)
	return nil
}

// freeSlot returns the slot at path, where nothing may stand.
func (p *preparer) freeSlot(path string) (*slot, error) {
	s, err := p.resolve(path, walk{make: true})
	if err != nil {
		return nil, err
	}
	return s, p.free(s)
}

// free checks that nothing stands at s.
func (p *preparer) free(s *slot) error {
	if err := p.vacate(s); err != nil {
		return err
	}
	if s.now != nil {
		return fail.New(fail.Exists, "", "", "%s is there already", s.now.what())
	}
	return nil
}

// newFile puts a new file at s. What content it has is known only where that
// is literal.
func (p *preparer) newFile(s *slot, content body, mode Mode, op wal.Op) error {
	bits, exact := mode.create()
	meta, err := p.newMeta(s.dir, vfs.Regular, bits, exact)
	if err != nil {
		return err
	}
	n := &node{is: wal.State{Kind: vfs.Regular, Meta: meta}, loaded: true, op: op, body: content}
	if content.from == nil {
		n.setSums(content.literal)
	}
	p.place(n, s)
	return nil
}

// newLink puts a new link at s.
func (p *preparer) newLink(s *slot, target string) error {
	meta, err := p.newMeta(s.dir, vfs.Symlink, 0o777, true)
	if err != nil {
		return err
	}
	is := wal.State{Kind: vfs.Symlink, Target: target, Hash: hashing.Raw([]byte(target)), Meta: meta}
	p.place(&node{is: is, loaded: true, op: wal.StepSymlink}, s)
	return nil
}

func missing() error { return fail.New(fail.NotFound, "", "", "there is no such file") }

func irregular(n *node) error {
	return fail.New(fail.NotRegular, "", "", "%s is not a file that can be changed so", n.what())
}
