package plan

import (
	"strconv"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/locator"
)

// operation is the fields of any operation. They come in any order, so that
// what they amount to is known only at the end.
type operation struct {
	kind           string
	path, from, to string
	target         string
	content, base  []byte
	mode           editor.Mode
	overwrite      bool
	expect         editor.Expect
	edits          []locator.Edit
	origin         editor.Origin
}

// name is the path that an error is about.
func (op *operation) name() string {
	if op.from != "" {
		return op.from
	}
	return op.path
}

// form says of what fields an operation of one kind consists.
type form struct {
	required, optional field
	build              func(*operation) editor.Op
}

var forms = map[string]form{
	"edit": {fPath | fEdits, fExpect | fBase, func(op *operation) editor.Op {
		return editor.Edit{Path: op.path, Expect: op.expect, Base: op.base, Edits: op.edits, Origin: op.origin}
	}},
	"write": {fPath | fContent, fExpect | fMode, func(op *operation) editor.Op {
		return editor.Write{Path: op.path, Content: op.content, Expect: op.expect, Mode: op.mode, Origin: op.origin}
	}},
	"create": {fPath | fContent, fMode, func(op *operation) editor.Op {
		return editor.Create{Path: op.path, Content: op.content, Mode: op.mode, Origin: op.origin}
	}},
	"delete": {fPath, fExpect, func(op *operation) editor.Op {
		return editor.Delete{Path: op.path, Expect: op.expect, Origin: op.origin}
	}},
	"rename": {fFrom | fTo, fOverwrite, func(op *operation) editor.Op {
		return editor.Rename{From: op.from, To: op.to, Overwrite: op.overwrite, Origin: op.origin}
	}},
	"chmod": {fPath | fMode, 0, func(op *operation) editor.Op {
		return editor.Chmod{Path: op.path, Mode: op.mode, Origin: op.origin}
	}},
	"symlink": {fPath | fTarget, 0, func(op *operation) editor.Op {
		return editor.Symlink{Path: op.path, Target: op.target, Origin: op.origin}
	}},
	"mkdir": {fPath, 0, func(op *operation) editor.Op {
		return editor.Mkdir{Path: op.path, Origin: op.origin}
	}},
}

func (d *decoder) operation() editor.Op {
	d.op = operation{}
	o := d.object(opFields)
	for o.next() {
		d.operationField(&o, &d.op)
	}
	if d.err != nil {
		return nil
	}
	d.op.origin = editor.Origin(d.src.Position(o.pos))
	o.need(fOp)
	form := forms[d.op.kind]
	o.need(form.required)
	if stray := o.seen &^ (fOp | form.required | form.optional); stray != 0 {
		d.fail(o.pos, "%s does not belong to %s", stray.first(), d.op.kind)
	}
	if d.err != nil {
		return nil
	}
	return form.build(&d.op)
}

func (d *decoder) operationField(o *object, op *operation) {
	switch o.field {
	case fOp:
		op.kind = d.kind()
	case fPath:
		op.path = string(o.filled())
	case fFrom:
		op.from = string(o.filled())
	case fTo:
		op.to = string(o.filled())
	case fTarget:
		op.target = string(o.filled())
	case fContent:
		op.content = o.owned()
	case fBase:
		op.base = o.owned()
	case fMode:
		op.mode = d.mode()
	case fOverwrite:
		op.overwrite = d.boolean()
	case fExpect:
		op.expect = d.expect()
	case fEdits:
		op.edits = d.edits()
	}
}

func (d *decoder) kind() string {
	d.skipSpace()
	pos := d.pos
	kind := string(d.text())
	if _, ok := forms[kind]; !ok {
		d.fail(pos, "unknown operation %.60q", kind)
		return ""
	}
	return kind
}

// mode reads permission bits: 0, then three or four octal digits.
func (d *decoder) mode() editor.Mode {
	d.skipSpace()
	pos := d.pos
	s := string(d.text())
	bits, err := strconv.ParseUint(s, 8, 12)
	if err != nil || s[0] != '0' || len(s) < len("0644") || len(s) > len("04755") {
		d.fail(pos, "%.20q is not a mode: want octal digits as in \"0644\" or \"04755\"", s)
		return 0
	}
	if bits == 0 {
		return editor.ExactMode
	}
	return editor.Mode(bits)
}
