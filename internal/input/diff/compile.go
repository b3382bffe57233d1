package diff

import (
	"bytes"
	"slices"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// unit is the operations of one change: how its file comes or goes (nil where
// it is only modified), and what happens to the file at its new name.
type unit struct {
	*change
	lead editor.Op
	then []editor.Op
}

// compile turns the changes of one patch into operations.
func compile(changes []*change) ([]editor.Op, error) {
	units := make([]unit, len(changes))
	bare := withoutContext(changes)
	for i, c := range changes {
		units[i].change = c
		if err := units[i].fill(bare); err != nil {
			return nil, fail.Wrap(err, "", c.path())
		}
	}
	return order(units), nil
}

// withoutContext reports whether the patch was made with no lines of context.
// Otherwise a hunk without context behind it says that the file ends there.
func withoutContext(changes []*change) bool {
	return !slices.ContainsFunc(changes, func(c *change) bool {
		return slices.ContainsFunc(c.hunks, func(h hunk) bool { return h.context })
	})
}

func (u *unit) fill(bare bool) (err error) {
	if err := u.checkBinary(); err != nil {
		return err
	}
	switch u.kind {
	case create:
		u.lead, err = u.create()
	case remove:
		u.lead, err = u.remove()
	case rename:
		u.lead = editor.Rename{From: u.old, To: u.new, Origin: u.origin()}
		err = u.modify(bare)
	case copying:
		u.lead = editor.Copy{From: u.old, To: u.new, Origin: u.origin()}
		err = u.modify(bare)
	case modify:
		err = u.modify(bare)
	}
	return err
}

func (c *change) create() (editor.Op, error) {
	var content []byte
	if c.blob != nil {
		content = c.blob.data
	}
	switch {
	case len(c.hunks) > 1 || len(c.hunks) == 1 && (len(c.hunks[0].old.text) > 0 || c.hunks[0].old.first > 1):
		return nil, c.errorAt(c.hunks[0].pos, "a new file depends on old content")
	case len(c.hunks) == 1:
		content = c.hunks[0].new.text
	case c.blob != nil && c.blob.delta:
		return nil, c.errorAt(c.blob.pos, "a new file depends on old content")
	}
	switch c.newMode {
	case symlink:
		return c.symlink(content, editor.Symlink{New: true})
	case regular | 0o100:
		return editor.Create{Path: c.new, Content: content, Mode: editor.Executable, Origin: c.origin()}, nil
	}
	return editor.Create{Path: c.new, Content: content, Origin: c.origin()}, nil
}

func (c *change) symlink(target []byte, op editor.Symlink) (editor.Op, error) {
	if len(target) == 0 {
		return nil, c.errorAt(c.pos, "the link has no target")
	}
	op.Path, op.Target, op.Origin = c.new, string(target), c.origin()
	return op, nil
}

// remove deletes a file that is exactly the one in the patch.
func (c *change) remove() (editor.Op, error) {
	expect := editor.Expect{GitBlob: fullID(c.oldHex)}
	switch {
	case len(c.hunks) > 1 || len(c.hunks) == 1 && (len(c.hunks[0].new.text) > 0 || c.hunks[0].old.first > 1):
		return nil, c.errorAt(c.hunks[0].pos, "a deleted file keeps content")
	case len(c.hunks) == 1:
		digest := hashing.Raw(c.hunks[0].old.text)
		expect.Raw = &digest
	case c.blob == nil && c.note == 0:
		empty := hashing.Raw(nil)
		expect.Raw = &empty
	}
	return editor.Delete{Path: c.old, Expect: expect, Origin: c.origin()}, nil
}

// modify adds what happens to a file that exists, at its new name.
func (u *unit) modify(bare bool) error {
	expect := editor.Expect{GitBlob: fullID(u.oldHex)}
	switch {
	case u.isLink() && (u.hunks != nil || u.blob != nil):
		op, err := u.retarget(expect)
		if err != nil {
			return err
		}
		u.then = append(u.then, op)
	case u.hunks != nil:
		u.then = append(u.then, editor.Edit{Path: u.new, Expect: expect, Edits: u.edits(bare), Origin: u.origin()})
	case u.blob != nil:
		op, err := u.replace(expect)
		if err != nil {
			return err
		}
		u.then = append(u.then, op)
	}
	if u.oldMode != u.newMode {
		mode := editor.ClearExec
		if u.newMode&0o100 != 0 {
			mode = editor.SetExec
		}
		u.then = append(u.then, editor.Chmod{Path: u.new, Mode: mode, Origin: u.origin()})
	}
	return nil
}

// edits returns the hunks as edits that must find their old lines in place. A
// hunk without context behind it must end where the file ends, unless bare
// says that there is no context anywhere; but then the index line can still
// say that the hunk holds all of the file.
func (c *change) edits(bare bool) []locator.Edit {
	edits := make([]locator.Edit, len(c.hunks))
	if bare && len(c.hunks) == 1 && c.hunks[0].old.first == 1 {
		bare = !c.holdsOld(c.hunks[0].old.text)
	}
	for i, h := range c.hunks {
		edits[i] = locator.Edit{
			Lines:  &locator.Lines{First: h.old.first, Last: h.old.last},
			Old:    h.old.text,
			Text:   h.new.text,
			ByLine: true,
			AtEOF:  h.old.ends || h.new.ends || !h.trailing && !bare,
			Origin: c.src.Position(h.pos),
		}
	}
	return edits
}

// retarget replaces a link. Its target is the one text that the patch changes.
func (c *change) retarget(expect editor.Expect) (editor.Op, error) {
	switch {
	case len(c.hunks) == 1 && c.hunks[0].old.first == 1:
		digest := hashing.Raw(c.hunks[0].old.text)
		expect.Raw = &digest
		return c.symlink(c.hunks[0].new.text, editor.Symlink{Expect: expect})
	case c.blob != nil && !c.blob.delta:
		return c.symlink(c.blob.data, editor.Symlink{Expect: expect})
	}
	return nil, c.errorAt(c.pos, "the patch does not hold the whole target of the link")
}

// replace gives a file the content that a binary patch makes.
func (c *change) replace(expect editor.Expect) (editor.Op, error) {
	if !c.blob.delta {
		return editor.Write{Path: c.new, Content: c.blob.data, Expect: expect, Origin: c.origin()}, nil
	}
	d, ok := parseDelta(c.blob.data)
	if !ok {
		return nil, c.errorAt(c.blob.pos, "corrupt delta in a binary patch")
	}
	id := fullID(c.newHex)
	apply := func(old []byte) ([]byte, error) {
		if uint64(len(old)) != d.oldSize {
			return nil, fail.New(fail.Drift, "", "", "the binary patch is for a file of %d bytes, not %d", d.oldSize, len(old))
		}
		made := d.apply(old)
		if !bytes.Equal(hashing.GitBlob(made, len(id)), id) {
			return nil, fail.New(fail.Drift, "", "", "the binary patch does not make what it says")
		}
		return made, nil
	}
	return editor.Rewrite{Path: c.new, Expect: expect, Source: append(c.blob.data, id...), Func: apply, Origin: c.origin()}, nil
}
