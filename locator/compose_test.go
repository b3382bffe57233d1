package locator

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompose(t *testing.T) {
	span := func(start, end int, text string) Span { return Span{start, end, append([]byte(nil), text...)} }
	for _, c := range []struct {
		name                string
		first, second, want []Span
	}{
		{"nothing", nil, nil, nil},
		{"first only", []Span{span(1, 2, "x")}, nil, []Span{span(1, 2, "x")}},
		{"second only", nil, []Span{span(1, 2, "x")}, []Span{span(1, 2, "x")}},
		{"second moves", []Span{span(1, 1, "xy")}, []Span{span(5, 6, "z")}, []Span{span(1, 1, "xy"), span(3, 4, "z")}},
		{"second edits what first wrote", []Span{span(2, 3, "xyz")}, []Span{span(3, 4, "Y")}, []Span{span(2, 3, "xYz")}},
		{"second takes an insert back", []Span{span(2, 2, "xyz")}, []Span{span(2, 5, "")}, nil},
		{"second deletes around", []Span{span(2, 3, "x")}, []Span{span(1, 4, "")}, []Span{span(1, 4, "")}},
		{"touching", []Span{span(2, 3, "x")}, []Span{span(3, 4, "y")}, []Span{span(2, 4, "xy")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Compose(10, c.first, c.second)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func FuzzCompose(f *testing.F) {
	f.Add([]byte("abcdef"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"), []byte("\x01\x02\x01x"))
	f.Fuzz(checkCompose)
}

func checkCompose(t *testing.T, content, one, two []byte) {
	s := script(one)
	first := s.sortedSpans(len(content), 50)
	middle, err := Splice(content, first)
	require.NoError(t, err)
	s = two
	second := s.sortedSpans(len(middle), 50)
	want, err := Splice(middle, second)
	require.NoError(t, err)

	both, err := Compose(int64(len(content)), first, second)
	require.NoError(t, err)
	got, err := Splice(content, both)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	for i, s := range both {
		require.False(t, s.insert() && len(s.Text) == 0)
		require.True(t, i == 0 || both[i-1].End < s.Start, "never touching")
	}
}
