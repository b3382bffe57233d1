package editor

import (
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

func (p *preparer) edit(o Edit) error {
	n, err := p.file(o.Path)
	if err == nil && o.Expect.Untouched {
		err = p.settle(n)
	}
	if err == nil {
		err = o.Expect.guard(n)
	}
	if err != nil {
		return err
	}
	if done, err := p.editLarge(n, o); done || err != nil {
		return err
	}
	found, err := p.locate(n, o)
	if err != nil {
		return err
	}
	n.note(wal.StepEdit, found.anchor)
	n.edits += len(found.spans)
	n.shifted += found.shifted
	return p.splice(n, found.spans)
}

func (p *preparer) write(o Write) error {
	s, err := p.resolve(o.Path, walk{follow: true, make: o.Expect.empty()})
	if err != nil {
		return err
	}
	if s.now == nil && o.Expect.empty() {
		return p.newFile(s, body{literal: o.Content}, o.Mode, wal.StepWrite)
	}
	n, err := p.fileAt(s)
	if err != nil {
		return err
	}
	anchor, err := p.expect(n, o.Expect)
	if err != nil {
		return err
	}
	n.note(wal.StepWrite, anchor)
	if err := p.replace(n, o.Content); err != nil || o.Mode == 0 {
		return err
	}
	n.is.Meta.Mode = o.Mode.change(n.is.Meta.Mode)
	return nil
}

func (p *preparer) rewrite(o Rewrite) error {
	n, err := p.file(o.Path)
	if err != nil {
		return err
	}
	anchor, err := p.expect(n, o.Expect)
	if err != nil {
		return err
	}
	old, err := p.read(n)
	if err != nil {
		return err
	}
	content, err := o.Func(old)
	if err != nil {
		if fail.Of(err) != nil {
			return err
		}
		return &fail.Error{Kind: fail.Drift, Message: err.Error(), State: fail.Unchanged, Err: err}
	}
	n.note(wal.StepWrite, anchor)
	return p.replace(n, content)
}

// file returns the file at path, through links.
func (p *preparer) file(path string) (*node, error) {
	s, err := p.resolve(path, walk{follow: true})
	if err != nil {
		return nil, err
	}
	return p.fileAt(s)
}

// fileAt returns the file at s, which an operation is about to change.
func (p *preparer) fileAt(s *slot) (*node, error) {
	switch n := s.now; {
	case n == nil:
		return nil, missing()
	case !n.isFile():
		return nil, irregular(n)
	default:
		return p.forAllNames(n)
	}
}

// note remembers for the report that op changed n; the first change of the
// content names it, and the weakest anchor stands for all.
func (n *node) note(op wal.Op, anchor locator.Anchor) {
	if n.op == wal.StepNone || n.op == wal.StepChmod {
		n.op = op
	}
	if n.disk != nil {
		n.anchor = weaker(n.anchor, anchor)
	}
}

// splice applies spans to the file n, which has just been read. What is known of
// it waits to be settled.
func (p *preparer) splice(n *node, spans []locator.Span) error {
	if p.writable(n) {
		return p.change(n, spans)
	}
	err := p.hash(n)
	was := n.is.Hash
	if err == nil {
		err = p.change(n, spans)
	}
	if err == nil {
		err = p.hash(n)
	}
	if err == nil && n.is.Hash != was {
		err = readOnly()
	}
	return err
}

// replace gives the file n whole new content.
func (p *preparer) replace(n *node, content []byte) error {
	if err := p.load(n); err != nil {
		return err
	}
	if !p.writable(n) && hashing.Raw(content) != n.is.Hash {
		return readOnly()
	}
	delete(p.texts.of, n)
	n.body = body{literal: content}
	n.setSums(content)
	return nil
}

// writable is false for a file that nobody may write to, and whose content stays
// as it is.
func (p *preparer) writable(n *node) bool {
	return n.disk == nil || n.is.Meta.Mode&0o222 != 0 || p.opts.ForceReadOnly
}

func readOnly() error {
	return fail.New(fail.ReadOnly, "", "", "the file is read-only").WithHint("make it writable, or force it")
}

// replacements copies what spans replace, so that content need not be held.
func replacements(content []byte, spans []locator.Span) ([]wal.Replacement, error) {
	list, err := locator.Replacements(content, spans)
	if err != nil {
		return nil, err
	}
	out := make([]wal.Replacement, len(list))
	for i, r := range list {
		out[i] = wal.Replacement{Start: r.Start, Old: append([]byte(nil), r.Old...), New: r.New}
	}
	return out, nil
}

// spliceOf returns edits as spans.
func spliceOf(edits []wal.Replacement) []locator.Span {
	spans := make([]locator.Span, len(edits))
	for i, e := range edits {
		spans[i] = locator.Replacement(e).Span()
	}
	return spans
}
