package plan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
	"github.com/emend/emend/locator"
)

func parseStream(src *fix.Source) (editor.Plan, error) { return ParseStream(src.Data, locator.UTF16) }

func TestStreamCases(t *testing.T) { inputtest.Run(t, DetectStream, parseStream) }

func TestStreamHasKeyAndLabel(t *testing.T) {
	p, err := ParseStream([]byte(`{"emend": 1, "key": "k", "label": "l"}`), locator.UTF16)
	require.NoError(t, err)
	require.Equal(t, editor.Plan{Key: "k", Label: "l"}, p)
}

func TestOtherDocumentsAreNoStream(t *testing.T) {
	for _, data := range []string{"", "[]", "{}", `{"emend": 1}`, `{"emend": 1} {}`, `{"emend": 1, "ops": []}`,
		`{"emend": 1, "ops": []}` + "\n{}", `{"text": "a"}` + "\n{}", `{"emend": 1}` + "\n7"} {
		require.False(t, DetectStream([]byte(data)), data)
	}
}

func TestStreamOfAnotherVersion(t *testing.T) {
	_, err := ParseStream([]byte(`{"emend": 2}`), locator.UTF16)
	require.Equal(t, fail.Unsupported, fail.KindOf(err))
}

func FuzzStream(f *testing.F) {
	inputtest.Seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { inputtest.Check(t, data, parseStream) })
}
