package fix

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnicodeEscape(t *testing.T) {
	for _, c := range []struct {
		in   string
		r    rune
		size int
	}{
		{`\u00e4x`, 'ä', 6},
		{`\uFFFD`, '\uFFFD', 6},
		{`\ud83d\ude00\u0041`, '😀', 12},
		{`\ud83d`, 0xd83d, 6},
		{`\ud83d\u0041`, 0xd83d, 6},
		{`\ud83dxude00`, 0xd83d, 6},
		{`\ude00\ud83d`, 0xde00, 6},
		{`\ud83d\ude\u00`, 0xd83d, 6},
		{`\u00e`, 0, 0},
		{`\u00eg`, 0, 0},
		{`\u+0e4`, 0, 0},
		{`\n00e4`, 0, 0},
		{``, 0, 0},
	} {
		r, size := UnicodeEscape([]byte(c.in))
		require.Equal(t, c.r, r, c.in)
		require.Equal(t, c.size, size, c.in)
	}
}

func TestTextThatADecoderWouldGuessAt(t *testing.T) {
	for in, bad := range map[string]int{
		`"ä\u00e4\\ud83d\ud83d\ude00\n"`: -1,
		`"\`:                             -1,
		`"\u00`:                          -1,
		`"\\\ud83d"`:                     3,
		"\"a\xff\"":                      2,
	} {
		require.Equal(t, bad, invalidText([]byte(in)), in)
	}
}
