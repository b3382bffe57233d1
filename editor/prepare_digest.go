package editor

import (
	"encoding/binary"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/locator"
)

// digest identifies the plan's operations, whatever its key and label: every
// field of every operation, each in one way only.
func (p Plan) digest() hashing.Digest {
	d := &planDigest{}
	d.flag(p.PruneDirs)
	for _, op := range p.Ops {
		d.text(op.op())
		d.operation(op)
	}
	return d.h.Raw()
}

// planDigest hashes values so that no two sequences of them look alike.
type planDigest struct{ h hashing.RawHasher }

func (d *planDigest) operation(op Op) {
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
	case Delete:
		d.text(o.Path)
		d.expect(o.Expect)
	case Rename:
		d.text(o.From)
		d.text(o.To)
		d.flag(o.Overwrite)
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
	}
	d.optional(e.Find)
	d.flag(e.All)
	d.bytes(e.Text)
	d.optional(e.Old)
	d.flag(e.AtEOF)
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
