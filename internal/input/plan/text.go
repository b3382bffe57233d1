package plan

import (
	"bytes"
	"encoding/base64"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emend/emend/internal/input/fix"
)

// text reads a string. Without escapes the result is a part of the input, not
// a copy. It is valid UTF-8, and not nil unless there is an error.
func (s *scanner) text() []byte {
	if s.err != nil {
		return nil
	}
	if s.skipSpace() != '"' {
		s.fail(s.pos, "want a string, not %s", s.here())
		return nil
	}
	start := s.pos + 1
	end, escaped := s.closing(start)
	if s.err != nil {
		return nil
	}
	raw := s.data[start:end:end]
	if bad := fix.InvalidUTF8(raw); bad >= 0 {
		s.fail(start+bad, "byte 0x%02x is not UTF-8: use the field's _base64 form", raw[bad])
		return nil
	}
	s.pos = end + 1
	if !escaped {
		return raw
	}
	return s.unescape(start, raw)
}

// closing finds the quote that ends the string which begins at start.
func (s *scanner) closing(start int) (end int, escaped bool) {
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			return i, escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			s.fail(i, "a control character in a string must be escaped, as \\u%04x", c)
			return 0, false
		}
	}
	s.fail(start-1, "the string has no end")
	return 0, false
}

// unescape replaces the escapes of raw, the inside of a string that stands at
// offset start. What it makes is never longer.
func (s *scanner) unescape(start int, raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			return append(out, raw[i:]...)
		}
		out = append(out, raw[i:i+next]...)
		i += next
		if c := raw[i+1]; c != 'u' {
			plain, ok := simpleEscape(c)
			if !ok {
				s.fail(start+i, "\\%s is not an escape", string(rune(c)))
				return nil
			}
			out, i = append(out, plain), i+2
			continue
		}
		r, size := fix.UnicodeEscape(raw[i:])
		if size == 0 || utf16.IsSurrogate(r) {
			s.fail(start+i, "want four hex digits after \\u, and surrogates in pairs: "+
				"for bytes that are not UTF-8 use the field's _base64 form")
			return nil
		}
		out, i = utf8.AppendRune(out, r), i+size
	}
	return out
}

func simpleEscape(c byte) (byte, bool) {
	const names, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := bytes.IndexByte([]byte(names), c)
	if i < 0 {
		return 0, false
	}
	return values[i], true
}

// base64 reads a string of standard base64 with padding.
func (s *scanner) base64() []byte {
	s.skipSpace()
	pos := s.pos
	in := s.text()
	if s.err != nil {
		return nil
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(in)))
	n, err := base64.StdEncoding.Strict().Decode(out, in)
	// The decoder skips line ends; a plan has none to skip.
	if err != nil || bytes.ContainsAny(in, "\r\n") {
		s.fail(pos, "this is not base64 (standard alphabet, padded, without line ends)")
		return nil
	}
	return out[:n]
}
