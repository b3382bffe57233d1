package searchreplace

import (
	"testing"

	"github.com/emend/emend/internal/input/inputtest"
)

func TestCases(t *testing.T) { inputtest.Run(t, Detect, Parse) }

func FuzzParse(f *testing.F) {
	inputtest.Seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { inputtest.Check(t, data, Parse) })
}
