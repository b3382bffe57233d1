package vfstest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/emend/emend/internal/vfs"
)

// isNoDir accepts what systems say of a link where a directory should be.
func isNoDir(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

func TestNamesAreSingleComponents(t *testing.T) {
	everywhere(t, func(p place) {
		p.file("ok", "x")
		for _, bad := range []string{"", ".", "..", "a/b", "/", "a/", "../ok", "a\x00b"} {
			calls := map[string]func() error{
				"lstat":           func() error { _, err := p.dir.Lstat(bad); return err },
				"readlink":        func() error { _, err := p.dir.Readlink(bad); return err },
				"opendir":         func() error { _, err := p.dir.OpenDir(bad); return err },
				"open":            func() error { _, err := p.dir.Open(bad); return err },
				"openwrite":       func() error { _, err := p.dir.OpenWrite(bad); return err },
				"create":          func() error { _, err := p.dir.Create(bad, 0o644); return err },
				"mkdir":           func() error { return p.dir.Mkdir(bad, 0o755) },
				"symlink":         func() error { return p.dir.Symlink("x", bad) },
				"link from":       func() error { return p.dir.Link(bad, p.dir, "b") },
				"link to":         func() error { return p.dir.Link("ok", p.dir, bad) },
				"rename from":     func() error { return p.dir.Rename(bad, p.dir, "b") },
				"rename to":       func() error { return p.dir.Rename("ok", p.dir, bad) },
				"no replace from": func() error { return p.dir.RenameNoReplace(bad, p.dir, "b") },
				"no replace to":   func() error { return p.dir.RenameNoReplace("ok", p.dir, bad) },
				"exchange from":   func() error { return p.dir.Exchange(bad, p.dir, "ok") },
				"exchange to":     func() error { return p.dir.Exchange("ok", p.dir, bad) },
				"remove":          func() error { return p.dir.Remove(bad) },
				"rmdir":           func() error { return p.dir.Rmdir(bad) },
				"chmod":           func() error { return p.dir.Chmod(bad, 0o600) },
				"chown":           func() error { return p.dir.Chown(bad, 0, 0) },
				"xattrs":          func() error { _, err := p.dir.Xattrs(bad); return err },
				"setxattr":        func() error { return p.dir.SetXattr(bad, "user.a", nil) },
				"removexattr":     func() error { return p.dir.RemoveXattr(bad, "user.a") },
				"replace":         func() error { return p.dir.Replace(bad, 0o600, func(io.Writer) error { return nil }) },
			}
			for name, call := range calls {
				p.ErrorIs(call(), fs.ErrInvalid, "%s %q", name, bad)
			}
		}
		p.Equal(map[string]vfs.Kind{"ok": vfs.Regular}, p.names(p.dir))
		_, err := p.dir.Create(strings.Repeat("n", 256), 0o644)
		p.ErrorIs(err, syscall.ENAMETOOLONG)
	})
}

func TestReadDir(t *testing.T) {
	everywhere(t, func(p place) {
		p.Empty(p.names(p.dir))
		p.file("file", "x")
		p.sub("dir")
		p.NoError(p.dir.Symlink("file", "link"))
		want := map[string]vfs.Kind{"file": vfs.Regular, "dir": vfs.Directory, "link": vfs.Symlink}
		for range 2 { // the second listing starts at the beginning, too
			p.Equal(want, p.names(p.dir))
		}
		for i := range 500 {
			p.file(fmt.Sprintf("%0200d", i), "")
		}
		p.Len(p.names(p.dir), 503)
	})
}

func TestMkdirAndRmdir(t *testing.T) {
	everywhere(t, func(p place) {
		d := p.sub("d")
		i := p.lstat("d")
		p.Equal(vfs.Directory, i.Kind)
		p.Equal(uint32(0o755)&^p.fs.Umask(), i.Mode)
		p.NoError(d.Mkdir("e", 0o700))
		p.ErrorIs(p.dir.Rmdir("d"), syscall.ENOTEMPTY)
		p.Error(p.dir.Remove("d"))
		p.NoError(d.Rmdir("e"))
		p.file("f", "")
		p.ErrorIs(p.dir.Rmdir("f"), syscall.ENOTDIR)
		p.NoError(p.dir.Rmdir("d"))
		_, err := d.Create("late", 0o644)
		p.ErrorIs(err, fs.ErrNotExist)
		p.ErrorIs(p.dir.Rmdir("d"), fs.ErrNotExist)
		p.ErrorIs(p.dir.Remove("d"), fs.ErrNotExist)
	})
}

func TestSetgidDirectoryHandsOnItsGroup(t *testing.T) {
	everywhere(t, func(p place) {
		if p.fs.EUID() != 0 {
			t.Skip("needs a group to give away")
		}
		d := p.sub("d")
		p.NoError(p.dir.Chown("d", 0, 77))
		p.NoError(p.dir.Chmod("d", 0o2775))
		p.NoError(d.Mkdir("e", 0o755))
		i, err := d.Lstat("e")
		p.NoError(err)
		p.Equal(uint32(77), i.GID)
		p.Equal(uint32(0o2755), i.Mode)
	})
}

func TestRoots(t *testing.T) {
	everywhere(t, func(p place) {
		p.NoError(p.fs.MkdirRoot(p.join("new"), 0o777))
		p.Equal(uint32(0o777), p.lstat("new").Mode)
		p.ErrorIs(p.fs.MkdirRoot(p.join("new"), 0o777), fs.ErrExist)
		p.ErrorIs(p.fs.MkdirRoot(p.join("no/new"), 0o777), fs.ErrNotExist)
		p.NoError(p.dir.Symlink("new", "link"))
		info, err := p.open(p.join("link")).Stat()
		p.NoError(err)
		p.True(info.SameFile(p.lstat("new")))
		p.file("file", "")
		_, err = p.fs.OpenRoot(p.join("file"))
		p.ErrorIs(err, syscall.ENOTDIR)
		_, err = p.fs.OpenRoot(p.join("nothing"))
		p.ErrorIs(err, fs.ErrNotExist)
	})
}

func TestHandleFollowsItsDirectory(t *testing.T) {
	everywhere(t, func(p place) {
		d := p.sub("d")
		p.NoError(p.dir.Rename("d", p.dir, "e"))
		p.NoError(p.dir.Symlink("/", "d"))
		p.NoError(d.Mkdir("x", 0o755))
		e, err := p.dir.OpenDir("e")
		p.NoError(err)
		defer e.Close()
		p.Contains(p.names(e), "x")
		i, err := d.Stat()
		p.NoError(err)
		p.True(i.SameFile(p.lstat("e")))
	})
}

func TestConcurrentUse(t *testing.T) {
	everywhere(t, func(p place) {
		var wg sync.WaitGroup
		errs := make(chan error, 400)
		for i := range 8 {
			wg.Go(func() {
				for j := range 10 {
					name := fmt.Sprintf("%d-%d", i, j)
					f, err := p.dir.Create(name, 0o644)
					if err != nil {
						errs <- err
						continue
					}
					_, err = f.Write([]byte(name))
					_, listErr := p.dir.ReadDir()
					errs <- errors.Join(err, listErr, f.Close(), p.dir.Rename(name, p.dir, "r"+name))
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			p.NoError(err)
		}
		p.Len(p.names(p.dir), 80)
	})
}

func TestOwnDirectoryIsWritable(t *testing.T) {
	everywhere(t, func(p place) {
		ok, err := p.dir.Writable()
		p.NoError(err)
		p.True(ok)
	})
}
