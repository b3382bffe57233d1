package vfs

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func openTemp(t *testing.T) (Dir, string) {
	t.Helper()
	path := t.TempDir()
	d, err := OS().OpenRoot(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func TestUmask(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	require.Equal(t, uint32(0o027), OS().Umask())
	d, path := openTemp(t)
	f, err := d.Create("a", 0o666)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, d.Replace("b", 0o666, func(io.Writer) error { return nil }))
	require.NoError(t, OS().MkdirRoot(filepath.Join(path, "c"), 0o777))
	for name, mode := range map[string]uint32{"a": 0o640, "b": 0o666, "c": 0o777} {
		info, err := d.Lstat(name)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode, name)
	}
}

func TestSyncOfAClosedHandleIsAnError(t *testing.T) {
	d, _ := openTemp(t)
	f, err := d.Create("a", 0o644)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Sync(), os.ErrClosed)
	require.ErrorIs(t, f.Datasync(), os.ErrClosed)
	require.NoError(t, d.Close())
	require.ErrorIs(t, d.Sync(), os.ErrClosed)
}

func TestOpenOfAPipeDoesNotBlock(t *testing.T) {
	d, path := openTemp(t)
	require.NoError(t, unix.Mkfifo(filepath.Join(path, "pipe"), 0o600))
	info, err := d.Lstat("pipe")
	require.NoError(t, err)
	require.Equal(t, Other, info.Kind)
	f, err := d.Open("pipe")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestFeaturesOfMagic(t *testing.T) {
	for magic, want := range map[uint32]Features{
		unix.XFS_SUPER_MAGIC:       {Type: "xfs", Journal: true, SyncFS: true, Exchange: true},
		unix.BTRFS_SUPER_MAGIC:     {Type: "btrfs", Journal: true, SyncFS: true, Exchange: true},
		unix.TMPFS_MAGIC:           {Type: "tmpfs", SyncFS: true, Exchange: true},
		unix.OVERLAYFS_SUPER_MAGIC: {Type: "overlayfs", Exchange: true},
		unix.NFS_SUPER_MAGIC:       {Type: "nfs"},
		0x1234:                     {Type: "unknown"},
	} {
		require.Equal(t, want, featuresOfMagic(magic))
	}
}

func TestUnwritten(t *testing.T) {
	meminfo := "MemTotal:       24681472 kB\nDirty:              1234 kB\nWriteback:             6 kB\nWritebackTmp:          9 kB\n"
	require.EqualValues(t, 1240<<10, unwrittenIn(meminfo))
	require.Zero(t, unwrittenIn(""))
	require.GreaterOrEqual(t, OS().Unwritten(), int64(0))
}

// A file system made for the test tells the truth where a table cannot.
func TestFeaturesOfRealFileSystems(t *testing.T) {
	if os.Getenv("EMEND_LONG") == "" || os.Geteuid() != 0 {
		t.Skip("mounts file systems: needs EMEND_LONG=1 and root")
	}
	for _, c := range []struct {
		mkfs []string
		want Features
	}{
		{[]string{"mkfs.ext4", "-q", "-F"}, Features{Type: "ext4", Journal: true, SyncFS: true, Exchange: true}},
		{[]string{"mkfs.ext4", "-q", "-F", "-O", "^has_journal"}, Features{Type: "ext4", SyncFS: true, Exchange: true}},
		{[]string{"mkfs.xfs", "-q", "-f"}, Features{Type: "xfs", Journal: true, SyncFS: true, Exchange: true}},
		{[]string{"mkfs.btrfs", "-q", "-f"}, Features{Type: "btrfs", Journal: true, SyncFS: true, Exchange: true}},
	} {
		t.Run(strings.Join(c.mkfs, " "), func(t *testing.T) {
			image, at := filepath.Join(t.TempDir(), "image"), t.TempDir()
			require.NoError(t, os.WriteFile(image, nil, 0o600))
			require.NoError(t, os.Truncate(image, 400<<20))
			if err := exec.Command(c.mkfs[0], append(c.mkfs[1:], image)...).Run(); err != nil {
				t.Skip(c.mkfs[0], err)
			}
			if err := exec.Command("mount", "-o", "loop", image, at).Run(); err != nil {
				t.Skip("mount", err)
			}
			defer func() { require.NoError(t, exec.Command("umount", at).Run()) }()
			d, err := OS().OpenRoot(at)
			require.NoError(t, err)
			defer d.Close()
			got, err := d.Features()
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.NoError(t, d.SyncFS())
		})
	}
}
