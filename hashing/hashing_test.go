package hashing

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"os"
	"strings"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

// sequence returns n bytes of a fixed generator (the one of xxHash's own
// sanity check).
func sequence(n int) []byte {
	b := make([]byte, n)
	gen := uint64(2654435761)
	for i := range b {
		b[i] = byte(gen >> 56)
		gen *= 11400714785074694797
	}
	return b
}

// goldenSequence holds digests of sequence(size), made by xxhsum 0.8.1 -H2.
var goldenSequence = map[int]string{
	1:    "xxh3:a6cd5e9392000f6ac44bdff4074eecdb",
	3:    "xxh3:20efc49ff02422ea54247382a8d6b94d",
	4:    "xxh3:970d585ac632bf8e2e7d8d6876a39fe9",
	8:    "xxh3:47a7f080d82bb45664c69cab4bb21dc5",
	9:    "xxh3:564ef6078950d457ed7ccbc501eb7501",
	16:   "xxh3:c68c368ecf8a9c05562980258a998629",
	17:   "xxh3:955fa78643ed3669abbc12d11973d7db",
	128:  "xxh3:39992220e045260aebb15e34a7fb5ab1",
	129:  "xxh3:03815fc91f1b30b686c9e3bc8f0a3b5c",
	240:  "xxh3:aa4202daa2769dc85c9aae94c8ebe5a0",
	241:  "xxh3:99a80ecf0ecfc647c5a639ecd2030e5e",
	1024: "xxh3:0d30d24071c64c57dd85c9b5c1109c5c",
	1088: "xxh3:e0fa3b9e9fb69d83cc1450ea6b52a8f4",
	1089: "xxh3:6e026f1a15e62b39ef727b2effc4cc8c",
	2367: "xxh3:e89c0f6ff369b427cb37aeb9e5d361ed",
	4160: "xxh3:67140711c1e3e3354f323b15321e94e1",
}

func TestDigestText(t *testing.T) {
	d := Raw([]byte("hello\n"))
	require.False(t, d.IsZero())
	require.True(t, Digest{}.IsZero())
	parsed, err := Parse(d.String())
	require.NoError(t, err)
	require.Equal(t, d, parsed)

	j, err := json.Marshal(map[string]Digest{"raw": d})
	require.NoError(t, err)
	require.Equal(t, `{"raw":"`+d.String()+`"}`, string(j))
	var back map[string]Digest
	require.NoError(t, json.Unmarshal(j, &back))
	require.Equal(t, d, back["raw"])

	for _, bad := range []string{"", "xxh3:", "sha1:" + d.String()[5:], d.String()[5:], d.String() + "0",
		d.String()[:36], d.String()[:36] + "g", strings.Replace(d.String(), ":", "-", 1)} {
		_, err := Parse(bad)
		require.Equal(t, fail.Parse, fail.KindOf(err), "%q", bad)
		require.Error(t, new(Digest).UnmarshalText([]byte(bad)))
	}
}

func TestGoldenDigests(t *testing.T) {
	for text, want := range map[string]string{
		"":              "xxh3:99aa06d3014798d86001c324468d497f",
		"\r \t\r":       "xxh3:99aa06d3014798d86001c324468d497f",
		"\xEF\xBB\xBF ": "xxh3:99aa06d3014798d86001c324468d497f",
	} {
		require.Equal(t, want, Norm([]byte(text)).String(), "%q", text)
	}
	require.Equal(t, "xxh3:99aa06d3014798d86001c324468d497f", Raw(nil).String())
	for size, want := range goldenSequence {
		require.Equal(t, want, Raw(sequence(size)).String(), "%d bytes", size)
	}
}

func TestNormalForm(t *testing.T) {
	const b = bom
	for _, c := range []struct{ src, want string }{
		{"", ""},
		{"a\r\nb\r\n", "a\nb\n"},
		{"a\rb", "ab"},
		{"a \t\nb \t", "a\nb"},
		{"a \r \t\r\nb", "a\nb"},
		{"a \rb", "a b"},
		{" \n\t\n ", "\n\n"},
		{" a", " a"},
		{b + b + "a", "a"},
		{"\xEF\r\xBB\r\r\xBFa", "a"},
		{"\r" + b + "\r" + b + "\r\n", "\n"},
		{" " + b + "a", " " + b + "a"},
		{" \n" + b, "\n" + b},
		{b + "  ", ""},
		{"\xEF", "\xEF"},
		{"\xEF\xBB ", "\xEF\xBB"},
		{"\xEF" + b + "\xBB\xBF", "\xEF" + b + "\xBB\xBF"},
		{"a" + b, "a" + b},
		{"a\v \f\n", "a\v \f\n"},
		{"a \r\n\x00", "a \r\n\x00"},
	} {
		require.Equal(t, c.want, string(Normalize([]byte(c.src))), "%q", c.src)
		checkLaws(t, []byte(c.src))
	}
}

