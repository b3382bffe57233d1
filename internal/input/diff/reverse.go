package diff

import (
	"slices"

	"github.com/emend/emend/internal/fail"
)

// reverse turns the patches into those that take them back.
func (p *parser) reverse() error {
	slices.Reverse(p.patches)
	for _, patch := range p.patches {
		slices.Reverse(patch)
		for _, c := range patch {
			if err := c.reverse(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *change) reverse() error {
	switch c.kind {
	case create:
		c.kind = remove
	case remove:
		c.kind = create
	case copying:
		return c.src.Error(fail.Unsupported, c.pos, c.path(), "a copy cannot be taken back").
			WithHint("make the patch with git diff --no-renames")
	}
	if c.blob != nil && c.back == nil {
		return c.errorAt(c.blob.pos, "the binary patch does not carry the way back")
	}
	c.old, c.new = c.new, c.old
	c.oldMode, c.newMode = c.newMode, c.oldMode
	c.oldHex, c.newHex = c.newHex, c.oldHex
	c.blob, c.back = c.back, c.blob
	for i := range c.hunks {
		h := &c.hunks[i]
		h.old, h.new = h.new, h.old
	}
	return nil
}
