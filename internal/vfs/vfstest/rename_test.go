package vfstest

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/emend/emend/internal/vfs"
)

func TestRename(t *testing.T) {
	everywhere(t, func(p place) {
		d := p.sub("d")
		p.file("a", "A")
		p.file("b", "B")
		before := p.lstat("a")
		p.NoError(p.dir.Rename("a", p.dir, "b"))
		p.Equal("A", p.read(p.dir, "b"))
		p.True(before.SameFile(p.lstat("b")))
		p.NoError(p.dir.Rename("b", d, "c"))
		p.Equal("A", p.read(d, "c"))
		p.Equal(map[string]vfs.Kind{"d": vfs.Directory}, p.names(p.dir))
		p.ErrorIs(p.dir.Rename("a", p.dir, "b"), fs.ErrNotExist)

		p.file("f", "F")
		p.ErrorIs(p.dir.Rename("f", p.dir, "d"), syscall.EISDIR)
		p.ErrorIs(p.dir.Rename("d", p.dir, "f"), syscall.ENOTDIR)
		p.ErrorIs(p.dir.Rename("d", d, "inside"), syscall.EINVAL)
		p.sub("empty")
		p.ErrorIs(p.dir.Rename("empty", p.dir, "d"), syscall.ENOTEMPTY)
		p.NoError(p.dir.Rename("d", p.dir, "empty"))
		p.NoError(p.dir.Symlink("f", "l"))
		p.NoError(p.dir.Rename("f", p.dir, "l"))
		p.Equal("F", p.read(p.dir, "l"))
	})
}

func TestLink(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		p.supported(p.dir.Link("a", p.dir, "b"))
		p.True(p.lstat("a").SameFile(p.lstat("b")))
		p.Equal(uint64(2), p.lstat("a").Nlink)
		p.ErrorIs(p.dir.Link("a", p.dir, "b"), fs.ErrExist)
		p.ErrorIs(p.dir.Link("no", p.dir, "c"), fs.ErrNotExist)

		p.NoError(p.dir.Rename("a", p.dir, "b"), "of two names of one inode")
		p.Len(p.names(p.dir), 2, "both stay")
		p.NoError(p.dir.Remove("a"))
		p.Equal(uint64(1), p.lstat("b").Nlink)

		p.NoError(p.dir.Symlink("b", "l"))
		p.NoError(p.dir.Link("l", p.dir, "l2"))
		p.Equal(vfs.Symlink, p.lstat("l2").Kind)
		p.sub("d")
		p.Error(p.dir.Link("d", p.dir, "d2"))
	})
}

func TestRenameNoReplace(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		d := p.sub("d")
		p.supported(p.dir.RenameNoReplace("a", d, "a"))
		p.Equal("A", p.read(d, "a"))
		p.file("b", "B")
		p.NoError(p.dir.Symlink("nowhere", "l"))
		for _, taken := range []string{"d", "l", "b"} {
			p.ErrorIs(p.dir.RenameNoReplace("b", p.dir, taken), fs.ErrExist, taken)
		}
		p.ErrorIs(p.dir.RenameNoReplace("no", p.dir, "c"), fs.ErrNotExist)
		p.Equal("B", p.read(p.dir, "b"))
	})
}

func TestExchange(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("a", "A")
		d := p.sub("d")
		p.file("b", "B")
		p.NoError(p.dir.Rename("b", d, "b"))
		p.supported(p.dir.Exchange("a", d, "b"))
		p.Equal("B", p.read(p.dir, "a"))
		p.Equal("A", p.read(d, "b"))

		sub := p.sub("e")
		p.NoError(p.dir.Rename("a", sub, "within"))
		p.file("f", "F")
		p.NoError(p.dir.Exchange("f", p.dir, "e"), "a file and a directory that is not empty")
		p.Equal(vfs.Directory, p.lstat("f").Kind)
		p.Equal("F", p.read(p.dir, "e"))
		p.Equal("B", p.read(sub, "within"))

		p.ErrorIs(p.dir.Exchange("e", p.dir, "no"), fs.ErrNotExist)
		p.ErrorIs(p.dir.Exchange("no", p.dir, "e"), fs.ErrNotExist)
		p.ErrorIs(p.dir.Exchange("f", sub, "within"), syscall.EINVAL)
		p.NoError(p.dir.Exchange("e", p.dir, "e"))
	})
}

func TestReplace(t *testing.T) {
	everywhere(t, func(p place) {
		put := func(name, data string, mode uint32) error {
			return p.dir.Replace(name, mode, func(w io.Writer) error {
				_, err := io.Copy(w, strings.NewReader(data))
				return err
			})
		}
		p.NoError(put("a", "one", 0o600))
		p.Equal("one", p.read(p.dir, "a"))
		p.Equal(uint32(0o600), p.lstat("a").Mode)
		before := p.lstat("a")
		p.NoError(put("a", "two", 0o4777))
		p.Equal("two", p.read(p.dir, "a"))
		p.Equal(uint32(0o4777), p.lstat("a").Mode)
		p.False(before.SameFile(p.lstat("a")))

		p.NoError(p.dir.Symlink("a", "l"))
		p.NoError(put("l", "three", 0o644))
		p.Equal("two", p.read(p.dir, "a"), "a link is replaced, not followed")

		stop := errors.New("stop")
		err := p.dir.Replace("a", 0o600, func(w io.Writer) error {
			_, err := w.Write([]byte("half"))
			return errors.Join(stop, err)
		})
		p.ErrorIs(err, stop)
		p.Equal("two", p.read(p.dir, "a"))
		p.Len(p.names(p.dir), 2, "nothing is left behind")
	})
}
