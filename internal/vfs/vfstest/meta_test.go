package vfstest

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/emend/emend/internal/vfs"
)

func TestModes(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		p.sub("d")
		p.NoError(p.dir.Symlink("a", "l"))
		for _, mode := range []uint32{0o600, 0o4755, 0o1777, 0o000} {
			p.NoError(p.dir.Chmod("a", mode))
			p.Equal(mode, p.lstat("a").Mode)
		}
		p.NoError(p.dir.Chmod("d", 0o711))
		p.Equal(uint32(0o711), p.lstat("d").Mode)
		p.NoError(p.dir.Chmod("a", 0o600))
		p.ErrorIs(p.dir.Chmod("l", 0o777), errors.ErrUnsupported)
		p.Equal(uint32(0o600), p.lstat("a").Mode, "the link was not followed")
		p.ErrorIs(p.dir.Chmod("no", 0o777), fs.ErrNotExist)

		f, err := p.dir.Open("a")
		p.NoError(err)
		defer f.Close()
		p.NoError(f.Chmod(0o2640))
		p.Equal(uint32(0o2640), p.lstat("a").Mode)
	})
}

func TestOwners(t *testing.T) {
	everywhere(t, func(p place) {
		if p.fs.EUID() != 0 {
			t.Skip("only root gives files away")
		}
		p.file("a", "A")
		p.NoError(p.dir.Symlink("a", "l"))
		p.NoError(p.dir.Chmod("a", 0o6755))
		p.NoError(p.dir.Chown("l", 11, 12))
		p.Equal(uint32(11), p.lstat("l").UID)
		p.Zero(p.lstat("a").UID, "the link was not followed")
		p.NoError(p.dir.Chown("a", 13, 14))
		i := p.lstat("a")
		p.Equal([]uint32{13, 14, 0o755}, []uint32{i.UID, i.GID, i.Mode}, "setuid and setgid go")
		f, err := p.dir.Open("a")
		p.NoError(err)
		defer f.Close()
		p.NoError(f.Chown(15, 16))
		p.Equal(uint32(15), p.lstat("a").UID)
	})
}

func TestXattrs(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		list, err := p.dir.Xattrs("a")
		p.NoError(err)
		p.Empty(list)
		p.supported(p.dir.SetXattr("a", "user.z", []byte("\x00bin")))
		f, err := p.dir.OpenWrite("a")
		p.NoError(err)
		defer f.Close()
		p.NoError(f.SetXattr("user.a", nil))
		p.NoError(f.SetXattr("user.m", []byte("1")))
		p.NoError(p.dir.SetXattr("a", "user.m", []byte("22")))
		want := []vfs.Xattr{
			{Name: "user.a", Value: []byte{}}, {Name: "user.m", Value: []byte("22")}, {Name: "user.z", Value: []byte("\x00bin")},
		}
		list, err = p.dir.Xattrs("a")
		p.NoError(err)
		p.Equal(want, list)
		list, err = f.Xattrs()
		p.NoError(err)
		p.Equal(want, list)
		p.NoError(p.dir.RemoveXattr("a", "user.z"))
		p.NoError(f.RemoveXattr("user.a"))
		p.Error(f.RemoveXattr("user.a"))
		list, err = f.Xattrs()
		p.NoError(err)
		p.Equal(want[1:2], list)
	})
}

func TestXattrsOfLinksAndDirectories(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		p.NoError(p.dir.Symlink("a", "l"))
		d := p.sub("d")
		p.supported(p.dir.SetXattr("d", "user.a", []byte("1")))
		list, err := d.SelfXattrs()
		p.NoError(err)
		p.Equal([]vfs.Xattr{{Name: "user.a", Value: []byte("1")}}, list)
		p.Error(p.dir.SetXattr("l", "user.a", []byte("1")), "links have no user attributes")
		list, err = p.dir.Xattrs("l")
		p.NoError(err)
		p.Empty(list)
		list, err = p.dir.Xattrs("a")
		p.NoError(err)
		p.Empty(list, "the link was not followed")
	})
}
