package plan

import "bytes"

// field is a field name of the format, or a set of them.
type field uint32

const (
	fEmend field = 1 << iota
	fKey
	fLabel
	fOps
	fOp
	fPath
	fFrom
	fTo
	fContent
	fTarget
	fMode
	fOverwrite
	fExpect
	fEdits
	fBase
	fRaw
	fNorm
	fStart
	fEnd
	fLines
	fRange
	fFind
	fAll
	fText
	fOld
	fLine
	fCharacter
)

// The fields that each kind of object can have.
const (
	planFields     = fEmend | fKey | fLabel | fOps
	opFields       = fOp | fPath | fFrom | fTo | fContent | fTarget | fMode | fOverwrite | fExpect | fEdits | fBase
	expectFields   = fRaw | fNorm
	editFields     = fStart | fEnd | fLines | fRange | fFind | fAll | fText | fOld
	rangeFields    = fStart | fEnd
	positionFields = fLine | fCharacter
)

// binaryFields can also be given in base64, as NAME_base64.
const binaryFields = fPath | fFrom | fTo | fContent | fTarget | fBase | fFind | fText | fOld

var fieldNames = map[string]field{
	"emend": fEmend, "key": fKey, "label": fLabel, "ops": fOps,
	"op": fOp, "path": fPath, "from": fFrom, "to": fTo, "content": fContent, "target": fTarget,
	"mode": fMode, "overwrite": fOverwrite, "expect": fExpect, "edits": fEdits, "base": fBase,
	"raw": fRaw, "norm": fNorm,
	"start": fStart, "end": fEnd, "lines": fLines, "range": fRange, "find": fFind, "all": fAll,
	"text": fText, "old": fOld, "line": fLine, "character": fCharacter,
}

var base64Suffix = []byte("_base64")

// lookup finds the field called name, and whether that is its base64 form; 0
// where there is none.
func lookup(name []byte) (f field, base64 bool) {
	if f := fieldNames[string(name)]; f != 0 {
		return f, false
	}
	short, ok := bytes.CutSuffix(name, base64Suffix)
	return fieldNames[string(short)] & binaryFields, ok
}

// first returns the name of the first field in the set, "" for the empty set.
func (f field) first() string {
	f &= -f
	for name, one := range fieldNames {
		if one == f {
			return name
		}
	}
	return ""
}

// object reads the fields of one object, each at most once and only those that
// the object can have.
type object struct {
	list
	s      *scanner
	pos    int // where it begins
	fields field
	seen   field
	field  field // the one whose value comes next
	base64 bool  // ... in base64
}

func (s *scanner) object(fields field) object {
	s.want('{', "an object")
	return object{list: list{close: '}', more: "',' or '}'"}, s: s, pos: s.pos - 1, fields: fields}
}

// next reads a name and its colon and reports whether there is one.
func (o *object) next() bool {
	s := o.s
	s.name = nil
	if !s.next(&o.list) {
		return false
	}
	if s.skipSpace() != '"' {
		s.fail(s.pos, "want a field name, not %s", s.here())
		return false
	}
	pos := s.pos
	name := s.text()
	o.field, o.base64 = lookup(name)
	switch {
	case s.err != nil:
		return false
	case o.field&o.fields == 0:
		s.fail(pos, "unknown field %.60q", name)
		return false
	case o.seen&o.field != 0:
		s.fail(pos, "%s is given twice", o.field.first())
		return false
	}
	o.seen |= o.field
	s.name = name
	return s.want(':', "':'")
}

// bytes reads the value of the field in the form that its name says.
func (o *object) bytes() []byte {
	if o.base64 {
		return o.s.base64()
	}
	return o.s.text()
}

// owned is bytes that stay as they are.
func (o *object) owned() []byte {
	b := o.bytes()
	if o.s.reused && !o.base64 {
		b = bytes.Clone(b)
	}
	return b
}

// filled is bytes for a field that cannot be empty.
func (o *object) filled() []byte {
	o.s.skipSpace()
	pos := o.s.pos
	b := o.bytes()
	if len(b) == 0 {
		o.s.fail(pos, "must not be empty")
	}
	return b
}

// need fails if a field of the set was not given.
func (o *object) need(fields field) {
	if missing := fields &^ o.seen; missing != 0 {
		o.s.fail(o.pos, "%s is missing", missing.first())
	}
}
