package editor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// TestTheNewestFileIsPutBack: a writer renames a new file over the path before
// each of the first swaps, the one that publishes and those that put back. The
// last that it wrote stands there in the end.
func TestTheNewestFileIsPutBack(t *testing.T) {
	for n := 1; n <= 8; n++ {
		fs := crashfs.New(crashfs.Options{})
		require.NoError(t, fs.MkdirAll(crashRoot, 0o755))
		require.NoError(t, fs.WriteFile(crashRoot+"/f", []byte("before"), 0o644))
		fs.Settle()
		d, err := fs.Meddler().OpenRoot(crashRoot)
		require.NoError(t, err)
		swaps := 0
		fs.OnOp(func(o op.Op) {
			if o.Kind != op.Exchange || !strings.HasSuffix(o.To, "/f") {
				return
			}
			if swaps++; swaps <= n {
				require.NoError(t, fs.WriteFile(crashRoot+"/theirs", fmt.Appendf(nil, "theirs %d", swaps), 0o644))
				require.NoError(t, d.Rename("theirs", d, "f"))
			}
		})
		ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
		require.NoError(t, err)
		_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{editor.Write{Path: "f", Content: []byte("after")}}})
		require.Equal(t, fail.Foreign, fail.KindOf(err))
		require.Equal(t, string(fail.Unchanged), stateOf(t, err, "put back"), err)
		require.NoError(t, ed.Close())
		require.GreaterOrEqual(t, swaps, n)
		require.Equal(t, fmt.Sprintf("theirs %d", n), userTree(fs)["f"].Data)
	}
}
