package editor_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// Cancelled at any operation, a commit has changed nothing before its commit
// point, and is finished after it; never anything between.
func TestCancelledAtEveryOperation(t *testing.T) {
	tr := treesOf(t, twoFiles(), crashfs.Options{})
	var cancelled, finished int
	for n := 1; ; n++ {
		fs := crashTree(t, crashfs.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ops := 0
		fs.OnOp(func(op.Op) {
			if ops++; ops == n {
				cancel()
			}
		})
		ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
		require.NoError(t, err)
		_, err = ed.Apply(ctx, twoFiles())
		fs.OnOp(nil)
		cancel()
		require.NoError(t, ed.Close())
		if err == nil {
			require.Equal(t, isAfter, tr.outcome(fs), n)
			finished++
		} else {
			require.Equal(t, fail.Cancelled, fail.KindOf(err), "%d: %v", n, err)
			require.Equal(t, "unchanged", stateOf(t, err, "cancelled"))
			require.Equal(t, isBefore, tr.outcome(fs), n)
			cancelled++
		}
		require.Empty(t, leftovers(fs), n)
		if ops < n {
			break
		}
	}
	require.NotZero(t, cancelled)
	require.Greater(t, finished, 1)
}
