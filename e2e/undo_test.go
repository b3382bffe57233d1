package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUndoAndRedo: every operation there is goes back and comes again, with
// modes, links and directories.
func TestUndoAndRedo(t *testing.T) {
	p := fiftyFiles(t, newRand(t))
	root := filepath.Join(t.TempDir(), "root")
	p.before.write(t, root)
	emendJSON(t, root, 0, "apply", p.save(t))
	for range 2 {
		requireTree(t, p.after, readTree(t, root))
		emendJSON(t, root, 0, "undo")
		requireTree(t, p.before, readTree(t, root))
		require.Equal(t, 1, emend(t, root, "undo").exit, "an undo is not undone by undo")
		emendJSON(t, root, 0, "redo")
	}
	requireTree(t, p.after, readTree(t, root))
	requireSettled(t, root)
}
