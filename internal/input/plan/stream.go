package plan

import (
	"bytes"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/locator"
)

// ParseStream reads a plan whose operations follow it: JSON lines, of which the
// first is the plan without ops and each other one operation. It is as strict as
// Parse, and its errors are the same; the plan refers to data.
func ParseStream(data []byte, enc locator.Encoding) (editor.Plan, error) {
	d := decoder{scanner: newScanner(data), encoding: enc, opIndex: -1, editIndex: -1}
	p := d.plan(planFields &^ fOps)
	for d.nextLine() {
		d.opIndex++
		p.Ops = append(p.Ops, d.operation())
	}
	if d.err == nil {
		d.opIndex = -1
	}
	return d.finish(p)
}

// DetectStream reports whether data begins with a plan without ops, and an
// object on a line behind it.
func DetectStream(data []byte) bool {
	d := decoder{scanner: newScanner(data), opIndex: -1, editIndex: -1}
	d.plan(planFields &^ fOps)
	return d.nextLine() && d.skipSpace() == '{'
}

// nextLine moves to the next line that is not blank, and reports whether there
// is one. Values on one line are an error.
func (d *decoder) nextLine() bool {
	if d.err != nil {
		return false
	}
	from := d.pos
	d.skipSpace()
	switch {
	case d.pos == len(d.data):
		return false
	case bytes.IndexByte(d.data[from:d.pos], '\n') < 0:
		d.name = nil
		d.fail(d.pos, "want the end of the line, not %s", d.here())
		return false
	}
	return true
}
