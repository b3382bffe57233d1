package plan

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
	"github.com/emend/emend/locator"
)

// parseStream reads a stream whole.
func parseStream(src *fix.Source) (editor.Plan, error) {
	p, err := streamOf(src).Plan()
	if err != nil {
		return p, err
	}
	for op, err := range p.More {
		if err != nil {
			return editor.Plan{}, err
		}
		p.Ops = append(p.Ops, op)
	}
	p.More = nil
	return p, nil
}

func streamOf(src *fix.Source) Stream {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src.Data)), nil }
	return Stream{Name: src.Name, Open: open, Encoding: locator.UTF16}
}

func TestStreamHasKeyAndLabel(t *testing.T) {
	p, err := parseStream(&fix.Source{Data: []byte(`{"emend": 1, "key": "k", "label": "l"}`)})
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
	_, err := parseStream(&fix.Source{Data: []byte(`{"emend": 2}`)})
	require.Equal(t, fail.Unsupported, fail.KindOf(err))
}

func FuzzStream(f *testing.F) { inputtest.Fuzz(f, parseStream) }
