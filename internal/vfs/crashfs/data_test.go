package crashfs_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

func openWrite(t *testing.T, d vfs.Dir, name string) vfs.File {
	t.Helper()
	f, err := d.OpenWrite(name)
	require.NoError(t, err)
	return f
}

func writeAt(t *testing.T, f vfs.File, data []byte, off int64) {
	t.Helper()
	_, err := f.WriteAt(data, off)
	require.NoError(t, err)
}

// grown is a durable file of 10,000 "o" with an unsynced 3,000 "n" at 6,000 and
// 5,000 "n" behind its end.
func grown(t *testing.T) *crashfs.FS {
	fs, d := disk(t)
	require.NoError(t, fs.WriteFile("/w/a", bytes.Repeat([]byte("o"), 10_000), 0o644))
	fs.Settle()
	f := openWrite(t, d, "a")
	writeAt(t, f, bytes.Repeat([]byte("n"), 3_000), 6_000)
	writeAt(t, f, bytes.Repeat([]byte("n"), 5_000), 10_000)
	return fs
}

func TestUnsyncedIsWhatNoSyncCovers(t *testing.T) {
	fs, d := disk(t)
	fs.Settle()
	f, err := d.Create("a", 0o600)
	require.NoError(t, err)
	writeAt(t, f, []byte("bytes"), 0)
	require.NoError(t, f.Chmod(0o640))
	unsynced := func() (list []string) {
		for _, o := range fs.Unsynced() {
			list = append(list, o.String())
		}
		return list
	}
	require.Equal(t, []string{"create /w/a", "write /w/a", "chmod /w/a"}, unsynced())
	require.NoError(t, f.Datasync())
	require.Equal(t, []string{"create /w/a", "chmod /w/a"}, unsynced())
	require.NoError(t, f.Sync())
	require.Equal(t, []string{"create /w/a"}, unsynced())
	require.NoError(t, d.Sync())
	require.Empty(t, unsynced())
}

func TestTornBlocksOnlyWhereUnsynced(t *testing.T) {
	for fate, unit := range map[crashfs.Fate]int{crashfs.Torn512: 512, crashfs.Torn4K: 4096} {
		fs, seen := grown(t), map[byte]bool{}
		for seed := range uint64(100) {
			c := crashfs.AllKept()
			c.Data, c.Seed = func(uint64) crashfs.Fate { return fate }, seed
			got := contents(fs.Survive(c))["a"]
			require.Contains(t, []int{10_000, 15_000}, len(got))
			for i, b := range []byte(got) {
				requireLegal(t, i, b)
				if i >= 10_000 {
					seen[b] = true
				}
				inside := i%unit != 0 && i != 6_000 && i != 9_000 && i != 10_000
				if inside && got[i-1] != b {
					require.Fail(t, "torn inside a unit", "at %d", i)
				}
			}
		}
		require.Equal(t, map[byte]bool{0: true, 'n': true}, seen)
	}
}

func requireLegal(t *testing.T, i int, b byte) {
	t.Helper()
	legal := []byte{'o'}
	switch {
	case i >= 10_000:
		legal = []byte{0, 'n'}
	case i >= 6_000 && i < 9_000:
		legal = []byte{'o', 'n'}
	}
	if !bytes.Contains(legal, []byte{b}) {
		require.Fail(t, "illegal byte", "%q at %d", b, i)
	}
}

func TestZeroedDataKeepsWhatWasSynced(t *testing.T) {
	c := crashfs.AllKept()
	c.Data = func(uint64) crashfs.Fate { return crashfs.Zeroed }
	got := contents(grown(t).Survive(c))["a"]
	require.Equal(t, string(bytes.Repeat([]byte("o"), 10_000))+string(make([]byte, 5_000)), got)
}

func TestGarbageOnlyWhereUnsynced(t *testing.T) {
	fs, garbage := grown(t), map[bool]int{}
	for seed := range uint64(20) {
		c := crashfs.AllKept()
		c.Data, c.Seed = func(uint64) crashfs.Fate { return crashfs.Garbage }, seed
		got := contents(fs.Survive(c))["a"]
		require.Len(t, got, 15_000)
		for i, b := range []byte(got) {
			if i >= 10_000 || i >= 6_000 && i < 9_000 {
				if b != 'n' {
					garbage[i >= 13_000]++
				}
				continue
			}
			require.Equal(t, byte('o'), b, "at %d", i)
		}
	}
	require.Len(t, garbage, 2, "behind the old end as well")
}

