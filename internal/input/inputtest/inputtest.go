// Package inputtest has what the tests of all adapters share: their cases, and
// the fuzzing of them.
package inputtest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// Root is what documents call the directory that they are applied to.
const Root = "/w"

// Section is a part of a case: what stands before its first slash, what stands
// behind it, and its text.
type Section struct{ Side, Name, Text string }

// Read returns the sections of a case, which must begin with a paragraph of
// motive. Carriage return, NUL, byte order mark and the missing end of a last
// line stand there as ␍, ␀, ␂ and ␄.
func Read(path string) ([]Section, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	if len(archive.Comment) == 0 {
		return nil, fail.New(fail.Parse, "", path, "the case has no motive")
	}
	pictures := strings.NewReplacer("␍", "\r", "␀", "\x00", "␂", "\uFEFF", "␄\n", "")
	sections := make([]Section, len(archive.Files))
	for i, f := range archive.Files {
		side, name, _ := strings.Cut(f.Name, "/")
		sections[i] = Section{side, name, pictures.Replace(string(f.Data))}
	}
	return sections, nil
}

// Seed has fuzzing begin with the documents of all cases.
func Seed(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		sections, err := Read(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range sections {
			if s.Side == "input" {
				f.Add([]byte(s.Text))
			}
		}
	}
}

// Fuzz looks for what no document may lead to: a panic, an error that is not of
// the kinds that documents can have, or a plan that grows out of nothing.
func Fuzz(f *testing.F, parse func(src *fix.Source) (editor.Plan, error)) {
	Seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		plan, err := parse(&fix.Source{Name: "input", Data: data})
		if err == nil {
			require.LessOrEqual(t, len(plan.Ops), len(data))
			return
		}
		require.Empty(t, plan.Ops)
		require.Contains(t, []fail.Kind{fail.Parse, fail.Unsupported, fail.Conflict, fail.PathEscape, fail.Position},
			fail.KindOf(err), "%v", err)
	})
}
