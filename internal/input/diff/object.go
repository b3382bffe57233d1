package diff

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/emend/emend/internal/fail"
)

// checkBinary checks that a change of a binary file carries its data, and the
// ids that tell whether they fit the file and make what they should.
func (c *change) checkBinary() error {
	oldID, newID := fullID(c.oldHex), fullID(c.newHex)
	hasOld := c.kind == create || oldID != nil
	hasNew := c.kind == remove || newID != nil
	switch {
	case c.note > 0 && (c.kind != remove || !hasOld):
		return fail.New(fail.Unsupported, "", "", "line %d: the patch does not carry this change of a binary file", c.note).
			WithHint(binaryHint)
	case c.blob == nil:
		return nil
	case !hasOld || !hasNew:
		return errorAt(c.blob.line, "a binary patch needs an index line with full object ids").
			WithHint(binaryHint)
	case newID != nil && !c.blob.delta && !bytes.Equal(objectID(c.blob.data, len(newID)), newID):
		return errorAt(c.blob.line, "corrupt binary patch: its content is not the object %x", newID)
	}
	return nil
}

// isObjectID reports whether s is the hex digits of an object id, at least the
// first four.
func isObjectID(s string) bool {
	return 4 <= len(s) && len(s) <= 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// fullID returns the object id that s spells; nil for one that is abbreviated,
// and for the one of all zeros, which stands for no file.
func fullID(s string) []byte {
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0") == "" {
		return nil
	}
	id, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return id
}

// holdsOld reports whether the index line says that old is the whole file.
func (c *change) holdsOld(old []byte) bool {
	return c.oldHex != "" && (strings.HasPrefix(hex.EncodeToString(objectID(old, sha1.Size)), c.oldHex) ||
		strings.HasPrefix(hex.EncodeToString(objectID(old, sha256.Size)), c.oldHex))
}

// objectID returns the id of size bytes that git gives to content.
func objectID(content []byte, size int) []byte {
	var h hash.Hash
	if h = sha1.New(); size == sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return h.Sum(nil)
}
