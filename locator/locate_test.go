package locator

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

// vector is one case of testdata/edits.
type vector struct {
	Name       string
	Before     string
	Edits      []vectorEdit
	After      string
	Error      fail.Kind
	Anchors    []Anchor
	Candidates [][3]int
}

type vectorEdit struct {
	Start, End int
	Lines      *[2]int
	Range      *[4]int
	Encoding   string
	Clamp, All bool
	Find, Old  *string
	Text       string
}

func (v vectorEdit) edit(t *testing.T) Edit {
	e := Edit{Start: v.Start, End: v.End, All: v.All, Text: []byte(v.Text)}
	if v.Lines != nil {
		e.Lines = &Lines{First: v.Lines[0], Last: v.Lines[1]}
	}
	if r := v.Range; r != nil {
		e.Range = &Range{Start: Position{r[0], r[1]}, End: Position{r[2], r[3]}, Clamp: v.Clamp}
		if v.Encoding != "" {
			var err error
			e.Range.Encoding, err = ParseEncoding(v.Encoding)
			require.NoError(t, err)
		}
	}
	if v.Find != nil {
		e.Find = []byte(*v.Find)
	}
	if v.Old != nil {
		e.Old = []byte(*v.Old)
	}
	return e
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../testdata/edits/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var vectors []vector
		require.NoError(t, json.Unmarshal(text, &vectors), file)
		for _, v := range vectors {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+v.Name, v.run)
		}
	}
}

func (v vector) run(t *testing.T) {
	var edits []Edit
	for _, e := range v.Edits {
		edits = append(edits, e.edit(t))
	}
	located, err := Locate([]byte(v.Before), edits)
	require.Equal(t, v.Error, fail.KindOf(err), "%v", err)
	if err != nil {
		var candidates [][3]int
		for _, c := range fail.Of(err).Candidates {
			candidates = append(candidates, [3]int{c.Start, c.End, c.Line})
		}
		require.Equal(t, v.Candidates, candidates)
		return
	}
	after, err := Splice([]byte(v.Before), located.Spans)
	require.NoError(t, err)
	require.Equal(t, v.After, string(after))
	if v.Anchors != nil {
		require.Equal(t, v.Anchors, located.Anchors)
	}
}

func TestLesson16InsertsAtOnePositionKeepOrder(t *testing.T) {
	replace := Edit{Start: 1, End: 2, Text: []byte("B")}
	first, second := Edit{Start: 1, End: 1, Text: []byte("1")}, Edit{Start: 1, End: 1, Text: []byte("2")}
	for _, edits := range [][]Edit{{first, second, replace}, {first, replace, second}, {replace, first, second}} {
		located, err := Locate([]byte("abc"), edits)
		require.NoError(t, err)
		after, err := Splice([]byte("abc"), located.Spans)
		require.NoError(t, err)
		require.Equal(t, "a12Bc", string(after))
	}
}

func TestLesson24ATwinAboveTheTargetIsAmbiguous(t *testing.T) {
	// The edit was made for "x\ny\n", when its text stood at 0. Now a twin does.
	edit := Edit{Start: 0, End: 2, Old: []byte("x\n"), Text: []byte("z\n")}
	drifted := []byte("x\nfoo\nx\ny\n")
	_, err := Relocate(drifted, []Edit{edit})
	require.Equal(t, fail.Ambiguous, fail.KindOf(err))
	require.Equal(t, []fail.Candidate{{Start: 0, End: 2, Line: 1}, {Start: 6, End: 8, Line: 3}}, fail.Of(err).Candidates)
}

func TestLesson39OverlapsAndDuplicatesConflict(t *testing.T) {
	fix := Edit{Start: 1, End: 2, Text: []byte("X")}
	for _, edits := range [][]Edit{{fix, fix}, {fix, {Start: 0, End: 3}}, {{Start: 0, End: 3}, fix}} {
		_, err := Locate([]byte("abcd"), edits)
		require.Equal(t, fail.Conflict, fail.KindOf(err))
	}
}

func TestPlaceAtTheEndOfTheFile(t *testing.T) {
	last := Edit{Lines: &Lines{2, 2}, Old: []byte("b\n"), Text: []byte("B\n"), AtEOF: true}
	_, err := Locate([]byte("a\nb\n"), []Edit{last})
	require.NoError(t, err)
	_, err = Locate([]byte("a\nb\nc\n"), []Edit{last})
	require.Equal(t, fail.Drift, fail.KindOf(err))
}

func TestRelocate(t *testing.T) {
	text := []byte("new line\nalpha\nbeta\n")
	located, err := Relocate(text, []Edit{
		{Start: 6, End: 10, Old: []byte("beta"), Text: []byte("B")},
		{Lines: &Lines{1, 1}, Old: []byte("alpha\n"), Text: []byte("A\n")},
		{Find: []byte("new "), Text: nil},
	})
	require.NoError(t, err)
	require.Equal(t, []Anchor{AnchorMoved, AnchorMoved, AnchorFind}, located.Anchors)
	after, err := Splice(text, located.Spans)
	require.NoError(t, err)
	require.Equal(t, "line\nA\nB\n", string(after))

	for _, e := range []Edit{
		{Start: 0, End: 1},
		{Start: 0, End: 0, Old: []byte{}},
		{Start: 0, End: 1, Old: []byte("gamma")},
	} {
		_, err := Relocate(text, []Edit{e})
		require.Equal(t, fail.Drift, fail.KindOf(err))
	}
}

func TestErrorsHelp(t *testing.T) {
	old := Edit{Start: 0, End: 1, Old: []byte("c\xff"), Text: nil}
	_, err := Locate([]byte("a\nb\nc\xff"), []Edit{{Start: 2, End: 3}, old})
	e := fail.Of(err)
	require.Equal(t, "edit 2 of 2: bytes 0-1 are not the old text", e.Message)
	require.Equal(t, `"c\xff"`, e.Expected)
	require.Equal(t, `"a"`, e.Actual)
	require.Equal(t, "the old text stands in line 3 now", e.Hint)
	require.LessOrEqual(t, len(excerpt(make([]byte, 1<<20))), 5*excerptSize)

	_, err = Locate([]byte(strings.Repeat("x", 1000)), []Edit{{Find: []byte("x")}})
	require.Len(t, fail.Of(err).Candidates, MaxCandidates)
	require.Empty(t, Candidates([]byte("abc"), nil, 10))
}
