package clang

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
)

func FuzzParse(f *testing.F) {
	inputtest.Fuzz(f, func(src *fix.Source) (editor.Plan, error) {
		return Parse([]*fix.Source{src}, Options{Root: root})
	})
}

// FuzzPieces reads documents whole and item by item, which is the same unless
// one item refers to another, as clang never has it.
func FuzzPieces(f *testing.F) {
	inputtest.Seed(f)
	item := "- FilePath: /w/f\n  Offset: 0\n  Length: 1\n  ReplacementText: x\n"
	for _, doc := range []string{"Replacements:\n%[1]sDiagnostics:\n%[2]s%[2]s", "Diagnostics:\n%[2]s%[2]sReplacements:\n%[1]s%[1]s",
		"Replacements:\n%[1]sDiagnostics: []\nReplacements:\n%[1]s%[1]s", "Replacements:\n%[1]s---\nReplacements:\n%[1]s%[1]s...\n",
		"Replacements:\n-key:\n%[1]s%[1]s"} {
		f.Add(fmt.Appendf(nil, doc, item, strings.TrimRight("- DiagnosticName: d\n  Replacements:\n  "+strings.ReplaceAll(item, "\n", "\n  "), " ")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &fix.Source{Name: "input", Data: data}
		want, refused := parse([]*fix.Source{src}, Options{Root: root}, pieceSize)
		got, err := parse([]*fix.Source{src}, Options{Root: root}, 1)
		if bytes.ContainsAny(data, "&*%") {
			return
		}
		require.Equal(t, refused == nil, err == nil, "%v, not %v", err, refused)
		require.Equal(t, want, got)
	})
}
