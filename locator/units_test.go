package locator

import (
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
)

func TestUnits(t *testing.T) {
	const text = "\uFEFFa\r\n\u00e9\U0001F600b" // bytes: 3 1 2 2 4 1
	tests := []struct {
		name       string
		units      Units
		start, end int
		bad        bool
	}{
		{"utf-16", Units{Start: 4, End: 7}, 6, 12, false},
		{"utf-16 without mark", Units{Start: 3, End: 6, SkipBOM: true}, 6, 12, false},
		{"utf-32", Units{Start: 4, End: 6, Encoding: UTF32}, 6, 12, false},
		{"utf-8 without mark", Units{Start: 3, End: 9, Encoding: UTF8, SkipBOM: true}, 6, 12, false},
		{"the mark", Units{Start: 0, End: 1}, 0, 3, false},
		{"end", Units{Start: 8, End: 8}, 13, 13, false},
		{"behind the end", Units{Start: 8, End: 9}, 0, 0, true},
		{"inside a pair", Units{Start: 6, End: 7}, 0, 0, true},
		{"inside the mark", Units{Start: 1, End: 3, Encoding: UTF8}, 0, 0, true},
		{"inverted", Units{Start: 3, End: 2}, 0, 0, true},
		{"negative", Units{Start: -1, End: 2, SkipBOM: true}, 0, 0, true},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			start, end, err := NewMapper([]byte(text)).UnitsToOffsets(c.units)
			if c.bad {
				require.Equal(t, fail.Position, fail.KindOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]int{c.start, c.end}, [2]int{start, end})
		})
	}
}

func TestErrorsCountUnitsAsTheEditDoes(t *testing.T) {
	m := NewMapper([]byte("\uFEFFa\U0001F600"))
	_, _, err := m.UnitsToOffsets(Units{Start: 2, End: 3, SkipBOM: true})
	require.ErrorContains(t, err, "utf-16 offset 2 is inside a character")
	_, _, err = m.UnitsToOffsets(Units{Start: 1, End: 7, SkipBOM: true})
	require.ErrorContains(t, err, "utf-16 offset 7 is behind the end of the file, 3")
}

func TestUnitsOfALongText(t *testing.T) {
	var text []byte
	for i := range 5000 {
		text = append(text, []string{"a", "\u00e9", "\U0001F600", "\n"}[i%4]...)
	}
	m := NewMapper(text)
	units := 0
	for offset, r := range string(text) {
		start, _, err := m.UnitsToOffsets(Units{Start: units, End: units})
		require.NoError(t, err)
		require.Equal(t, offset, start)
		units += utf16.RuneLen(r)
	}
}

func TestRangeWithoutTheByteOrderMark(t *testing.T) {
	text := []byte("\uFEFFab\ncd")
	edit := Edit{Range: &Range{Start: Position{0, 1}, End: Position{1, 1}, SkipBOM: true}, Text: []byte("X")}
	located, err := Locate(text, []Edit{edit})
	require.NoError(t, err)
	require.Equal(t, []Span{{Start: 4, End: 7, Text: []byte("X")}}, located.Spans)
}
