// Package plan reads the native plan: a JSON document that lists operations.
// It is strict, because a plan that can be read in two ways changes files in
// two ways: an unknown or repeated field, a number that is not a plain whole
// number, bytes that are not UTF-8, or anything after the document is an error
// that names the place.
package plan

import (
	"fmt"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

const (
	version = 1
	maxKey  = 256 // bytes
)

// Parse reads a plan; columns of its ranges count units of enc. The plan
// refers to the data of src, which must not change afterwards. An error is of
// kind parse, or unsupported for a plan of another version, and names the
// operation, its path where that is known, the field, and the place.
func Parse(src *fix.Source, enc locator.Encoding) (editor.Plan, error) {
	d := decoder{scanner: newScanner(src, true), encoding: enc, opIndex: -1, editIndex: -1}
	p := d.plan(planFields)
	d.end()
	if d.err != nil {
		return editor.Plan{}, d.failure()
	}
	return p, nil
}

// Detect reports whether data begins as a JSON object does.
func Detect(data []byte) bool {
	s := newScanner(&fix.Source{Data: data}, true)
	return s.skipSpace() == '{'
}

// decoder knows the grammar, and where in it the scanner stands.
type decoder struct {
	scanner
	encoding  locator.Encoding
	op        operation // the last one begun
	opIndex   int       // -1 outside of operations
	editIndex int       // -1 outside of edits
}

// plan reads an object with the given fields of a plan.
func (d *decoder) plan(fields field) editor.Plan {
	var p editor.Plan
	o := d.object(fields)
	for o.next() {
		switch o.field {
		case fEmend:
			d.version()
		case fKey:
			p.Key = d.key()
		case fLabel:
			p.Label = string(d.text())
		case fOps:
			p.Ops = d.operations()
		}
	}
	o.need(fields & (fEmend | fOps))
	return p
}

func (d *decoder) version() {
	d.skipSpace()
	pos := d.pos
	if v := d.integer(); d.err == nil && v != version {
		d.fail(pos, "plans of version %d are not supported, only %d", v, version)
		d.err.kind = fail.Unsupported
	}
}

func (d *decoder) key() string {
	d.skipSpace()
	pos := d.pos
	key := string(d.text())
	if len(key) > maxKey {
		d.fail(pos, "has %d bytes, at most %d can be", len(key), maxKey)
	}
	return key
}

func (d *decoder) operations() []editor.Op {
	var ops []editor.Op
	for l := d.array(); d.next(&l); {
		d.opIndex++
		ops = append(ops, d.operation())
	}
	if d.err == nil {
		d.opIndex, d.op = -1, operation{}
	}
	return ops
}

func (d *decoder) expect() editor.Expect {
	var e editor.Expect
	o := d.object(expectFields)
	for o.next() {
		digest := d.digest()
		if o.field == fRaw {
			e.Raw = &digest
		} else {
			e.Norm = &digest
		}
	}
	if o.seen == 0 {
		d.fail(o.pos, "expect holds neither raw nor norm")
	}
	return e
}

func (d *decoder) digest() hashing.Digest {
	d.skipSpace()
	pos := d.pos
	digest, err := hashing.Parse(string(d.text()))
	if err != nil {
		d.fail(pos, "%s", fail.Of(err).Message)
	}
	return digest
}

// end expects the end of the input.
func (d *decoder) end() {
	if d.skipSpace(); d.pos < len(d.data) {
		d.fail(d.pos, "want the end of the input after the plan, not %s", d.here())
	}
}

// failure turns the error that stuck into the one object for errors.
func (d *decoder) failure() *fail.Error {
	where := ""
	if d.opIndex >= 0 {
		where = fmt.Sprintf("ops[%d]: ", d.opIndex)
	}
	if d.editIndex >= 0 {
		where += fmt.Sprintf("edits[%d]: ", d.editIndex)
	}
	e := d.src.Error(d.err.kind, d.err.pos, d.op.name(), "%s%s", where, d.err.message)
	e.Op = d.op.kind
	return e
}
