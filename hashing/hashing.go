// Package hashing is pure: raw and normalized XXH3-128 digests.
package hashing

import "github.com/zeebo/xxh3"

// Digest is an XXH3-128 in canonical (big-endian) order.
type Digest [16]byte

// Raw returns the digest of b.
func Raw(b []byte) Digest { return xxh3.Hash128(b).Bytes() }
