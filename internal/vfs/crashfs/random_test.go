package crashfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
)

// walker does random things to a tree of few names, so that they meet.
type walker struct {
	t    *testing.T
	r    *rand.Rand
	fs   *crashfs.FS
	safe bool // no operation destroys a file
}

var expected = []error{
	fs.ErrExist, fs.ErrNotExist, syscall.ENOTDIR, syscall.EISDIR, syscall.EINVAL, syscall.ENOTEMPTY, syscall.ELOOP, syscall.EPERM,
}

func (w walker) check(err error) {
	if err != nil && !slices.ContainsFunc(expected, func(e error) bool { return errors.Is(err, e) }) {
		require.NoError(w.t, err)
	}
}

func (w walker) name() string { return string(rune('a' + w.r.IntN(5))) }

// dir opens some directory.
func (w walker) dir() vfs.Dir {
	dirs := []string{"/"}
	for name, node := range w.fs.Tree("/") {
		if node.Kind == vfs.Directory {
			dirs = append(dirs, path.Join("/", name))
		}
	}
	slices.Sort(dirs)
	return open(w.t, w.fs, dirs[w.r.IntN(len(dirs))])
}

func (w walker) step() {
	d, e := w.dir(), w.dir()
	switch w.r.IntN(12) {
	case 0, 1:
		w.check(d.Mkdir(w.name(), 0o755))
	case 2:
		w.check(d.Rmdir(w.name()))
	case 3, 4:
		w.check(d.RenameNoReplace(w.name(), e, w.name()))
	case 5:
		w.check(d.Exchange(w.name(), e, w.name()))
	case 6:
		w.check(d.Sync())
	case 7, 8:
		w.touch(d)
	default:
		if !w.safe {
			w.destroy(d, e)
		}
	}
}

func (w walker) destroy(d, e vfs.Dir) {
	switch w.r.IntN(4) {
	case 0:
		w.check(d.Rename(w.name(), e, w.name()))
	case 1:
		w.check(d.Remove(w.name()))
	case 2:
		w.check(d.Link(w.name(), e, w.name()))
	case 3:
		if f, err := d.Create(w.name(), 0o644); err == nil {
			_, err = f.Write([]byte("created"))
			w.check(errors.Join(err, f.Close()))
		}
	}
}

// touch changes or syncs some file.
func (w walker) touch(d vfs.Dir) {
	f, err := d.OpenWrite(w.name())
	if err != nil {
		w.check(err)
		return
	}
	switch w.r.IntN(5) {
	case 0, 1:
		_, err = f.WriteAt(make([]byte, w.r.IntN(6000)), int64(10+w.r.IntN(6000)))
	case 2:
		err = f.Chmod(uint32(w.r.IntN(0o1000)))
	case 3:
		err = f.Sync()
	case 4:
		err = f.Datasync()
	}
	w.check(errors.Join(err, f.Close()))
}

func seeds(t *testing.T) uint64 {
	if testing.Short() {
		return 20
	}
	return 150
}

func TestClonesAgreeWithTheirOrigin(t *testing.T) {
	for seed := range seeds(t) {
		w := walker{t: t, r: rand.New(rand.NewPCG(seed, 0)), fs: crashfs.New(crashfs.Options{})}
		for range 60 {
			w.step()
			if w.r.IntN(10) == 0 {
				w.fs.Settle()
				require.Equal(t, w.fs.Tree("/"), w.fs.Survive(crashfs.AllLost()).Tree("/"), "seed %d", seed)
			}
		}
		tree, killed := w.fs.Tree("/"), w.fs.Killed()
		require.Equal(t, tree, w.fs.Survive(crashfs.AllKept()).Tree("/"), "seed %d", seed)
		require.Equal(t, tree, killed.Tree("/"), "seed %d", seed)
		for mix := range uint64(10) {
			c := crashfs.Random(mix)
			require.Equal(t, w.fs.Survive(c).Tree("/"), killed.Survive(c).Tree("/"), "seed %d, mix %d", seed, mix)
		}
	}
}

// Moves lose nothing: whatever becomes of them, each file is in the tree, once,
// with the bytes that were synced.
func TestRandomMovesLoseNothing(t *testing.T) {
	for seed := range seeds(t) {
		w := walker{t: t, r: rand.New(rand.NewPCG(seed, 1)), fs: crashfs.New(crashfs.Options{}), safe: true}
		want := map[string]int{}
		for i, dir := range []string{"/", "/a", "/b", "/b/c"} {
			data := fmt.Sprintf("file %d...", i)
			require.NoError(t, w.fs.MkdirAll(dir, 0o755))
			require.NoError(t, w.fs.WriteFile(path.Join(dir, "d"), []byte(data), 0o644))
			want[data] = 1
		}
		w.fs.Settle()
		for range 40 {
			w.step()
		}
		for name, s := range w.fs.Survivors() {
			require.Equal(t, want, heads(s), "seed %d: %s", seed, name)
		}
		for mix := range uint64(20) {
			require.Equal(t, want, heads(w.fs.Survive(crashfs.Random(mix))), "seed %d, mix %d", seed, mix)
		}
	}
}

// heads counts the files by their first nine bytes, which nobody writes.
func heads(fs *crashfs.FS) map[string]int {
	got := map[string]int{}
	for _, node := range fs.Tree("/") {
		if node.Kind == vfs.Regular {
			got[node.Data[:min(len(node.Data), 9)]]++
		}
	}
	return got
}
