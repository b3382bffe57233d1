package plan

import (
	"bytes"

	"github.com/emend/emend/locator"
)

func (d *decoder) edits() []locator.Edit {
	var edits []locator.Edit
	for l := d.array(); d.next(&l); {
		d.editIndex++
		edits = append(edits, d.edit())
	}
	if d.err == nil {
		d.editIndex = -1
	}
	return edits
}

func (d *decoder) edit() locator.Edit {
	var e locator.Edit
	o := d.object(editFields)
	if d.err == nil {
		e.Origin = d.src.Position(o.pos)
	}
	for o.next() {
		switch o.field {
		case fStart:
			e.Start = d.integer()
		case fEnd:
			e.End = d.integer()
		case fLines:
			e.Lines = d.lines()
		case fRange:
			e.Range = d.textRange()
		case fFind:
			e.Find = bytes.Clone(o.filled())
		case fAll:
			e.All = d.boolean()
		case fText:
			e.Text = o.owned()
		case fOld:
			e.Old = o.owned()
		}
	}
	d.checkPlace(&o)
	o.need(fText)
	return e
}

// checkPlace fails unless the edit says exactly once where it goes.
func (d *decoder) checkPlace(o *object) {
	places := 0
	for _, place := range []field{fStart | fEnd, fLines, fRange, fFind} {
		if o.seen&place != 0 {
			places++
			o.need(place)
		}
	}
	if places != 1 {
		d.fail(o.pos, "want exactly one of start with end, lines, range, and find: there are %d", places)
	}
	if o.seen&fAll != 0 && o.seen&fFind == 0 {
		d.fail(o.pos, "all goes with find only")
	}
}

// lines reads [first, last].
func (d *decoder) lines() *locator.Lines {
	var n [2]int
	d.skipSpace()
	count, pos := 0, d.pos
	for l := d.array(); count <= len(n) && d.next(&l); count++ {
		if count < len(n) {
			n[count] = d.integer()
		}
	}
	if count != len(n) {
		d.fail(pos, "want two numbers, the first line and the last")
	}
	return &locator.Lines{First: n[0], Last: n[1]}
}

func (d *decoder) textRange() *locator.Range {
	r := locator.Range{Encoding: d.encoding}
	o := d.object(rangeFields)
	for o.next() {
		p := d.position()
		if o.field == fStart {
			r.Start = p
		} else {
			r.End = p
		}
	}
	o.need(rangeFields)
	return &r
}

func (d *decoder) position() locator.Position {
	var p locator.Position
	o := d.object(positionFields)
	for o.next() {
		n := d.integer()
		if o.field == fLine {
			p.Line = n
		} else {
			p.Character = n
		}
	}
	o.need(positionFields)
	return p
}
