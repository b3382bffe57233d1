package fix

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"unicode/utf16"

	"github.com/emend/emend/internal/fail"
)

// JSON reads the JSON values of a source one after another, and knows where
// each stands. Errors are of kind parse and name the place.
type JSON struct {
	*Source
	dec  *json.Decoder
	base int // offset of the first byte that dec sees
}

// NewJSON returns a reader of the values in src from offset from on. Text that
// a decoder would have to guess at is an error: bytes that are not UTF-8, and
// halves of surrogate pairs.
func NewJSON(src *Source, from int) (*JSON, error) {
	data := src.Data[from:]
	if from == 0 && bytes.HasPrefix(data, []byte("\uFEFF")) {
		from = len("\uFEFF")
		data = data[from:]
	}
	if bad := invalidText(data); bad >= 0 {
		return nil, src.Error(fail.Parse, from+bad, "", "the text is not Unicode")
	}
	return &JSON{Source: src, dec: json.NewDecoder(bytes.NewReader(data)), base: from}, nil
}

// invalidText returns the offset of the first byte that is not UTF-8, or of
// the first escape that is half a surrogate pair; -1 where there is none.
func invalidText(data []byte) int {
	if bad := InvalidUTF8(data); bad >= 0 {
		return bad
	}
	for i := 0; ; {
		next := bytes.IndexByte(data[i:], '\\')
		if next < 0 {
			return -1
		}
		i += next
		r, size := UnicodeEscape(data[i:])
		if utf16.IsSurrogate(r) {
			return i
		}
		i = min(i+max(size, len(`\\`)), len(data))
	}
}

// Pos returns the offset of the value or name that comes next.
func (j *JSON) Pos() int {
	pos := j.base + int(j.dec.InputOffset())
	for pos < len(j.Data) && bytes.IndexByte([]byte(" \t\r\n,:"), j.Data[pos]) >= 0 {
		pos++
	}
	return pos
}

// Peek returns the byte that comes next, 0 at the end.
func (j *JSON) Peek() byte {
	if pos := j.Pos(); pos < len(j.Data) {
		return j.Data[pos]
	}
	return 0
}

// Decode reads the next value into v.
func (j *JSON) Decode(v any) error {
	from, pos := j.base+int(j.dec.InputOffset()), j.Pos()
	from += bytes.LastIndexAny(j.Data[from:pos], ",:") + 1
	err := j.dec.Decode(v)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		last := from + max(0, int(kind.Offset)-1) // its last byte; white space before the value counts
		return j.Error(fail.Parse, last, "", "%s cannot be %s%s", orThis(kind.Field), article(kind.Value), wanted(kind.Type))
	}
	return j.explain(err, pos)
}

// Skip passes over the next value.
func (j *JSON) Skip() error {
	if c := j.Peek(); c != '{' && c != '[' {
		var v json.RawMessage
		return j.Decode(&v)
	}
	depth := 0
	for {
		pos := j.Pos()
		token, err := j.dec.Token()
		if err != nil {
			return j.explain(err, pos)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// SkipLines passes over the lines that come next and do not begin with c, which
// may be indented.
func (j *JSON) SkipLines(c byte) {
	from := j.base + int(j.dec.InputOffset())
	pos := from + blankLen(j.Data[from:])
	if from > j.base && bytes.IndexByte(j.Data[from:pos], '\n') < 0 {
		return // the line has begun with a value
	}
	skipped := false
	for pos < len(j.Data) && j.Data[pos] != c {
		pos += lineLen(j.Data[pos:])
		pos += blankLen(j.Data[pos:])
		skipped = true
	}
	if skipped {
		j.dec, j.base = json.NewDecoder(bytes.NewReader(j.Data[pos:])), pos
	}
}

// blankLen is how much white space b begins with.
func blankLen(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t\r\n")) }

// Object reads an object: field is called for every name and reads its value.
func (j *JSON) Object(field func(name string) error) error {
	if err := j.open('{', "an object"); err != nil {
		return err
	}
	for j.dec.More() {
		pos := j.Pos()
		token, err := j.dec.Token()
		if err != nil {
			return j.explain(err, pos)
		}
		name, _ := token.(string)
		if err := field(name); err != nil {
			return err
		}
	}
	return j.close()
}

// Array reads an array: item is called for every value and reads it.
func (j *JSON) Array(item func() error) error {
	if err := j.open('[', "an array"); err != nil {
		return err
	}
	for j.dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	return j.close()
}

// Null reads a null, if that comes next.
func (j *JSON) Null() bool {
	if !bytes.HasPrefix(j.Data[j.Pos():], []byte("null")) {
		return false
	}
	var v any
	return j.dec.Decode(&v) == nil
}

// End expects the end of the source.
func (j *JSON) End() error {
	if pos := j.Pos(); pos < len(j.Data) {
		return j.Error(fail.Parse, pos, "", "want the end of the input")
	}
	return nil
}

func (j *JSON) open(c byte, what string) error {
	pos := j.Pos()
	if j.Peek() != c {
		return j.Error(fail.Parse, pos, "", "want %s", what)
	}
	_, err := j.dec.Token()
	return j.explain(err, pos)
}

func (j *JSON) close() error {
	pos := j.Pos()
	_, err := j.dec.Token()
	return j.explain(err, pos)
}

// explain says of err, which came up in the value at pos, where and what it is.
func (j *JSON) explain(err error, pos int) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		// The decoder counts from where it last looked; a look at the value counts
		// from its start.
		message := syntax.Error()
		again := json.NewDecoder(bytes.NewReader(j.Data[pos:])).Decode(new(json.RawMessage))
		if errors.As(again, &syntax) {
			pos, message = pos+max(0, int(syntax.Offset)-1), syntax.Error()
		}
		return j.Error(fail.Parse, pos, "", "%s", message)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return j.Error(fail.Parse, len(j.Data), "", "the input ends too early")
	}
	return j.Error(fail.Parse, pos, "", "%s", err)
}

func orThis(field string) string {
	if field == "" {
		return "this"
	}
	return field
}

func article(what string) string {
	if strings.IndexByte("aeiou", what[0]) >= 0 {
		return "an " + what
	}
	return "a " + what
}

// wanted says what a value of type t is in JSON.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return ": want a string"
	case reflect.Int, reflect.Int64:
		return ": want a whole number"
	case reflect.Bool:
		return ": want true or false"
	case reflect.Slice:
		return ": want an array"
	case reflect.Struct, reflect.Map:
		return ": want an object"
	}
	return ""
}

// FirstKey returns the first name in the JSON object that data begins with, and
// the data of its value and what follows; "" where there is none.
func FirstKey(data []byte) (name string, value []byte) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return "", nil
	}
	token, err := dec.Token()
	name, _ = token.(string)
	if err != nil {
		return "", nil
	}
	rest := bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' {
		return "", nil
	}
	return name, rest[1:]
}

// headSize is how far into a document Names looks.
const headSize = 4 << 10

// Names returns the names in the JSON object that data begins with, as many of
// them as come early.
func Names(data []byte) []string {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	src := &Source{Data: data[:min(len(data), headSize)]}
	var names []string
	j := &JSON{Source: src, dec: json.NewDecoder(bytes.NewReader(src.Data))}
	_ = j.Object(func(name string) error {
		names = append(names, name)
		return j.Skip()
	})
	return names
}

// FirstItem returns data from the first item on where it is a JSON array, else
// all of it.
func FirstItem(data []byte) []byte {
	rest := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\uFEFF")), " \t\r\n")
	if item, ok := bytes.CutPrefix(rest, []byte("[")); ok {
		return item
	}
	return data
}
