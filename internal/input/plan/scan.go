package plan

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// scanner reads strict JSON (RFC 8259) token by token: no invalid UTF-8, no
// unpaired surrogate, nothing that a reader would have to guess. The grammar
// above it knows every value before it is read, so depth is bounded by code
// and memory by the input.
//
// The first error sticks: from then on every method returns its zero value and
// every loop over fields or items ends.
type scanner struct {
	src    *fix.Source
	data   []byte // of src
	reused bool   // data is overwritten later
	pos    int
	name   []byte // of the field whose value is being read
	err    *syntaxError
}

// syntaxError says what is wrong at a byte offset of the input.
type syntaxError struct {
	kind    fail.Kind
	pos     int
	message string
}

// newScanner returns a scanner at the beginning of src, behind the byte order
// mark that some editors write in front, if first says that nothing comes before
// src.
func newScanner(src *fix.Source, first bool) scanner {
	s := scanner{src: src, data: src.Data}
	if first && bytes.HasPrefix(s.data, []byte("\xEF\xBB\xBF")) {
		s.pos = len("\xEF\xBB\xBF")
	}
	return s
}

// fail records an error at offset pos, unless there is one already.
func (s *scanner) fail(pos int, format string, args ...any) {
	if s.err != nil {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(s.name) > 0 {
		message = string(s.name) + ": " + message
	}
	s.err = &syntaxError{fail.Parse, pos, message}
}

// skipSpace moves to the next byte that is not white space and returns it, 0
// at the end of the input.
func (s *scanner) skipSpace() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// want reads the byte c, which what describes.
func (s *scanner) want(c byte, what string) bool {
	if s.err != nil {
		return false
	}
	if s.skipSpace() != c {
		s.fail(s.pos, "want %s, not %s", what, s.here())
		return false
	}
	s.pos++
	return true
}

// here describes the token that comes next.
func (s *scanner) here() string {
	c, rest := s.skipSpace(), s.data[s.pos:]
	switch {
	case len(rest) == 0:
		return "the end of the input"
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '-' || isDigit(c):
		return "a number"
	case c >= utf8.RuneSelf:
		return fmt.Sprintf("byte 0x%02x", c)
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return word
		}
	}
	return fmt.Sprintf("%q", c)
}

// list reads the brackets and commas of an object or an array.
type list struct {
	close byte
	more  string // what comes after an element
	begun bool
}

func (s *scanner) array() list {
	s.want('[', "an array")
	return list{close: ']', more: "',' or ']'"}
}

// next moves to the next element of l and reports whether there is one.
func (s *scanner) next(l *list) bool {
	if s.err != nil {
		return false
	}
	if s.skipSpace() == l.close {
		s.pos++
		return false
	}
	if l.begun && !s.want(',', l.more) {
		return false
	}
	l.begun = true
	return true
}

// integer reads a whole number that is not negative.
func (s *scanner) integer() int {
	if s.err != nil {
		return 0
	}
	c, start, n := s.skipSpace(), s.pos, 0
	if c != '-' && !isDigit(c) {
		s.fail(start, "want a whole number, not %s", s.here())
		return 0
	}
	for ; s.pos < len(s.data) && isDigit(s.data[s.pos]); s.pos++ {
		digit := int(s.data[s.pos] - '0')
		if n > (math.MaxInt-digit)/10 {
			s.fail(start, "the number is too large")
			return 0
		}
		n = n*10 + digit
	}
	leadingZero := c == '0' && s.pos > start+1
	fraction := s.pos < len(s.data) && bytes.IndexByte([]byte(".eE"), s.data[s.pos]) >= 0
	if c == '-' || leadingZero || fraction {
		s.fail(start, "want a whole number in plain digits, 0 or more")
		return 0
	}
	return n
}

// boolean reads true or false.
func (s *scanner) boolean() bool {
	if s.err != nil {
		return false
	}
	word := s.here()
	if word != "true" && word != "false" {
		s.fail(s.pos, "want true or false, not %s", word)
		return false
	}
	s.pos += len(word)
	return word == "true"
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
