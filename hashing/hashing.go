// Package hashing is pure: raw and normalized XXH3-128 digests, the normalizer
// behind the second, and the map between positions in a file and in its normal
// form.
//
// The normal form of a text has every CR dropped, then the trailing spaces and
// tabs of every line and of the end, then all leading UTF-8 byte order marks.
// Bytes that contain a NUL have no normal form and stand for themselves. Two
// texts with one normal form differ harmlessly; that is evidence, never
// permission to overwrite. The digests tell drift and damage, not a forger.
package hashing

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/zeebo/xxh3"
)

// prefix names the hash function wherever a digest is text.
const prefix = "xxh3:"

// Digest is an XXH3-128 in canonical (big-endian) order. The zero value is no
// digest: IsZero tells it from any that is likely to occur.
type Digest [16]byte

// Raw returns the digest of b as it is.
func Raw(b []byte) Digest { return xxh3.Hash128(b).Bytes() }

// Norm returns the digest of the normal form of b, without making that form;
// where b contains a NUL it is Raw(b).
func Norm(b []byte) Digest {
	h := NewHasher()
	h.norm(b)
	if h.binary {
		return Raw(b)
	}
	return h.Norm()
}

// Both returns Raw(b) and Norm(b). A text that is its own normal form, as most
// are, is hashed once.
func Both(b []byte) (raw, norm Digest) {
	raw = Raw(b)
	if isNormal(b) {
		return raw, raw
	}
	return raw, Norm(b)
}

// isNormal reports whether Norm(b) is Raw(b) for certain.
func isNormal(b []byte) bool {
	if len(b) == 0 || bytes.IndexByte(b, 0) >= 0 {
		return true
	}
	last := b[len(b)-1]
	return last != ' ' && last != '\t' && bytes.IndexByte(b, '\r') < 0 && !bytes.HasPrefix(b, []byte(bom)) &&
		!bytes.Contains(b, []byte(" \n")) && !bytes.Contains(b, []byte("\t\n"))
}

// Parse reads what String writes. An error is of kind parse.
func Parse(s string) (Digest, error) {
	var d Digest
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok || len(digits) != hex.EncodedLen(len(d)) {
		return Digest{}, badDigest(s)
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil {
		return Digest{}, badDigest(s)
	}
	return d, nil
}

func badDigest(s string) error {
	return fail.New(fail.Parse, "", "", "%.64q is not a hash: want %s and 32 hex digits", s, prefix)
}

// String returns "xxh3:" and 32 lower-case hex digits.
func (d Digest) String() string { return prefix + hex.EncodeToString(d[:]) }

// IsZero reports whether d was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText is String, for JSON.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is Parse, for JSON.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
