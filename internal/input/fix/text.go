package fix

import (
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// InvalidUTF8 returns the offset of the first byte of b that is not UTF-8, or
// -1.
func InvalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
}

// UnicodeEscape reads JSON's \uXXXX, or two of them that are a surrogate pair,
// from the front of b: the rune, and how many bytes it takes. Half a pair is
// returned as the surrogate that it is; the size is 0 where there are not four
// hex digits.
func UnicodeEscape(b []byte) (r rune, size int) {
	r, ok := codeUnit(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		low, ok := codeUnit(b[escapeLen:])
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			return pair, 2 * escapeLen
		}
	}
	return r, escapeLen
}

const escapeLen = len(`\uXXXX`)

func codeUnit(b []byte) (rune, bool) {
	if len(b) < escapeLen || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var unit [2]byte
	_, err := hex.Decode(unit[:], b[2:escapeLen])
	return rune(binary.BigEndian.Uint16(unit[:])), err == nil
}
