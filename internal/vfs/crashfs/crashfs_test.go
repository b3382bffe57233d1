package crashfs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// disk is a file system with these durable files in the durable directory /w.
func disk(t *testing.T, files ...string) (*crashfs.FS, vfs.Dir) {
	t.Helper()
	fs := crashfs.New(crashfs.Options{})
	require.NoError(t, fs.MkdirAll("/w", 0o755))
	for _, name := range files {
		require.NoError(t, fs.WriteFile("/w/"+name, []byte(name), 0o644))
	}
	fs.Settle()
	return fs, open(t, fs, "/w")
}

func open(t *testing.T, fs *crashfs.FS, path string) vfs.Dir {
	t.Helper()
	d, err := fs.OpenRoot(path)
	require.NoError(t, err)
	return d
}

// write makes name with data and leaves it unsynced and open.
func write(t *testing.T, d vfs.Dir, name, data string) vfs.File {
	t.Helper()
	f, err := d.Create(name, 0o644)
	require.NoError(t, err)
	_, err = f.Write([]byte(data))
	require.NoError(t, err)
	return f
}

// contents is what the tree under /w says, files by name.
func contents(fs *crashfs.FS) map[string]string {
	got := map[string]string{}
	for name, node := range fs.Tree("/w") {
		if node.Kind == vfs.Regular {
			got[name] = node.Data
		}
	}
	return got
}

func TestUnsyncedCreateIsLost(t *testing.T) {
	fs, d := disk(t)
	write(t, d, "a", "new")
	require.Empty(t, contents(fs.Survive(crashfs.AllLost())))
	require.Equal(t, map[string]string{"a": "new"}, contents(fs.Survive(crashfs.AllKept())))
}

func TestFileSyncDoesNotMakeTheNameDurable(t *testing.T) {
	fs, d := disk(t)
	require.NoError(t, write(t, d, "a", "new").Sync())
	require.Empty(t, contents(fs.Survive(crashfs.AllLost())))
	require.NoError(t, d.Sync())
	require.Equal(t, map[string]string{"a": "new"}, contents(fs.Survive(crashfs.AllLost())))
}

func TestDirectorySyncDoesNotMakeTheDataDurable(t *testing.T) {
	fs, d := disk(t)
	write(t, d, "a", "new")
	require.NoError(t, d.Sync())
	require.Equal(t, map[string]string{"a": ""}, contents(fs.Survive(crashfs.AllLost())))
}

func TestDatasyncLeavesMetadata(t *testing.T) {
	fs, d := disk(t, "a")
	f, err := d.OpenWrite("a")
	require.NoError(t, err)
	require.NoError(t, f.Chmod(0o600))
	_, err = f.Write([]byte("longer"))
	require.NoError(t, err)
	require.NoError(t, f.Datasync())
	lost := fs.Survive(crashfs.AllLost()).Tree("/w")["a"]
	require.Equal(t, "longer", lost.Data)
	require.Equal(t, uint32(0o644), lost.Mode)
	require.NoError(t, f.Sync())
	require.Equal(t, uint32(0o600), fs.Survive(crashfs.AllLost()).Tree("/w")["a"].Mode)
}

func TestRenameIsLostOrKept(t *testing.T) {
	fs, d := disk(t, "a", "b")
	require.NoError(t, d.Rename("a", d, "b"))
	require.Equal(t, map[string]string{"a": "a", "b": "b"}, contents(fs.Survive(crashfs.AllLost())))
	require.Equal(t, map[string]string{"b": "a"}, contents(fs.Survive(crashfs.AllKept())))
}

func TestExchangeIsAtomic(t *testing.T) {
	fs, d := disk(t, "a", "b")
	require.NoError(t, fs.MkdirAll("/w/d", 0o755))
	fs.Settle()
	sub := open(t, fs, "/w/d")
	require.NoError(t, d.Rename("b", sub, "b"))
	require.NoError(t, d.Exchange("a", sub, "b"))
	before, between := map[string]string{"a": "a", "b": "b"}, map[string]string{"a": "a", "d/b": "b"}
	after := map[string]string{"a": "b", "d/b": "a"}
	for name, s := range fs.Survivors() {
		require.Contains(t, []any{before, between, after}, contents(s), name)
	}
}

