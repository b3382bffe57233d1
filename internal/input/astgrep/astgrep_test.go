package astgrep

import (
	"testing"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
)

func parse(src *fix.Source) (editor.Plan, error) {
	return Parse(src, fix.Root{Names: []string{inputtest.Root}}, fix.Options{})
}

func TestCases(t *testing.T) { inputtest.Run(t, Detect, parse) }

func FuzzParse(f *testing.F) {
	inputtest.Seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { inputtest.Check(t, data, parse) })
}
