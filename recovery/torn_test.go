package recovery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTorn tells a file that a crash left half written in place from one that
// somebody has written to, block by block.
func TestTorn(t *testing.T) {
	b, a := strings.Repeat("b", 2*sector), strings.Repeat("a", 2*sector)
	zeros := strings.Repeat("\x00", sector)
	for _, c := range []struct {
		name, before, after, file string
		torn                      bool
	}{
		{"before", b, a, b, true},
		{"after", b, a, a, true},
		{"first block written", b, a, a[:sector] + b[:sector], true},
		{"last block written", b, a, b[:sector] + a[:sector], true},
		{"half a block", b, a, a[:sector/2] + b[:sector/2] + b[:sector], false},
		{"a byte of somebody's", b, a, "x" + b[1:], false},
		{"zeros in the middle", b, a, zeros + b[:sector], false},
		{"grown, not yet written", b, a + a, b + zeros + zeros, true},
		{"grown, one block written", b, a + a, b + zeros + a[:sector], true},
		{"grown in part", b, a + a, b + a[:sector], true},
		{"grown within a block, the end not yet written", "bbb", "aaaaaa", "bbb\x00\x00\x00", true},
		{"grown within a block, somebody's end", "bbb", "aaaaaa", "bbbxxx", false},
		{"shrunk, not yet cut", b, "aaa", "aaa" + b[3:], true},
		{"shrunk, the end zeroed before the length", b, "aaa", "aaa" + zeros[3:] + b[:sector], true},
		{"shrunk, cut before it was written", b, "aaa", "bbb", true},
		{"shrunk, cut, not written, long again", b, "aaa", "bbb" + zeros[3:], true},
		{"shrunk, somebody's end", b, "aaa", "aaax" + b[4:], false},
		{"to nothing", b, "", "", true},
		{"from nothing", "", a, zeros, true},
	} {
		short := int64(min(len(c.before), len(c.after)))
		torn, err := isTorn(strings.NewReader(c.file), strings.NewReader(c.before), strings.NewReader(c.after), short)
		require.NoError(t, err)
		require.Equal(t, c.torn, torn, c.name)
	}
}