// A file that was cut to nothing and written again may come back empty.
func TestRewrittenFileMayBeEmpty(t *testing.T) {
	fs, d := disk(t, "abc")
	f := openWrite(t, d, "abc")
	require.NoError(t, f.Truncate(0))
	writeAt(t, f, []byte("xyz"), 0)
	seen := map[string]bool{}
	for seed := range uint64(300) {
		seen[contents(fs.Survive(crashfs.Random(seed)))["abc"]] = true
	}
	require.Subset(t, seen, map[string]bool{"": true, "abc": true, "xyz": true, "\x00\x00\x00": true})
}

// LESSONS 32: the second fsync works and the data is gone all the same.
func TestLesson32FailedSyncDropsThePages(t *testing.T) {
	fs, d := disk(t, "a")
	f := openWrite(t, d, "a")
	writeAt(t, f, []byte("n"), 0)
	fs.FailSync(func(op.Op) error { return syscall.EIO })
	require.ErrorIs(t, f.Sync(), syscall.EIO)
	fs.FailSync(nil)
	require.NoError(t, f.Sync())
	require.Equal(t, "n", contents(fs)["a"], "it still reads as written")
	require.Equal(t, "a", contents(fs.Survive(crashfs.AllLost()))["a"])
	writeAt(t, f, []byte("n"), 0)
	require.NoError(t, f.Sync())
	require.Equal(t, "n", contents(fs.Survive(crashfs.AllLost()))["a"], "written again, it counts again")
}

func TestPowerCutStopsEverything(t *testing.T) {
	fs, d := disk(t)
	fs.CutAfter(2)
	f := write(t, d, "a", "new")
	require.False(t, fs.Off())
	require.ErrorIs(t, f.Sync(), crashfs.ErrPowerCut)
	require.True(t, fs.Off())
	_, err := d.Lstat("a")
	require.ErrorIs(t, err, crashfs.ErrPowerCut)
	require.Equal(t, "new", contents(fs.Survive(crashfs.AllKept()))["a"])
}

func TestKilledKeepsTheUnsyncedUnsynced(t *testing.T) {
	fs, d := disk(t, "a", "b")
	f := openWrite(t, d, "a")
	held, err := f.TryLock()
	require.NoError(t, err)
	require.True(t, held)
	writeAt(t, f, []byte("n"), 0)
	require.NoError(t, d.Rename("b", d, "c"))

	killed := fs.Killed()
	require.Equal(t, map[string]string{"a": "n", "c": "b"}, contents(killed))
	require.Equal(t, map[string]string{"a": "a", "b": "b"}, contents(killed.Survive(crashfs.AllLost())))
	g := openWrite(t, open(t, killed, "/w"), "a")
	held, err = g.TryLock()
	require.NoError(t, err)
	require.True(t, held)
	writeAt(t, g, []byte("m"), 0)
	require.Equal(t, "n", contents(fs)["a"], "the clone is on its own")
}

func TestProcessesExcludeEachOther(t *testing.T) {
	fs, d := disk(t, "lock")
	other := fs.Process()
	f, g := openWrite(t, d, "lock"), openWrite(t, open(t, other, "/w"), "lock")
	for _, want := range []bool{true, false} {
		held, err := map[bool]vfs.File{true: f, false: g}[want].TryLock()
		require.NoError(t, err)
		require.Equal(t, want, held)
	}
	fs.Kill()
	require.ErrorIs(t, d.Sync(), crashfs.ErrKilled)
	held, err := g.TryLock()
	require.NoError(t, err)
	require.True(t, held)
}

