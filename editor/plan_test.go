package editor

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
)

// A plan whose operations come one by one is the plan that has them all, and
// one that ends in an error changes nothing.
func TestMoreOperations(t *testing.T) {
	disk := model{"a": file("a"), "b": file("b")}
	rest := Plan{Ops: []Op{Rename{From: "a", To: "c"}, Create{Path: "a", Content: []byte("new")}}}
	got, err := prepare(t.Context(), disk.tree(t), Plan{Ops: []Op{Delete{Path: "b"}}, More: rest.all()}, prepareOptions{})
	require.NoError(t, err)
	whole := Plan{Ops: append([]Op{Delete{Path: "b"}}, rest.Ops...)}
	want, err := prepare(t.Context(), disk.tree(t), whole, prepareOptions{})
	require.NoError(t, err)
	require.Equal(t, want.files, got.files)
	require.Equal(t, want.hash, got.hash)

	broken := errors.New("broken")
	for name, more := range map[string]func(func(Op, error) bool){
		"error": func(yield func(Op, error) bool) {
			if yield(Delete{Path: "a"}, nil) {
				yield(nil, broken)
			}
		},
		"nil": func(yield func(Op, error) bool) { yield(nil, nil) },
	} {
		_, err := prepare(t.Context(), disk.tree(t), Plan{More: more}, prepareOptions{})
		require.Error(t, err, name)
		if name == "error" {
			require.ErrorIs(t, err, broken)
		} else {
			require.Equal(t, fail.Usage, fail.KindOf(err))
		}
		_, err = Plan{More: more}.digest()
		require.Error(t, err, name)
	}
}
