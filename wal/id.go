package wal

import (
	"crypto/rand"
	"fmt"

	"github.com/emend/emend/internal/fail"
)

// idAlphabet is Crockford's base32: no I, L, O, U.
const idAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const idTextLen = 26

// NewID returns a random ID.
func NewID() (ID, error) {
	var id ID
	if _, err := rand.Read(id[:]); err != nil {
		return ID{}, fmt.Errorf("make an id: %w", err)
	}
	return id, nil
}

// IsZero reports whether the ID is the zero value, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 26 characters.
func (id ID) String() string {
	var text [idTextLen]byte
	bit := -2 // 26 characters hold 130 bits: the first two are zero
	for i := range text {
		var v byte
		for range 5 {
			v <<= 1
			if bit >= 0 {
				v |= id[bit/8] >> (7 - bit%8) & 1
			}
			bit++
		}
		text[i] = idAlphabet[v]
	}
	return string(text[:])
}

// ParseID reads what String returns, in either case.
func ParseID(s string) (ID, error) {
	if len(s) != idTextLen || idDigit(s[0]) > 7 {
		return ID{}, badID(s)
	}
	var id ID
	bit := -2
	for i := range len(s) {
		v := idDigit(s[i])
		if v < 0 {
			return ID{}, badID(s)
		}
		for k := 4; k >= 0; k-- {
			if bit >= 0 {
				id[bit/8] |= byte(v>>k&1) << (7 - bit%8)
			}
			bit++
		}
	}
	return id, nil
}

func idDigit(c byte) int {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	for i := range len(idAlphabet) {
		if idAlphabet[i] == c {
			return i
		}
	}
	return -1
}

func badID(s string) error {
	return fail.New(fail.Usage, "", "", "%q is not a transaction id (26 characters of base32)", s)
}

// MarshalText returns the 26 characters.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads them.
func (id *ID) UnmarshalText(text []byte) error {
	v, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}
