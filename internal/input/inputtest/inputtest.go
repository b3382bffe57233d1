// Package inputtest runs the cases of adapters: documents, and what becomes of
// a tree to which they are applied.
package inputtest

import (
	"io/fs"
	"os"
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
const Root = "/work"

// ParseFunc is an adapter. The source's name is "input".
type ParseFunc func(src *fix.Source) (editor.Plan, error)

// pictures stand for what cannot be seen in a case.
var pictures = strings.NewReplacer("␍", "\r", "␀", "\x00", "‹BOM›", "\uFEFF")

// testCase is a file of testdata: a paragraph of motive; "input", the document;
// the tree in "before/" and either the tree in "after/" or "error", whose first
// line is a kind and whose others are parts of the message. Behind a name
// " | nonl" says that the last line end does not count.
type testCase struct {
	input         []byte
	before, after map[string]string
	kind          fail.Kind
	message       []string
}

func read(t *testing.T, path string) testCase {
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, archive.Comment, "the case has no motive")
	c := testCase{before: map[string]string{}, after: map[string]string{}}
	for _, f := range archive.Files {
		name, attr, _ := strings.Cut(f.Name, " | ")
		text := pictures.Replace(string(f.Data))
		if attr == "nonl" {
			text = strings.TrimSuffix(text, "\n")
		}
		side, name, _ := strings.Cut(name, "/")
		switch side {
		case "input":
			c.input = []byte(text)
		case "before":
			c.before[name] = text
		case "after":
			c.after[name] = text
		case "error":
			lines := strings.Split(strings.TrimSpace(text), "\n")
			c.kind, c.message = fail.Kind(lines[0]), lines[1:]
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	return c
}

// Run applies every case of testdata with the editor.
func Run(t *testing.T, detect func([]byte) bool, parse ParseFunc) {
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), 15)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := read(t, path)
			require.True(t, detect(c.input))
			plan, err := parse(&fix.Source{Name: "input", Data: c.input})
			got := c.before
			if err == nil {
				got, err = apply(t, c.before, plan)
			}
			if c.kind == "" {
				require.NoError(t, err)
				require.Equal(t, c.after, got)
				return
			}
			require.Equal(t, c.before, got)
			require.Equal(t, c.kind, fail.KindOf(err), "%v", err)
			for _, part := range c.message {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

// apply returns the tree that plan makes of before.
func apply(t *testing.T, before map[string]string, plan editor.Plan) (map[string]string, error) {
	dir := t.TempDir()
	for name, text := range before {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	ed, err := editor.Open(t.Context(), dir, editor.WithDurability(editor.DurabilityNone))
	require.NoError(t, err)
	defer ed.Close()
	_, applyErr := ed.Apply(t.Context(), plan)
	after := map[string]string{}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(name, ".emend/") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		after[name] = string(text)
		return err
	})
	require.NoError(t, err)
	return after, applyErr
}

// Seeds adds the documents of all cases to a fuzz target.
func Seeds(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "input" {
				f.Add([]byte(pictures.Replace(string(file.Data))))
			}
		}
	}
}

// Check looks for what no document may lead to: an error that is not of the
// kinds that documents can have, or a plan that grows out of nothing.
func Check(t *testing.T, data []byte, parse ParseFunc) {
	plan, err := parse(&fix.Source{Name: "input", Data: data})
	if err == nil {
		require.LessOrEqual(t, len(plan.Ops), len(data))
		return
	}
	require.Empty(t, plan.Ops)
	require.Contains(t, []fail.Kind{fail.Parse, fail.Unsupported, fail.Conflict, fail.PathEscape, fail.Position},
		fail.KindOf(err), "%v", err)
}
