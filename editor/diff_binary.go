package editor

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/emend/emend/hashing"
)

// writeBinaryPatch writes the body of a git binary patch: both contents whole,
// deflated and in git's base 85, the new one first.
func writeBinaryPatch(w io.Writer, isNew, isGone bool, old, new []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "index %s..%s\nGIT binary patch\n", blobID(old, isNew), blobID(new, isGone))
	for _, content := range [][]byte{new, old} {
		fmt.Fprintf(&b, "literal %d\n", len(content))
		writeBase85(&b, deflate(content))
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// blobID is the object id of content; git writes zeros for a missing file.
func blobID(content []byte, missing bool) string {
	if missing {
		return strings.Repeat("0", 2*sha1.Size)
	}
	return fmt.Sprintf("%x", hashing.GitBlob(content, sha1.Size))
}

func deflate(content []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(content) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// base85 are git's digits.
const base85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// lineBytes is how many bytes a line of a binary patch stands for, at most.
const lineBytes = 52

// writeBase85 writes data in lines, each begun by a letter for its length: A-Z
// are 1 to 26, a-z 27 to 52. Four bytes, big-endian, are five digits; the last
// four are filled up with zeros.
func writeBase85(b *bytes.Buffer, data []byte) {
	for len(data) > 0 {
		n := min(len(data), lineBytes)
		if n <= 26 {
			b.WriteByte(byte('A' + n - 1))
		} else {
			b.WriteByte(byte('a' + n - 27))
		}
		for i := 0; i < n; i += 4 {
			var word [4]byte
			copy(word[:], data[i:n])
			var digits [5]byte
			v := binary.BigEndian.Uint32(word[:])
			for d := len(digits) - 1; d >= 0; d-- {
				digits[d] = base85[v%85]
				v /= 85
			}
			b.Write(digits[:])
		}
		b.WriteByte('\n')
		data = data[n:]
	}
}
