package clang

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
)

var root = fix.Root{Names: []string{inputtest.Root}}

// manyUnits is two translation units, each too large to be read at once, with
// the same fixes: every insert is there twice in each unit, as closing braces
// are.
func manyUnits(last string) *fix.Source {
	var b strings.Builder
	for range 2 {
		b.WriteString("---\nMainSourceFile: /w/f\nDiagnostics:\n")
		for i := range 700 {
			fmt.Fprintf(&b, "  - DiagnosticName: braces\n    DiagnosticMessage:\n      Message: 'add braces'\n      Replacements:\n"+
				"        - FilePath: /w/f\n          Offset: %d\n          Length: 0\n          ReplacementText: '}'\n"+
				"        - FilePath: /w/f\n          Offset: %d\n          Length: 1\n          ReplacementText: x\n", i/2, 5000+i)
			fmt.Fprintf(&b, "    Notes:\n      - Message: \"a\\n  - b\"\n    Level: %s\n", strings.Repeat("a", 3<<10))
		}
		b.WriteString("...\n")
	}
	return &fix.Source{Name: "many.yaml", Data: []byte(b.String() + last)}
}

func TestPiecesAreOneDocument(t *testing.T) {
	src := manyUnits("")
	count, text := 0, 0
	for p := range pieces(src, pieceSize) {
		count++
		text += len(p.text)
		require.Less(t, len(p.text), 2*pieceSize)
	}
	require.Greater(t, count, 4)
	require.Equal(t, len(src.Data)+(count-1)*len("Diagnostics:\n"), text)
	opts := Options{Root: root}
	plan, err := Parse([]*fix.Source{src}, opts)
	require.NoError(t, err)
	edits := plan.Ops[0].(editor.Edit).Edits
	require.Equal(t, 1400, len(edits), "what is twice in a unit is there twice, what is in two units once")
	require.Equal(t, "many.yaml:4:5: braces", edits[0].Origin)
	require.Equal(t, fmt.Sprintf("many.yaml:%d:5: braces", 4+699*15), edits[1399].Origin)
}

func TestErrorsBehindPieces(t *testing.T) {
	opts := Options{Root: root}
	lines := 1 + strings.Count(string(manyUnits("").Data), "\n")
	for last, message := range map[string]string{
		"---\nDiagnostics:\n  - DiagnosticName: []\n": fmt.Sprintf("many.yaml:%d:21: want text", lines+2),
		"---\nDiagnostics:\n  - a: b: c\n":            fmt.Sprintf("many.yaml:%d:1: mapping values are not allowed", lines+2),
	} {
		_, err := Parse([]*fix.Source{manyUnits(last)}, opts)
		require.Equal(t, fail.Parse, fail.KindOf(err))
		require.ErrorContains(t, err, message)
	}
}

// The YAML library lets quoted text go on over lines that look like items, however
// many.
func TestCutInTheMiddleOfQuotedText(t *testing.T) {
	item := "- FilePath: /w/f\n  Offset: 0\n  Length: 1\n  ReplacementText: x\n"
	look := strings.Repeat("- FilePath: /w/f\n  Offset: 7\n", 20)
	src := &fix.Source{Name: "x", Data: []byte("---\nDiagnostics: []\n---\nReplacements:\n" + item +
		"- Note: \"" + look + "\"\n  FilePath: /w/g\n  Offset: 0\n  Length: 1\n  ReplacementText: y\n" + strings.ReplaceAll(item, "/w/f", "/w/h") + item)}
	for _, size := range []int{1, len(item), 300, pieceSize} {
		plan, err := parse([]*fix.Source{src}, Options{Root: root}, size)
		require.NoError(t, err, "pieces of %d bytes", size)
		var origins []string
		for _, op := range plan.Ops {
			origins = append(origins, op.(editor.Edit).Edits[0].Origin)
		}
		require.Equal(t, []string{"x:5:3", "x:9:3", "x:54:3"}, origins, "pieces of %d bytes", size)
	}
	src.Data = bytes.Replace(src.Data, []byte("\"\n"), []byte("\n"), 1)
	_, err := parse([]*fix.Source{src}, Options{Root: root}, 1)
	require.ErrorContains(t, err, "found unexpected end of stream")
}

// YAML ends a line also where errors do not: at a lone CR, for one.
func TestPlacesBehindLinesThatYAMLCounts(t *testing.T) {
	doc := "Replacements:\r\n- FilePath: /w/f\n  Offset: 0\n  Length: 1\n  ReplacementText: x\n- FilePath: /w/f\n\r\n\r  Length: 1\n  Offset: -7\n"
	for _, size := range []int{1, pieceSize} {
		_, err := parse([]*fix.Source{{Name: "x", Data: []byte(doc)}}, Options{Root: root}, size)
		require.ErrorContains(t, err, `x:9:11: Offset: want a whole number, 0 or more: "-7"`)
	}
}
