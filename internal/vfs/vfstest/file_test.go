package vfstest

import (
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/emend/emend/internal/vfs"
)

func TestReadAndWrite(t *testing.T) {
	everywhere(t, func(p place) {
		f, err := p.dir.Create("a", 0o666)
		p.NoError(err)
		p.Equal(uint32(0o666)&^p.fs.Umask(), p.lstat("a").Mode)
		for _, s := range []string{"hello ", "world"} {
			n, err := f.Write([]byte(s))
			p.NoError(err)
			p.Equal(len(s), n)
		}
		_, err = f.WriteAt([]byte("W"), 6)
		p.NoError(err)
		_, err = f.WriteAt([]byte("end"), 9000)
		p.NoError(err)
		n, err := f.Write([]byte("!")) // WriteAt moved nothing
		p.NoError(err)
		p.Equal(1, n)
		want := "hello World!" + strings.Repeat("\x00", 9000-12) + "end"
		p.Equal(want, p.read(p.dir, "a"))

		buf := make([]byte, 5)
		n, err = f.ReadAt(buf, 9000)
		p.Equal(3, n)
		p.ErrorIs(err, io.EOF)
		_, err = f.ReadAt(buf, 20_000)
		p.ErrorIs(err, io.EOF)
		n, err = f.ReadAt(buf, 6)
		p.NoError(err)
		p.Equal("World", string(buf[:n]))
		info, err := f.Stat()
		p.NoError(err)
		p.Equal(int64(9003), info.Size)
		p.NoError(f.Close())
	})
}

func TestTruncate(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", strings.Repeat("x", 5000))
		f, err := p.dir.OpenWrite("a")
		p.NoError(err)
		defer f.Close()
		p.NoError(f.Truncate(3))
		p.NoError(f.Truncate(6))
		p.Equal("xxx\x00\x00\x00", p.read(p.dir, "a"))
		p.Error(f.Truncate(-1))
	})
}

func TestReadOnlyHandle(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "x")
		f, err := p.dir.Open("a")
		p.NoError(err)
		defer f.Close()
		_, err = f.Write([]byte("y"))
		p.Error(err)
		p.Error(f.Truncate(0))
		p.Equal("x", p.read(p.dir, "a"))
	})
}

func TestCreateTakesNothingAway(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("file", "x")
		p.sub("dir")
		p.NoError(p.dir.Symlink("nowhere", "link"))
		for _, name := range []string{"file", "dir", "link"} {
			_, err := p.dir.Create(name, 0o644)
			p.ErrorIs(err, fs.ErrExist, name)
			p.ErrorIs(p.dir.Mkdir(name, 0o755), fs.ErrExist, name)
			p.ErrorIs(p.dir.Symlink("x", name), fs.ErrExist, name)
		}
		p.NotContains(p.names(p.dir), "nowhere")
	})
}

func TestOpenFollowsNothing(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("file", "x")
		p.sub("dir")
		p.NoError(p.dir.Symlink("file", "to-file"))
		p.NoError(p.dir.Symlink("dir", "to-dir"))
		_, err := p.dir.Open("to-file")
		p.ErrorIs(err, syscall.ELOOP)
		_, err = p.dir.OpenWrite("to-file")
		p.ErrorIs(err, syscall.ELOOP)
		_, err = p.dir.OpenDir("to-dir")
		p.True(isNoDir(err), err)
		_, err = p.dir.OpenDir("file")
		p.ErrorIs(err, syscall.ENOTDIR)
		_, err = p.dir.Open("dir")
		p.ErrorIs(err, syscall.EISDIR)
		_, err = p.dir.OpenWrite("dir")
		p.ErrorIs(err, syscall.EISDIR)
		_, err = p.dir.Open("nothing")
		p.True(vfs.NotExist(err))
		p.ErrorIs(err, syscall.ENOENT)
		p.Equal(vfs.Symlink, p.lstat("to-file").Kind)
		target, err := p.dir.Readlink("to-file")
		p.NoError(err)
		p.Equal("file", target)
		_, err = p.dir.Readlink("file")
		p.Error(err)
	})
}

func TestLongLink(t *testing.T) {
	everywhere(t, func(p place) {
		long := strings.Repeat("0123456789/", 90)
		p.NoError(p.dir.Symlink(long, "l"))
		target, err := p.dir.Readlink("l")
		p.NoError(err)
		p.Equal(long, target)
		p.Equal(int64(len(long)), p.lstat("l").Size)
	})
}

func TestSyncs(t *testing.T) {
	everywhere(t, func(p place) {
		f, err := p.dir.Create("a", 0o644)
		p.NoError(err)
		f.Kick()
		p.NoError(f.Datasync())
		p.NoError(f.Sync())
		p.NoError(p.dir.Sync())
		features, err := p.dir.Features()
		p.NoError(err)
		p.NotEmpty(features.Type)
		err = p.dir.SyncFS()
		if features.SyncFS {
			p.NoError(err)
		}
		p.supported(err)
	})
}

func TestLock(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("lock", "")
		open := func() vfs.File {
			f, err := p.dir.OpenWrite("lock")
			p.NoError(err)
			return f
		}
		try := func(f vfs.File, want bool) {
			held, err := f.TryLock()
			p.NoError(err)
			p.Equal(want, held)
		}
		f, g := open(), open()
		defer g.Close()
		try(f, true)
		try(f, true)
		try(g, false)
		p.NoError(g.Unlock(), "which holds nothing")
		try(g, false)
		p.NoError(f.Unlock())
		try(g, true)
		try(f, false)
		p.NoError(g.Unlock())
		try(f, true)
		p.NoError(f.Close())
		try(g, true)
	})
}

func TestSharedLock(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("lock", "")
		var f [3]vfs.File
		for i := range f {
			var err error
			f[i], err = p.dir.OpenWrite("lock")
			p.NoError(err)
			defer f[i].Close()
		}
		try := func(lock func() (bool, error), want bool) {
			held, err := lock()
			p.NoError(err)
			p.Equal(want, held)
		}
		try(f[0].TryLockShared, true)
		try(f[1].TryLockShared, true)
		try(f[2].TryLock, false)
		p.NoError(f[0].Unlock())
		try(f[2].TryLock, false)
		p.NoError(f[1].Unlock())
		try(f[2].TryLock, true)
		try(f[0].TryLockShared, false)
	})
}

func TestClosedHandles(t *testing.T) {
	everywhere(t, func(p place) {
		f, err := p.dir.Create("a", 0o644)
		p.NoError(err)
		d := p.sub("d")
		p.NoError(f.Close())
		p.NoError(d.Close())
		_, err = f.Write([]byte("x"))
		p.ErrorIs(err, fs.ErrClosed)
		p.ErrorIs(f.Chmod(0o600), fs.ErrClosed)
		_, err = d.Lstat("x")
		p.ErrorIs(err, fs.ErrClosed)
		p.ErrorIs(p.dir.Rename("a", d, "a"), fs.ErrClosed)
	})
}

func TestUnlinkedFileStaysReadable(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "still here")
		f, err := p.dir.Open("a")
		p.NoError(err)
		defer f.Close()
		p.NoError(p.dir.Remove("a"))
		data, err := io.ReadAll(f)
		p.NoError(err)
		p.Equal("still here", string(data))
		info, err := f.Stat()
		p.NoError(err)
		p.Zero(info.Nlink)
	})
}