// A sync of one directory takes along what it cannot do without, and nothing
// else.
func TestDirectorySyncTakesDependenciesAlong(t *testing.T) {
	fs, d := disk(t, "a", "x")
	require.NoError(t, fs.MkdirAll("/w/d", 0o755))
	fs.Settle()
	sub := open(t, fs, "/w/d")
	require.NoError(t, d.Rename("a", d, "b"))   // needed: it made the entry b
	require.NoError(t, d.Rename("x", d, "y"))   // not needed
	require.NoError(t, d.Rename("b", sub, "c")) // touches d
	require.NoError(t, sub.Sync())
	require.Equal(t, map[string]string{"d/c": "a", "x": "x"}, contents(fs.Survive(crashfs.AllLost())))
}

// Whatever is lost, a file that was durable is somewhere.
func TestNoSurvivorLosesADurableFile(t *testing.T) {
	fs, d := disk(t, "f", "g")
	require.NoError(t, d.Mkdir("d", 0o755))
	sub := open(t, fs, "/w/d")
	require.NoError(t, sub.Mkdir("e", 0o755))
	deep := open(t, fs, "/w/d/e")
	require.NoError(t, sub.Sync()) // e is in d, d is nowhere
	require.NoError(t, d.Rename("f", deep, "f"))
	require.NoError(t, deep.Rename("f", d, "h"))
	require.NoError(t, d.Rename("g", deep, "g"))
	require.NoError(t, deep.Rename("g", d, "g"))
	require.NoError(t, sub.Rmdir("e"))
	require.NoError(t, d.Rmdir("d"))
	check := func(name string, s *crashfs.FS) {
		var all []string
		for _, data := range contents(s) {
			all = append(all, data)
		}
		require.ElementsMatch(t, []string{"f", "g"}, all, name)
	}
	for name, s := range fs.Survivors() {
		check(name, s)
	}
	for seed := range uint64(200) {
		check("random", fs.Survive(crashfs.Random(seed)))
	}
}

// The name of a directory is its parent's affair, also where things in it are
// durable.
func TestSyncedDirectoryWithoutNameIsLost(t *testing.T) {
	fs, d := disk(t)
	require.NoError(t, d.Mkdir("d", 0o755))
	sub := open(t, fs, "/w/d")
	require.NoError(t, write(t, sub, "a", "new").Sync())
	require.NoError(t, sub.Sync())
	require.Empty(t, fs.Survive(crashfs.AllLost()).Tree("/w"))
	require.NoError(t, d.Sync())
	require.Equal(t, map[string]string{"d/a": "new"}, contents(fs.Survive(crashfs.AllLost())))
}

func TestMovedDirectoriesNeverEndBeneathThemselves(t *testing.T) {
	fs, d := disk(t)
	require.NoError(t, fs.MkdirAll("/w/a/c", 0o755))
	require.NoError(t, fs.WriteFile("/w/a/c/f", []byte("f"), 0o644))
	fs.Settle()
	require.NoError(t, open(t, fs, "/w/a").Rename("c", d, "c"))
	require.NoError(t, d.Rename("a", open(t, fs, "/w/c"), "a"))
	for name, s := range fs.Survivors() {
		require.Len(t, contents(s), 1, name)
	}
}

func TestSyncFSMakesEverythingDurable(t *testing.T) {
	fs, d := disk(t, "a")
	write(t, d, "b", "new")
	require.NoError(t, d.Chmod("a", 0o600))
	require.NoError(t, d.SyncFS())
	require.Equal(t, fs.Tree("/"), fs.Survive(crashfs.AllLost()).Tree("/"))
}

func TestSkipSync(t *testing.T) {
	fs, d := disk(t)
	fs.SkipSync(func(o op.Op) bool { return o.Kind == op.SyncDir })
	require.NoError(t, write(t, d, "a", "new").Sync())
	require.NoError(t, d.Sync())
	require.Empty(t, contents(fs.Survive(crashfs.AllLost())))
}

func TestMetadataSurvivesInOrder(t *testing.T) {
	fs, d := disk(t, "a")
	require.NoError(t, d.Chown("a", 7, 7))
	require.NoError(t, d.Chmod("a", 0o600))
	for seed := range uint64(50) {
		n := fs.Survive(crashfs.Random(seed)).Tree("/w")["a"]
		require.False(t, n.Mode == 0o600 && n.UID == 0, "the mode without the owner set before it")
	}
}
