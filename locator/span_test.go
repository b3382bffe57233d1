package locator

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

// script turns fuzzed bytes into small numbers and texts.
type script []byte

func (s *script) number(below int) int {
	if len(*s) == 0 || below <= 0 {
		return 0
	}
	n := int((*s)[0]) % below
	*s = (*s)[1:]
	return n
}

func (s *script) text() []byte {
	n := min(s.number(4), len(*s))
	text := (*s)[:n:n]
	*s = (*s)[n:]
	return text
}

// anySpans returns spans in any order, some outside a text of size bytes.
func (s *script) anySpans(size int) []Span {
	var spans []Span
	for len(*s) > 0 {
		start := s.number(size + 2)
		spans = append(spans, Span{Start: start, End: start + s.number(4), Text: s.text()})
	}
	return spans
}

// sortedSpans returns at most limit spans that Validate accepts.
func (s *script) sortedSpans(size, limit int) []Span {
	var spans []Span
	for pos := 0; len(*s) > 0 && len(spans) < limit; {
		pos += s.number(min(4, size-pos+1))
		end := pos + s.number(min(4, size-pos+1))
		spans = append(spans, Span{Start: pos, End: end, Text: s.text()})
		pos = end
	}
	Sort(spans)
	return spans
}

// TestRandomTexts gives every check some hundred small texts and scripts; the
// fuzz targets go on from here.
func TestRandomTexts(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	pick := func(alphabet string) []byte {
		b := make([]byte, rng.Intn(24))
		for i := range b {
			b[i] = alphabet[rng.Intn(len(alphabet))]
		}
		return b
	}
	for range 500 {
		content, one, two := pick("ab\n"), pick("\x00\x01\x02\x03a\n"), pick("\x00\x01\x02\x03b\n")
		checkSplice(t, content, one)
		checkInvert(t, content, one)
		checkSpliceTo(t, content, one)
		checkCompose(t, content, one, two)
		checkDraft(t, content, one, two)
		checkLineChanges(t, content, one)
		checkMapper(t, pick("a\r\n\xc3\xa4\xf0\x9f\x98\x80"))
	}
}

// modelSplice applies spans in any order by the words of the design: it walks
// over the places of content, where inserts come first, as listed, then a
// replacement. It is false where spans are outside or overlap.
func modelSplice(content []byte, spans []Span) ([]byte, bool) {
	out := []byte{}
	covered := 0 // content before it is replaced
	for pos := 0; pos <= len(content); pos++ {
		for _, s := range spans {
			if s.Start == pos && s.insert() {
				if pos < covered {
					return nil, false
				}
				out = append(out, s.Text...)
			}
		}
		for _, s := range spans {
			if s.Start == pos && !s.insert() {
				if pos < covered {
					return nil, false
				}
				out = append(out, s.Text...)
				covered = s.End
			}
		}
		if pos >= covered && pos < len(content) {
			out = append(out, content[pos])
		}
	}
	for _, s := range spans {
		if s.Start > len(content) || s.End > len(content) {
			return nil, false
		}
	}
	return out, true
}

