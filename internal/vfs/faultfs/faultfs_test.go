package faultfs_test

import (
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

func setUp(t *testing.T, faults ...faultfs.Fault) (*crashfs.FS, *faultfs.FS, vfs.Dir) {
	t.Helper()
	disk := crashfs.New(crashfs.Options{})
	require.NoError(t, disk.WriteFile("/old", []byte("old"), 0o644))
	disk.Settle()
	fs := faultfs.New(disk)
	d, err := fs.OpenRoot("/")
	require.NoError(t, err)
	for _, f := range faults {
		fs.Arm(f)
	}
	return disk, fs, d
}

func replace(d vfs.Dir) error {
	return d.Replace("old", 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, strings.NewReader("new"))
		return err
	})
}

func TestNthOperationFailsUntilItPasses(t *testing.T) {
	for _, forever := range []bool{false, true} {
		n := 1
		for ; ; n++ {
			disk, fs, d := setUp(t, faultfs.Fault{N: n, Forever: forever, Err: syscall.EIO})
			err := replace(d)
			if len(fs.Delivered()) == 0 {
				require.NoError(t, err)
				require.Equal(t, "new", disk.Tree("/")["old"].Data)
				break
			}
			require.ErrorIs(t, err, syscall.EIO, "at %d", n)
			require.Equal(t, "old", disk.Tree("/")["old"].Data, "at %d", n)
			if !forever {
				require.Len(t, disk.Tree("/"), 1, "nothing is left behind at %d", n)
			}
		}
		require.Equal(t, 7, n, "create, write, chmod, sync, close, rename")
	}
}

func TestMatchCountsOnlyWhatMatches(t *testing.T) {
	_, fs, d := setUp(t, faultfs.Fault{
		N: 2, Err: syscall.EACCES,
		Match: func(o op.Op) bool { return o.Kind == op.Mkdir && strings.HasPrefix(o.Path, "/x") },
	})
	require.NoError(t, d.Mkdir("x1", 0o755))
	require.NoError(t, d.Mkdir("y", 0o755))
	err := d.Mkdir("x2", 0o755)
	require.ErrorIs(t, err, syscall.EACCES)
	require.Equal(t, "mkdir x2: permission denied", err.Error())
	require.NoError(t, d.Mkdir("x3", 0o755))
	require.Equal(t, "/x2", fs.Delivered()[0].Path)
	require.Equal(t, 4, fs.Counts()[op.Mkdir])
}

func TestShortWrite(t *testing.T) {
	disk, _, d := setUp(t, faultfs.Fault{N: 1, Match: faultfs.Kinds(op.Write), Err: syscall.ENOSPC, Short: 2})
	f, err := d.OpenWrite("old")
	require.NoError(t, err)
	n, err := f.WriteAt([]byte("NEW"), 0)
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, "NEd", disk.Tree("/")["old"].Data)
	n, err = f.WriteAt([]byte("NEW"), 0)
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestFailedSyncLosesThePages(t *testing.T) {
	disk, _, d := setUp(t, faultfs.Fault{N: 1, Match: faultfs.Kinds(op.Datasync), Err: syscall.EIO})
	f, err := d.OpenWrite("old")
	require.NoError(t, err)
	_, err = f.Write([]byte("new"))
	require.NoError(t, err)
	require.ErrorIs(t, f.Datasync(), syscall.EIO)
	require.NoError(t, f.Datasync())
	require.Equal(t, "old", disk.Survive(crashfs.AllLost()).Tree("/")["old"].Data)
}

func TestDiskFillsUp(t *testing.T) {
	disk, fs, d := setUp(t)
	fs.Space(5)
	f, err := d.OpenWrite("old")
	require.NoError(t, err)
	_, err = f.Write([]byte("over"))
	require.NoError(t, err, "one byte more")
	n, err := f.Write([]byte("123456"))
	require.Equal(t, 4, n)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, "over1234", disk.Tree("/")["old"].Data)
	_, err = d.Create("a", 0o644)
	require.ErrorIs(t, err, syscall.ENOSPC)
	_, err = f.WriteAt([]byte("O"), 0)
	require.NoError(t, err)
	fs.Disarm()
	_, err = d.Create("a", 0o644)
	require.NoError(t, err)
}

func TestCloseClosesWhateverItSays(t *testing.T) {
	_, _, d := setUp(t, faultfs.Fault{N: 1, Match: faultfs.Kinds(op.Close), Err: syscall.EIO})
	f, err := d.Open("old")
	require.NoError(t, err)
	require.ErrorIs(t, f.Close(), syscall.EIO)
	require.ErrorIs(t, f.Sync(), fs.ErrClosed)
}

func TestChanges(t *testing.T) {
	require.True(t, faultfs.Changes(op.Op{Kind: op.SyncDir}))
	require.False(t, faultfs.Changes(op.Op{Kind: op.Stat}))
}
