//go:build unix

package editor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

func TestPipesAndDevicesAreNotRegular(t *testing.T) {
	top := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(top, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(top, "f"), nil, 0o600))
	tree, err := apply.OpenTree(vfs.OS(), top)
	require.NoError(t, err)
	defer tree.Close()
	for _, op := range everyOp("pipe") {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{op}}, prepareOptions{})
		require.Contains(t, []fail.Kind{fail.NotRegular, fail.Exists}, fail.KindOf(err), "%T %v", op, err)
	}
	_, err = prepare(t.Context(), tree, Plan{Ops: []Op{Rename{From: "f", To: "pipe", Overwrite: true}}},
		prepareOptions{})
	require.Equal(t, fail.Exists, fail.KindOf(err))
}
