package editor

import (
	"encoding/binary"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/locator"
)

// digest identifies the plan's operations, whatever its key and label: every
// field of every operation, each in one way only.
func (p Plan) digest() (hashing.Digest, error) {
	d := newPlanDigest(p)
	for op, err := range p.all() {
		if err != nil {
			return hashing.Digest{}, err
		}
		d.operation(op)
	}
	return d.h.Raw(), nil
}

// newPlanDigest returns the digest of p without its operations.
func newPlanDigest(p Plan) *planDigest {
	d := &planDigest{}
	d.flag(p.PruneDirs)
	return d
}

// planDigest hashes values so that no two sequences of them look alike.
type planDigest struct{ h hashing.RawHasher }

func (d *planDigest) operation(op Op) {
	d.text(op.op())
	switch o := op.(type) {
	case Edit:
		d.text(o.Path)
		d.expect(o.Expect)
		d.optional(o.Base)
		d.number(len(o.Edits))
		for _, e := range o.Edits {
			d.edit(e)
		}
	case Write:
		d.text(o.Path)
		d.bytes(o.Content)
		d.expect(o.Expect)
		d.number(int(o.Mode))
	case Rewrite:
		d.text(o.Path)
		d.expect(o.Expect)
		d.bytes(o.Source)
	case Create:
		d.text(o.Path)
		d.bytes(o.Content)
		d.number(int(o.Mode))
		d.flag(o.IfMissing)
	case Delete:
		d.text(o.Path)
		d.expect(o.Expect)
		d.flag(o.Recursive)
		d.flag(o.IfExists)
	case Rename:
		d.text(o.From)
		d.text(o.To)
		d.flag(o.Overwrite)
		d.flag(o.IfMissing)
	case Copy:
		d.text(o.From)
		d.text(o.To)
	case Chmod:
		d.text(o.Path)
		d.number(int(o.Mode))
	case Symlink:
		d.text(o.Path)
		d.text(o.Target)
		d.expect(o.Expect)
		d.flag(o.New)
	case Mkdir:
		d.text(o.Path)
	case revert:
		d.bytes(o.tx.ID[:])
	case decision:
		d.bytes(o.tx.ID[:])
		d.number(int(o.image))
		for _, n := range o.chosen {
			d.number(n)
		}
	}
}

func (d *planDigest) expect(e Expect) {
	for _, h := range []*hashing.Digest{e.Raw, e.Norm} {
		if h == nil {
			d.optional(nil)
		} else {
			d.optional(h[:])
		}
	}
	d.bytes(e.GitBlob)
	d.bytes(e.Sum) // when the plan was made is no part of it
}

func (d *planDigest) edit(e locator.Edit) {
	d.number(e.Start)
	d.number(e.End)
	d.flag(e.Lines != nil)
	if e.Lines != nil {
		d.number(e.Lines.First)
		d.number(e.Lines.Last)
	}
	d.flag(e.Range != nil)
	if r := e.Range; r != nil {
		for _, n := range []int{r.Start.Line, r.Start.Character, r.End.Line, r.End.Character, int(r.Encoding)} {
			d.number(n)
		}
		d.flag(r.Clamp)
		d.flag(r.SkipBOM)
	}
	d.flag(e.Units != nil)
	if u := e.Units; u != nil {
		for _, n := range []int{u.Start, u.End, int(u.Encoding)} {
			d.number(n)
		}
		d.flag(u.SkipBOM)
	}
	d.optional(e.Find)
	d.flag(e.All)
	d.hunk(e.Hunk)
	d.bytes(e.Text)
	d.optional(e.Old)
	d.flag(e.AtEOF)
	d.flag(e.ByLine)
}

func (d *planDigest) hunk(h *locator.Hunk) {
	d.flag(h != nil)
	if h == nil {
		return
	}
	d.number(len(h.After))
	for _, line := range h.After {
		d.bytes(line)
	}
	d.number(len(h.Lines))
	for _, line := range h.Lines {
		d.number(int(line.Do))
		d.bytes(line.Text)
	}
	d.flag(h.AtEOF)
}

func (d *planDigest) number(n int) {
	var b [binary.MaxVarintLen64]byte
	_, _ = d.h.Write(binary.AppendVarint(b[:0], int64(n)))
}

func (d *planDigest) flag(set bool) {
	if set {
		d.number(1)
	} else {
		d.number(0)
	}
}

func (d *planDigest) bytes(b []byte) {
	d.number(len(b))
	_, _ = d.h.Write(b)
}

func (d *planDigest) text(s string) { d.bytes([]byte(s)) }

// optional tells nil from empty.
func (d *planDigest) optional(b []byte) {
	d.flag(b != nil)
	d.bytes(b)
}