func TestHookSeesEveryPointAndMayMeddle(t *testing.T) {
	fs, d := disk(t, "a")
	var points []map[string]string
	fs.OnOp(func(o op.Op) {
		points = append(points, contents(fs.Survive(crashfs.AllLost())))
		if o.Kind == op.Rename {
			require.NoError(t, open(t, fs.Meddler(), "/w").Rename("a", open(t, fs.Meddler(), "/"), "stolen"))
		}
	})
	err := d.Replace("a", 0o600, func(w io.Writer) error {
		_, err := w.Write([]byte("new"))
		return err
	})
	require.NoError(t, err)
	require.Len(t, points, 5)
	var kinds []op.Kind
	for _, o := range fs.Trace() {
		kinds = append(kinds, o.Kind)
	}
	require.Equal(t, []op.Kind{op.Create, op.Write, op.Chmod, op.Sync, op.Rename}, kinds)
	require.Equal(t, "new", contents(fs)["a"])
	require.Contains(t, fs.Tree("/"), "stolen")
	require.Equal(t, uint32(0o600), fs.Tree("/w")["a"].Mode)
}

func TestHookStandsStillAmongGoroutines(t *testing.T) {
	fs, d := disk(t)
	points := 0
	fs.OnOp(func(op.Op) {
		before := fs.Tree("/")
		points++
		require.Equal(t, before, fs.Survive(crashfs.AllKept()).Tree("/"))
	})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := string(rune('a' + i))
			f, err := d.Create(name, 0o644)
			if err == nil {
				_, err = f.Write([]byte(name))
			}
			if err == nil {
				err = errors.Join(f.Sync(), d.Rename(name, d, "r"+name), d.Sync())
			}
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 4*5, points)
	require.Len(t, contents(fs.Survive(crashfs.AllLost())), 4)
}

func TestFullDisk(t *testing.T) {
	fs := crashfs.New(crashfs.Options{Size: 3 * 4096})
	d := open(t, fs, "/")
	f, err := d.Create("a", 0o644)
	require.NoError(t, err)
	n, err := f.Write(make([]byte, 20_000))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 8192, n)
	_, err = f.WriteAt([]byte("over what is there"), 100)
	require.NoError(t, err)
	require.NoError(t, d.Remove("a"))
	require.NoError(t, write(t, d, "b", "there is room again").Close())
}

func TestMountsAndMissingFeatures(t *testing.T) {
	fs := crashfs.New(crashfs.Options{NoExchange: true, NoRenameNoReplace: true, NoLink: true, NoSyncFS: true})
	require.NoError(t, fs.MkdirAll("/m", 0o755))
	require.NoError(t, fs.Mount("/m"))
	require.NoError(t, fs.WriteFile("/f", nil, 0o644))
	require.NoError(t, fs.WriteFile("/bound", nil, 0o644))
	require.NoError(t, fs.Bind("/bound"))
	d, m := open(t, fs, "/"), open(t, fs, "/m")
	here, err := d.Volume()
	require.NoError(t, err)
	there, err := m.Volume()
	require.NoError(t, err)
	require.NotEqual(t, here, there)
	require.ErrorIs(t, d.Rename("f", m, "f"), syscall.EXDEV)
	require.ErrorIs(t, d.Rmdir("m"), syscall.EBUSY)
	require.ErrorIs(t, d.Rename("f", d, "bound"), syscall.EBUSY)
	require.ErrorIs(t, d.RenameNoReplace("f", d, "g"), errors.ErrUnsupported)
	require.ErrorIs(t, d.Exchange("f", d, "bound"), errors.ErrUnsupported)
	require.ErrorIs(t, d.Link("f", d, "g"), syscall.EPERM)
	require.ErrorIs(t, d.SyncFS(), errors.ErrUnsupported)
}

func TestSurvivorsAreIndependent(t *testing.T) {
	fs, d := disk(t, "a")
	s := fs.Survive(crashfs.AllKept())
	writeAt(t, openWrite(t, d, "a"), []byte("n"), 0)
	require.NoError(t, open(t, s, "/w").Remove("a"))
	require.Equal(t, map[string]string{"a": "n"}, contents(fs))
	require.Empty(t, contents(s))
}

func BenchmarkSurvive(b *testing.B) {
	fs := crashfs.New(crashfs.Options{})
	require.NoError(b, fs.MkdirAll("/w", 0o755))
	for i := range 60 {
		require.NoError(b, fs.WriteFile("/w/f"+string(rune('A'+i)), make([]byte, 5_000), 0o644))
	}
	fs.Settle()
	for i := range 10 {
		require.NoError(b, fs.WriteFile("/w/n"+string(rune('A'+i)), make([]byte, 5_000), 0o644))
	}
	for seed := uint64(0); b.Loop(); seed++ {
		fs.Survive(crashfs.Random(seed))
	}
}
