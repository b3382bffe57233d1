package editor

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// empty reports whether nothing is expected.
func (e Expect) empty() bool { return e.Raw == nil && e.Norm == nil && !e.needsBytes() }

// needsBytes reports whether the hashes that every file has do not suffice.
func (e Expect) needsBytes() bool { return len(e.GitBlob) > 0 || len(e.Sum) > 0 }

// exactly reports whether n, with these bytes, is the very file expected. The
// normalized hash alone never says so.
func (e Expect) exactly(n *node, content []byte) bool {
	if e.Raw == nil && !e.needsBytes() {
		return false
	}
	expected, _ := e.differs(n, content)
	return expected == ""
}

// differs returns the first hash, other than the normalized one, by which n,
// with these bytes, is not the file expected, and that of n; empty where there
// is none.
func (e Expect) differs(n *node, content []byte) (expected, actual string) {
	if e.Raw != nil && *e.Raw != n.is.Hash {
		return e.Raw.String(), n.is.Hash.String()
	}
	for _, h := range []struct {
		name string
		want []byte
		of   func([]byte, int) []byte
	}{{"git", e.GitBlob, hashing.GitBlob}, {"sha", e.Sum, checksum}} {
		if len(h.want) == 0 {
			continue
		}
		if got := h.of(content, len(h.want)); !bytes.Equal(got, h.want) {
			return fmt.Sprintf("%s:%x", h.name, h.want), fmt.Sprintf("%s:%x", h.name, got)
		}
	}
	return "", ""
}

// checksum is the SHA checksum of that many bytes of content, nil if there is
// none of that size.
func checksum(content []byte, size int) []byte {
	hashes := map[int]func() hash.Hash{
		sha1.Size: sha1.New, sha256.Size: sha256.New, sha512.Size384: sha512.New384, sha512.Size: sha512.New,
	}
	if hashes[size] == nil {
		return nil
	}
	h := hashes[size]()
	h.Write(content)
	return h.Sum(nil)
}

// guard checks what e says of n beside its content.
func (e Expect) guard(n *node) error {
	switch {
	case e.Untouched && (n.body.from != n || len(n.body.edits) > 0):
		return fail.New(fail.Conflict, "", "", "the plan changes the file twice, under different names")
	case !e.AsOf.IsZero() && n.disk != nil && n.info.Mtime > e.AsOf.UnixNano():
		changed := time.Unix(0, n.info.Mtime).UTC()
		err := fail.New(fail.Drift, "", "", "the file was changed after the report was made, which says only offsets").
			WithHint("make the report anew, or pass --trust-offsets")
		err.Expected, err.Actual = e.AsOf.UTC().Format(time.RFC3339Nano), changed.Format(time.RFC3339Nano)
		return err
	}
	return nil
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
		if want.needsBytes() {
			var err error
			if content, err = p.read(n); err != nil {
				return "", err
			}
		}
	}
	if want.Raw == nil && !want.needsBytes() {
		want.Raw = want.Norm
	}
	if !want.exactly(n, content) {
		return "", drifted(want, n, content).WithHint("make the plan anew for the file as it is")
	}
	return anchorHash, nil
}
