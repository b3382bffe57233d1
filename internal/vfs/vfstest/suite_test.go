// Package vfstest holds every implementation of vfs to one behaviour: the
// system's, the crash file system, and the fault file system over both.
package vfstest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
)

// place is an empty directory on some file system.
type place struct {
	*require.Assertions
	t    *testing.T
	fs   vfs.FS
	path string
	dir  vfs.Dir
}

// everywhere runs test on each implementation.
func everywhere(t *testing.T, test func(p place)) {
	implementations := map[string]func(t *testing.T) (vfs.FS, string){
		"os":            onDisk,
		"crashfs":       inMemory,
		"faultfs os":    faulty(onDisk),
		"faultfs crash": faulty(inMemory),
		"without sync":  unsynced,
	}
	for name, setUp := range implementations {
		t.Run(name, func(t *testing.T) {
			fs, path := setUp(t)
			p := place{Assertions: require.New(t), t: t, fs: fs, path: path}
			p.dir = p.open(path)
			test(p)
		})
	}
}

func onDisk(t *testing.T) (vfs.FS, string) {
	path := t.TempDir()
	require.NoError(t, os.Chmod(path, 0o755))
	return vfs.OS(), path
}

func inMemory(t *testing.T) (vfs.FS, string) {
	fs := crashfs.New(crashfs.Options{})
	require.NoError(t, fs.MkdirAll("/w", 0o755))
	return fs, "/w"
}

func unsynced(t *testing.T) (vfs.FS, string) {
	fs, path := inMemory(t)
	return vfs.WithoutSync(fs), path
}

func faulty(setUp func(t *testing.T) (vfs.FS, string)) func(t *testing.T) (vfs.FS, string) {
	return func(t *testing.T) (vfs.FS, string) {
		fs, path := setUp(t)
		return faultfs.New(fs), path
	}
}

func (p place) open(path string) vfs.Dir {
	d, err := p.fs.OpenRoot(path)
	p.NoError(err)
	p.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (p place) join(name string) string { return filepath.ToSlash(filepath.Join(p.path, name)) }

// file makes a file with data.
func (p place) file(name, data string) {
	f, err := p.dir.Create(name, 0o644)
	p.NoError(err)
	_, err = f.Write([]byte(data))
	p.NoError(err)
	p.NoError(f.Close())
}

// sub makes a directory and opens it.
func (p place) sub(name string) vfs.Dir {
	p.NoError(p.dir.Mkdir(name, 0o755))
	d, err := p.dir.OpenDir(name)
	p.NoError(err)
	p.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (p place) read(d vfs.Dir, name string) string {
	f, err := d.Open(name)
	p.NoError(err)
	defer f.Close()
	data, err := io.ReadAll(f)
	p.NoError(err)
	return string(data)
}

func (p place) lstat(name string) vfs.Info {
	i, err := p.dir.Lstat(name)
	p.NoError(err)
	return i
}

// names lists d by name.
func (p place) names(d vfs.Dir) map[string]vfs.Kind {
	list, err := d.ReadDir()
	p.NoError(err)
	names := map[string]vfs.Kind{}
	for _, e := range list {
		names[e.Name] = e.Kind
	}
	p.Len(names, len(list), "a name twice")
	return names
}

// supported skips the rest of a test where the file system lacks the call.
func (p place) supported(err error) {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, vfs.ErrNoXattr) {
		p.t.Skip(err)
	}
	p.NoError(err)
}
