package hashing

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
)

// GitBlob returns the object id that git gives to a file with this content:
// size bytes, 20 (SHA-1) or 32 (SHA-256).
func GitBlob(content []byte, size int) []byte {
	h := sha1.New()
	if size == sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return h.Sum(nil)
}
