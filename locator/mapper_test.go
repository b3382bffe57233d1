package locator

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

var encodings = []Encoding{UTF8, UTF16, UTF32}

func TestEncodingNames(t *testing.T) {
	for _, enc := range encodings {
		parsed, err := ParseEncoding(enc.String())
		require.NoError(t, err)
		require.Equal(t, enc, parsed)
	}
	_, err := ParseEncoding("latin-1")
	require.Equal(t, fail.Usage, fail.KindOf(err))
}

// modelUnits counts the code units of text by encoding it; a byte that is not
// UTF-8 is one.
func modelUnits(text []byte, enc Encoding) int {
	n := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1 || enc == UTF32:
			n++
		case enc == UTF16:
			n += len(utf16.Encode([]rune{r}))
		default:
			n += size
		}
		text = text[size:]
	}
	return n
}

// modelPositions returns the position of every offset that has one.
func modelPositions(content []byte, enc Encoding) map[int]Position {
	positions := make(map[int]Position)
	line, start := 0, 0
	for pos := 0; ; {
		positions[pos] = Position{line, modelUnits(content[start:pos], enc)}
		rest := content[pos:]
		switch {
		case len(rest) == 0:
			return positions
		case bytes.HasPrefix(rest, []byte("\r\n")):
			pos += 2
			line, start = line+1, pos
		case rest[0] == '\n' || rest[0] == '\r':
			pos++
			line, start = line+1, pos
		default:
			_, size := utf8.DecodeRune(rest)
			pos += size
		}
	}
}

func checkMapper(t *testing.T, content []byte) {
	t.Helper()
	m := NewMapper(content)
	for _, enc := range encodings {
		positions := modelPositions(content, enc)
		legal := make(map[Position]bool)
		lines := 0
		for offset := -1; offset <= len(content)+1; offset++ {
			got, err := m.OffsetToPosition(offset, enc)
			want, ok := positions[offset]
			if !ok {
				require.Equal(t, fail.Position, fail.KindOf(err), "%q %d", content, offset)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want, got, "%q %d %s", content, offset, enc)
			back, err := m.PositionToOffset(got, enc)
			require.NoError(t, err)
			require.Equal(t, offset, back)
			legal[got] = true
			lines = got.Line + 1
		}
		for line := -1; line <= min(lines, 10); line++ {
			for character := -1; character <= 12; character++ {
				p := Position{line, character}
				_, err := m.PositionToOffset(p, enc)
				require.Equal(t, legal[p], err == nil, "%q %v %v", content, p, err)
			}
		}
	}
}

func FuzzMapper(f *testing.F) {
	f.Add([]byte("a\r\nä\r😀\n\n\xff\xe2\x82"))
	f.Add([]byte("\r\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) { checkMapper(t, content[:min(len(content), 40)]) })
}

func TestMapperOnInvalidUTF8(t *testing.T) {
	checkMapper(t, []byte("a\xffb\xe2\x82\n\xed\xa0\x80\xf0\x9f\x98"))
	m := NewMapper([]byte("\xff\xfe\xfdx"))
	for _, enc := range encodings {
		offset, err := m.PositionToOffset(Position{0, 3}, enc)
		require.NoError(t, err)
		require.Equal(t, 3, offset)
	}
}

func TestMapperOnLongLines(t *testing.T) {
	line := strings.Repeat("aä😀\xff", 3000)
	content := []byte("x\n" + line + "\r\n" + line)
	m := NewMapper(content)
	for _, enc := range encodings {
		for offset, want := range modelPositionsSampled(content, enc) {
			got, err := m.OffsetToPosition(offset, enc)
			require.NoError(t, err)
			require.Equal(t, want, got)
			back, err := m.PositionToOffset(got, enc)
			require.NoError(t, err)
			require.Equal(t, offset, back)
		}
	}
}

// modelPositionsSampled is modelPositions at some offsets, without its cost.
func modelPositionsSampled(content []byte, enc Encoding) map[int]Position {
	positions := make(map[int]Position)
	for line, start := 0, 0; start < len(content); line++ {
		end := lineEnd(content, start)
		text := bytes.TrimRight(content[start:end], "\r\n")
		for n := 0; n <= len(text); n += 8 * 509 { // "aä😀\xff" has 8 bytes
			positions[start+n] = Position{line, modelUnits(text[:n], enc)}
		}
		start = end
	}
	return positions
}

func TestManyPositionsInOneLongLine(t *testing.T) {
	line := bytes.Repeat([]byte("é"), 1<<20)
	m := NewMapper(line)
	for n := 1 << 20; n > 0; n -= 100 { // backwards, as servers like to send them
		offset, err := m.PositionToOffset(Position{0, n}, UTF16)
		require.NoError(t, err)
		require.Equal(t, 2*n, offset)
	}
}
