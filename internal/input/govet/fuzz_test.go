package govet

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// FuzzParse looks for panics, for errors that are not of the promised kinds,
// and for plans that grow out of nothing.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("testdata/cases/*.txtar")
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			f.Add(section.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(&fix.Source{Data: data}, Options{Root: fix.Root{Names: []string{"/w"}}})
		switch fail.KindOf(err) {
		case "", fail.Parse, fail.Unsupported, fail.PathEscape, fail.Conflict:
		default:
			t.Fatalf("%s: %v", fail.KindOf(err), err)
		}
		if len(p.Ops) > len(data) {
			t.Fatalf("%d operations from %d bytes", len(p.Ops), len(data))
		}
	})
}
