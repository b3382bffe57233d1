package diff

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/emend/emend/internal/fail"
)

// checkBinary checks that a change of a binary file carries its data, and the
// ids that tell whether they fit the file and make what they should.
func (c *change) checkBinary() error {
	hasOld := c.kind == create || c.oldID != nil
	hasNew := c.kind == remove || c.newID != nil
	switch {
	case c.note > 0 && (c.kind != remove || !hasOld):
		return fail.New(fail.Unsupported, "", "", "line %d: the patch does not carry this change of a binary file", c.note).
			WithHint(binaryHint)
	case c.blob == nil:
		return nil
	case !hasOld || !hasNew:
		return errorAt(c.blob.line, "a binary patch needs an index line with full object ids").
			WithHint(binaryHint)
	case c.newID != nil && !c.blob.delta && !bytes.Equal(objectID(c.blob.data, len(c.newID)), c.newID):
		return errorAt(c.blob.line, "corrupt binary patch: its content is not the object %x", c.newID)
	}
	return nil
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
