package applypatch

import (
	"testing"

	"github.com/emend/emend/internal/input/inputtest"
)

func FuzzParse(f *testing.F) { inputtest.Fuzz(f, Parse) }
