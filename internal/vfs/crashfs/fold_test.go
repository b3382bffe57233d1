package crashfs_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs/crashfs"
)

// Where case does not count, a name keeps the spelling that it was made with,
// and a rename to another one is none, as on ext4.
func TestFoldCase(t *testing.T) {
	fs := crashfs.New(crashfs.Options{FoldCase: true})
	require.NoError(t, fs.WriteFile("/Readme", []byte("x"), 0o644))
	d, err := fs.OpenRoot("/")
	require.NoError(t, err)
	folds, err := d.Folds()
	require.NoError(t, err)
	require.True(t, folds)
	spelled := func() string {
		list, err := d.ReadDir()
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0].Name
	}
	_, err = d.Create("README", 0o644)
	require.ErrorIs(t, err, syscall.EEXIST)
	require.NoError(t, d.Rename("readme", d, "README"))
	require.ErrorIs(t, d.RenameNoReplace("readme", d, "README"), syscall.EEXIST)
	require.Equal(t, "Readme", spelled())
	require.NoError(t, d.Rename("readme", d, "other"))
	require.NoError(t, d.Rename("other", d, "README"))
	require.Equal(t, "README", spelled())
	require.NoError(t, d.Remove("readme"))
}
