package hashing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMapPositions(t *testing.T) {
	m := NewMap([]byte(bom + "ab \r\nc\r\nd"))
	//                  0    3 4 5 6 7  8 9 10 11
	require.Equal(t, 6, m.NormSize())
	for _, c := range []struct {
		pos, norm int
		ok        bool
	}{
		{-1, 0, false}, {0, 0, true}, {1, 0, false}, {2, 0, false}, {3, 0, true}, {4, 1, true},
		{5, 2, true}, {6, 2, false}, {7, 2, true}, {8, 3, true}, {9, 4, true}, {10, 4, true},
		{11, 5, true}, {12, 6, true}, {13, 0, false},
	} {
		norm, ok := m.ToNorm(c.pos)
		require.Equal(t, c.ok, ok, "position %d", c.pos)
		require.Equal(t, c.norm, norm, "position %d", c.pos)
	}
	for norm, want := range []int{3, 4, 5, 8, 9, 11, 12} {
		pos, ok := m.FromNorm(norm)
		require.True(t, ok)
		require.Equal(t, want, pos, "norm %d", norm)
	}
	for _, norm := range []int{-1, 7} {
		_, ok := m.FromNorm(norm)
		require.False(t, ok)
	}
}

func TestMapBesideByteOrderMark(t *testing.T) {
	m := NewMap([]byte(bom + " \r\nx"))
	pos, ok := m.FromNorm(0)
	require.True(t, ok)
	require.Equal(t, 3, pos, "behind the byte order mark, in front of the blanks")
	_, ok = m.ToNorm(3)
	require.True(t, ok, "the border between the two is not inside")
	_, ok = m.ToNorm(4)
	require.False(t, ok)
}

func TestMapOfBinaryIsIdentity(t *testing.T) {
	m := NewMap([]byte("a \r\n\x00"))
	for pos := 0; pos <= 5; pos++ {
		norm, ok := m.ToNorm(pos)
		require.True(t, ok)
		require.Equal(t, pos, norm)
	}
	require.Equal(t, 5, m.NormSize())
}

// checkMap checks that the map of src agrees with its normal form.
func checkMap(t *testing.T, src, norm []byte) {
	t.Helper()
	m := NewMap(src)
	require.Equal(t, len(src), m.Size())
	require.Equal(t, len(norm), m.NormSize(), "%q", src)
	for at := range len(norm) + 1 {
		pos, ok := m.FromNorm(at)
		require.True(t, ok)
		back, ok := m.ToNorm(pos)
		require.True(t, ok, "%q: %d", src, at)
		require.Equal(t, at, back, "%q", src)
	}
	last := 0
	for pos := range src {
		at, ok := m.ToNorm(pos)
		next, nextOK := m.ToNorm(pos + 1)
		require.LessOrEqual(t, last, at)
		require.Contains(t, []int{at, at + 1}, next, "%q: a byte is kept or dropped", src)
		if next > at {
			require.True(t, ok && nextOK, "%q: the borders of a kept byte are outside", src)
			require.Equal(t, src[pos], norm[at], "%q: byte %d", src, pos)
		}
		last = at
	}
}

func FuzzMap(f *testing.F) {
	f.Add([]byte("0123456789"))
	f.Fuzz(func(t *testing.T, src []byte) {
		src = dense(src)
		checkMap(t, src, Normalize(src))
	})
}
