package lsp

import (
	"testing"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
)

func FuzzParse(f *testing.F) {
	inputtest.Fuzz(f, func(src *fix.Source) (editor.Plan, error) {
		return Parse(src, Options{Root: fix.Root{Names: []string{inputtest.Root}}})
	})
}