// model is the definition of the normal form, word for word.
func model(src []byte) []byte {
	if bytes.IndexByte(src, 0) >= 0 {
		return src
	}
	lines := strings.Split(strings.ReplaceAll(string(src), "\r", ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	form := strings.Join(lines, "\n")
	for strings.HasPrefix(form, bom) {
		form = form[len(bom):]
	}
	return []byte(form)
}

// checkLaws checks everything that holds for any bytes.
func checkLaws(t *testing.T, src []byte) {
	t.Helper()
	norm := Normalize(src)
	require.Equal(t, string(model(src)), string(norm), "%q", src)
	require.Equal(t, norm, Normalize(norm), "normalizing twice: %q", src)
	require.Equal(t, Raw(norm), Norm(src))
	raw, both := Both(src)
	require.Equal(t, Raw(src), raw)
	require.Equal(t, Norm(src), both)
	for _, size := range []int{1, 2, 3, 7, 1089, len(src) + 1} {
		checkStreaming(t, src, size)
	}
	checkMap(t, src, norm)
}

// checkStreaming writes src in pieces of size bytes, asking for digests on the
// way, which must be those of what was written.
func checkStreaming(t *testing.T, src []byte, size int) {
	t.Helper()
	h, r := NewHasher(), new(RawHasher)
	for from := 0; from < len(src); from += size {
		to := min(from+size, len(src))
		_, _ = h.Write(src[from:to])
		_, _ = r.Write(src[from:to])
		if size == 1 && len(src) <= 64 {
			require.Equal(t, Norm(src[:to]), h.Norm(), "%q", src[:to])
		}
	}
	require.Equal(t, Raw(src), h.Raw())
	require.Equal(t, Norm(src), h.Norm(), "%q in pieces of %d", src, size)
	require.Equal(t, Raw(src), r.Raw())
	require.EqualValues(t, len(src), h.Size())
	require.EqualValues(t, len(src), r.Size())
	h.Reset()
	require.Equal(t, Norm(nil), h.Norm())
	require.Equal(t, Raw(nil), h.Raw())
	require.Zero(t, h.Size())
}

func TestHashingAllocatesNothing(t *testing.T) {
	h := NewHasher()
	src := bytes.Repeat([]byte("some text \t \r\n\xEF\xBB\xBF"), 1000)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		h.Reset()
		_, _ = h.Write(src)
		h.Norm()
	}))
}

// TestLongRunOfBlanks streams a run that memory could hold only in a compact
// form; the whole gigabyte with EMEND_LONG=1.
func TestLongRunOfBlanks(t *testing.T) {
	rounds := 1 << 4
	if os.Getenv("EMEND_LONG") != "" {
		rounds = 1 << 10
	}
	piece := bytes.Repeat([]byte(" \t\r\t"), 1<<18)
	dropped, kept := NewHasher(), NewHasher()
	want := new(RawHasher)
	for range rounds {
		_, _ = dropped.Write(piece)
		_, _ = kept.Write(piece)
		_, _ = want.Write(bytes.ReplaceAll(piece, []byte("\r"), nil))
	}
	for _, h := range []*Hasher{dropped, kept} {
		require.Equal(t, Raw(nil), h.Norm())
	}
	_, _ = dropped.Write([]byte("\n"))
	_, _ = kept.Write([]byte("x"))
	_, _ = want.Write([]byte("x"))
	require.Equal(t, Raw([]byte("\n")), dropped.Norm())
	require.Equal(t, want.Raw(), kept.Norm())
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"", "a \r\n", bom + bom + "x", "\xEF\r\xBB\xBF", " \t\r \n\t", "a\x00 \r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkLaws(t, src) })
}

// FuzzNormalizeDense maps every input byte to one that matters to the
// normalizer, so that few mutations reach every state.
func FuzzNormalizeDense(f *testing.F) {
	f.Add([]byte("0123456789"))
	f.Fuzz(func(t *testing.T, src []byte) { checkLaws(t, dense(src)) })
}

// TestRandomTexts checks some hundred dense texts; the fuzz targets go on from
// here.
func TestRandomTexts(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 500 {
		src := make([]byte, rng.Intn(24))
		rng.Read(src)
		checkLaws(t, dense(src))
	}
}

func dense(src []byte) []byte {
	const alphabet = "\r\n \tx" + bom
	out := make([]byte, len(src))
	for i, b := range src {
		out[i] = alphabet[int(b)%len(alphabet)]
	}
	return out
}

func BenchmarkHasher(b *testing.B) {
	for name, line := range map[string]string{"LF": "\tif err != nil {\n", "CRLF": "\tif err != nil {\r\n"} {
		b.Run(name, func(b *testing.B) {
			src := bytes.Repeat([]byte(line), 1<<16)
			h := NewHasher()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				h.Reset()
				_, _ = h.Write(src)
				h.Norm()
			}
		})
	}
}