func FuzzSplice(f *testing.F) {
	f.Add([]byte("abcdef"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"))
	f.Fuzz(checkSplice)
}

func checkSplice(t *testing.T, content, edits []byte) {
	s := script(edits[:min(len(edits), 200)])
	spans := s.anySpans(min(len(content), 200))
	want, ok := modelSplice(content, spans)
	Sort(spans)
	got, err := Splice(content, spans)
	require.Equal(t, ok, err == nil, "%v", err)
	if ok {
		require.Equal(t, want, got)
	}
}

func FuzzInvert(f *testing.F) {
	f.Add([]byte("abcdef"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"))
	f.Fuzz(checkInvert)
}

func checkInvert(t *testing.T, content, edits []byte) {
	s := script(edits)
	spans := s.sortedSpans(len(content), 50)
	after, err := Splice(content, spans)
	require.NoError(t, err)
	inverse, err := Invert(content, spans)
	require.NoError(t, err)
	back, err := Splice(after, inverse)
	require.NoError(t, err)
	require.Equal(t, string(content), string(back))

	again, err := Invert(after, inverse)
	require.NoError(t, err)
	redone, err := Splice(content, again)
	require.NoError(t, err)
	require.Equal(t, after, redone)

	least, err := Minimize(content, spans)
	require.NoError(t, err)
	same, err := Splice(content, least)
	require.NoError(t, err)
	require.Equal(t, after, same)
	if string(after) == string(content) && len(spans) == 1 {
		require.Empty(t, least)
	}
}

func FuzzSpliceTo(f *testing.F) {
	f.Add([]byte("abcdef"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"))
	f.Fuzz(checkSpliceTo)
}

func checkSpliceTo(t *testing.T, content, edits []byte) {
	s := script(edits)
	spans := s.sortedSpans(len(content), 50)
	want, err := Splice(content, spans)
	require.NoError(t, err)
	for _, r := range []io.Reader{bytes.NewReader(content), iotest.OneByteReader(bytes.NewReader(content)),
		iotest.DataErrReader(bytes.NewReader(content))} {
		var out bytes.Buffer
		require.NoError(t, SpliceTo(&out, r, int64(len(content)), spans))
		require.Equal(t, string(want), out.String())
	}
}

func TestSpliceToChecksTheSize(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 3*bufferSize)
	spans := []Span{{Start: bufferSize, End: 2 * bufferSize, Text: []byte("y")}}
	for _, size := range []int64{int64(len(content)) - 1, int64(len(content)) + 1, 2*bufferSize - 1} {
		err := SpliceTo(io.Discard, bytes.NewReader(content), size, spans[:min(1, int(size)/(2*bufferSize))])
		require.Equal(t, fail.Drift, fail.KindOf(err), "%d", size)
	}
	err := SpliceTo(io.Discard, bytes.NewReader(nil), 10, spans)
	require.Equal(t, fail.Position, fail.KindOf(err))
}

type failingWriter struct{ left int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestSpliceToReturnsErrors(t *testing.T) {
	content := make([]byte, 4*bufferSize)
	spans := []Span{{Start: 10, End: 20, Text: make([]byte, 2*bufferSize)}}
	for _, room := range []int{0, 100, bufferSize, 3 * bufferSize, 5 * bufferSize} {
		err := SpliceTo(&failingWriter{room}, bytes.NewReader(content), int64(len(content)), spans)
		require.ErrorIs(t, err, errFull)
	}
	for _, broken := range []io.Reader{iotest.ErrReader(errFull),
		io.MultiReader(bytes.NewReader(content[:15]), iotest.ErrReader(errFull)),
		io.MultiReader(bytes.NewReader(content), iotest.ErrReader(errFull))} {
		require.ErrorIs(t, SpliceTo(io.Discard, broken, int64(len(content)), spans), errFull)
	}
}

// zeros yields n zero bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	z.n -= n
	return int(n), nil
}

func TestSpliceToNeedsConstantMemory(t *testing.T) {
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	spans := []Span{{Start: 5, End: 6, Text: []byte("x")}, {Start: size / 2, End: size - 1}}
	require.NoError(t, SpliceTo(io.Discard, &zeros{size}, size, spans))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

func TestSpliceAllocatesOnce(t *testing.T) {
	content := bytes.Repeat([]byte("abcdefghij"), 1000)
	spans := []Span{{0, 0, []byte("12")}, {5, 10, nil}, {500, 600, content}, {9999, 10000, []byte("z")}}
	require.EqualValues(t, 1, testing.AllocsPerRun(10, func() { _, _ = Splice(content, spans) }))
}

func TestValidateWantsSortedSpans(t *testing.T) {
	for _, spans := range [][]Span{{{2, 3, nil}, {0, 1, nil}}, {{1, 2, nil}, {1, 1, nil}}} {
		require.Equal(t, fail.Usage, fail.KindOf(Validate(10, spans)))
		_, err := Invert(make([]byte, 10), spans)
		require.Error(t, err)
		_, err = Minimize(make([]byte, 10), spans)
		require.Error(t, err)
		require.Error(t, UnifiedDiff(io.Discard, "a", "b", make([]byte, 10), spans))
		_, err = Compose(10, spans, nil)
		require.Error(t, err)
		_, err = Compose(10, nil, spans)
		require.Error(t, err)
		Sort(spans)
		require.NoError(t, Validate(10, spans))
	}
}

func TestFileEditSpan(t *testing.T) {
	e := FileEdit{Path: "a", StartByte: 1, EndByte: 2, NewText: "x"}
	require.Equal(t, Span{1, 2, []byte("x")}, e.Span())
}
