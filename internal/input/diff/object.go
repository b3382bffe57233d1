package diff

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/emend/emend/hashing"
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
		return c.src.Error(fail.Unsupported, c.note, c.path(), "the patch does not carry this change of a binary file").
			WithHint(binaryHint)
	case c.blob == nil:
		return nil
	case !hasOld || !hasNew:
		return c.errorAt(c.blob.pos, "a binary patch needs an index line with full object ids").
			WithHint(binaryHint)
	case newID != nil && !c.blob.delta && !bytes.Equal(hashing.GitBlob(c.blob.data, len(newID)), newID):
		return c.errorAt(c.blob.pos, "corrupt binary patch: its content is not the object %x", newID)
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
	return c.oldHex != "" && (strings.HasPrefix(hex.EncodeToString(hashing.GitBlob(old, sha1.Size)), c.oldHex) ||
		strings.HasPrefix(hex.EncodeToString(hashing.GitBlob(old, sha256.Size)), c.oldHex))
}
