package editor

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"

	"github.com/emend/emend/locator"
)

// empty reports whether nothing is expected.
func (e Expect) empty() bool { return e.Raw == nil && e.Norm == nil && len(e.GitBlob) == 0 }

// exactly reports whether n, with these bytes, is the very file expected. The
// normalized hash alone never says so.
func (e Expect) exactly(n *node, content []byte) bool {
	if e.Raw == nil && len(e.GitBlob) == 0 {
		return false
	}
	rawOK := e.Raw == nil || *e.Raw == n.is.Hash
	return rawOK && (len(e.GitBlob) == 0 || bytes.Equal(e.GitBlob, gitBlob(content, len(e.GitBlob))))
}

// gitBlob is the object id of size bytes that git gives to content.
func gitBlob(content []byte, size int) []byte {
	h := sha1.New()
	if size == sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return h.Sum(nil)
}

// expect checks that the file or link n is what an operation on the whole of
// it expects. What is replaced whole must be known by its raw bytes: a
// normalized hash is no permission to overwrite, unless the file is its own
// normal form.
func (p *preparer) expect(n *node, want Expect) (locator.Anchor, error) {
	if want.empty() {
		return locator.AnchorNone, nil
	}
	content := []byte(n.is.Target)
	if n.isFile() {
		if err := p.load(n); err != nil {
			return "", err
		}
		content = nil
		if len(want.GitBlob) > 0 {
			var err error
			if content, err = p.read(n); err != nil {
				return "", err
			}
		}
	}
	if want.Raw == nil && len(want.GitBlob) == 0 {
		want.Raw = want.Norm
	}
	if !want.exactly(n, content) {
		return "", drifted(want, n).WithHint("make the plan anew for the file as it is")
	}
	return anchorHash, nil
}
