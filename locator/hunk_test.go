package locator

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

// hunkOf reads a hunk: "@line" is a line to look behind, "$" the end of the
// file, anything else a line after its action.
func hunkOf(text string) *Hunk {
	h := &Hunk{}
	for line := range strings.SplitSeq(text, "|") {
		switch {
		case line == "$":
			h.AtEOF = true
		case line[0] == '@':
			h.After = append(h.After, []byte(line[1:]))
		default:
			h.Lines = append(h.Lines, HunkLine{LineAction(line[0]), []byte(line[1:])})
		}
	}
	return h
}

func TestHunks(t *testing.T) {
	for _, c := range []struct{ name, before, hunk, after string }{
		{"replace", "a\nb\nc\n", " a|-b|+B| c", "a\nB\nc\n"},
		{"insert", "a\nc\n", " a|+b| c", "a\nb\nc\n"},
		{"insert first", "b\n", "+a| b", "a\nb\n"},
		{"remove", "a\nb\nc\n", " a|-b", "a\nc\n"},
		{"remove all", "a\n", "-a", ""},
		{"two runs", "a\nb\nc\nd\n", "-a|+A| b|-c|+C", "A\nb\nC\nd\n"},
		{"whole lines only", "xa\na\nax\n", "-a|+b", "xa\nb\nax\n"},
		{"behind a line", "a\nf:\na\n", "@f:|-a|+b", "a\nf:\nb\n"},
		{"behind an indented line", "a\n\tf:\na\n", "@f:|-a|+b", "a\n\tf:\nb\n"},
		{"behind two lines", "f:\na\nB:\nf:\na\n", "@B:|@f:|-a|+b", "f:\na\nB:\nf:\nb\n"},
		{"end of file", "a\nx\na\n", "-a|+b|$", "a\nx\nb\n"},
		{"append", "a\n", "+b|$", "a\nb\n"},
		{"append to nothing", "", "+b|$", "b\n"},
		{"keeps CR LF", "a\r\nb\r\nc\r\n", " a|-b|+B|+D", "a\r\nB\r\nD\r\nc\r\n"},
		{"takes the neighbour's end", "a\r\nb\nc\n", " a|+x| b|+y", "a\r\nx\nb\ny\nc\n"},
		{"without last line end", "a\nb", "-b|+B", "a\nB"},
		{"append without last line end", "a\r\nb", " b|+c", "a\r\nb\r\nc"},
		{"two lines for the last", "a", "-a|+b|+c", "b\nc"},
		{"behind a BOM", "\uFEFFa\nb\n", "-a|+A", "\uFEFFA\nb\n"},
		{"before the first line behind a BOM", "\uFEFFa\n", "+x| a", "\uFEFFx\na\n"},
		{"bytes", "\xff\n\xfe\n", "-\xff|+\x00", "\x00\n\xfe\n"},
		{"changes nothing", "a\n", " a", "a\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			located, err := Locate([]byte(c.before), []Edit{{Hunk: hunkOf(c.hunk)}})
			require.NoError(t, err)
			after, err := Splice([]byte(c.before), located.Spans)
			require.NoError(t, err)
			require.Equal(t, c.after, string(after))
			require.Equal(t, AnchorFind, located.Anchors[0])
		})
	}
}

func TestHunksThatShareContext(t *testing.T) {
	located, err := Locate([]byte("a\nb\nc\n"), []Edit{{Hunk: hunkOf("-a|+A| b")}, {Hunk: hunkOf(" b|-c|+C")}})
	require.NoError(t, err)
	require.Len(t, located.Spans, 2)
}

func TestHunksThatDoNotStandOnce(t *testing.T) {
	for _, c := range []struct {
		name, before, hunk string
		kind               fail.Kind
		lines              []int
	}{
		{"nowhere", "a\n", "-b", fail.NotFound, nil},
		{"longer than the file", "a\n", " a|-b", fail.NotFound, []int{1}},
		{"similar", "x\n  foo\nz\n", " x|-foo", fail.NotFound, []int{1}},
		{"most similar first", "x\n  long\ny\n  long\n", " y|- long|+z", fail.NotFound, []int{3, 1}},
		{"twice", "a\nx\na\n", "-a", fail.Ambiguous, []int{1, 3}},
		{"overlapping itself", "a\na\na\n", " a|-a", fail.Ambiguous, []int{1, 2}},
		{"twice behind a line", "f\na\na\n", "@f|-a", fail.Ambiguous, []int{2, 3}},
		{"before the line", "a\nf\n", "@f|-a", fail.NotFound, []int{1}},
		{"line to look behind twice", "f\n f\na\n", "@f|-a", fail.Ambiguous, []int{1, 2}},
		{"no line to look behind", "a\n", "@f|-a", fail.NotFound, nil},
		{"not at the end", "a\nb\n", "-a|$", fail.NotFound, []int{1}},
		{"the end is before the line", "a\nf\n", "@f| f|-a|$", fail.NotFound, []int{2}},
		{"no place", "a\n", "+b", fail.Usage, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Locate([]byte(c.before), []Edit{{Hunk: hunkOf(c.hunk)}})
			require.Equal(t, c.kind, fail.KindOf(err), "%v", err)
			var lines []int
			for _, place := range fail.Of(err).Candidates {
				lines = append(lines, place.Line)
			}
			require.Equal(t, c.lines, lines)
		})
	}
}

// FuzzHunk checks that a hunk made of a text's own lines changes that text, and
// no other byte of it.
func FuzzHunk(f *testing.F) {
	f.Add([]byte("a\r\nb\nc"), uint8(1), uint8(1))
	f.Add([]byte("\uFEFFa\n\n"), uint8(0), uint8(2))
	f.Fuzz(func(t *testing.T, text []byte, first, count uint8) {
		lines := NewMapper(text).hunkLines()
		from := min(int(first), lines.count())
		to := min(from+int(count), lines.count())
		var h Hunk
		for i := from; i < to; i++ {
			h.Lines = append(h.Lines, HunkLine{RemoveLine, lines.text(i)})
		}
		h.Lines = append(h.Lines, HunkLine{AddLine, []byte("new")})
		h.AtEOF = to == lines.count()
		located, err := Locate(text, []Edit{{Hunk: &h}})
		if err != nil {
			require.Contains(t, []fail.Kind{fail.Ambiguous, fail.Usage}, fail.KindOf(err))
			return
		}
		after, err := Splice(text, located.Spans)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(after, text[:lines.ends[from]]))
		require.True(t, bytes.HasSuffix(after, text[lines.ends[to]:]))
	})
}
