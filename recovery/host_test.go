package recovery_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

const root = "/w"

// hostTree is a workspace with files of what a host had edited, and its
// intents in the log.
func hostTree(t *testing.T, files map[string]string, intents ...wal.Intent) *crashfs.FS {
	t.Helper()
	fs := crashfs.New(crashfs.Options{})
	require.NoError(t, fs.MkdirAll(root, 0o755))
	for name, data := range files {
		require.NoError(t, fs.WriteFile(root+"/"+name, []byte(data), 0o640))
	}
	log, err := wal.Open(context.Background(), root+"/.emend", wal.Options{FS: fs})
	require.NoError(t, err)
	require.NoError(t, log.Acquire(context.Background(), time.Second, nil))
	for _, in := range intents {
		require.NoError(t, log.AppendHost(in))
	}
	log.Release()
	require.NoError(t, log.Close())
	fs.Settle()
	return fs
}

// replacing is an intent that replaces the whole text of files.
func replacing(id string, files ...[3]string) wal.Intent {
	in := wal.Intent{ID: id, Originals: map[string][]byte{}, ExpectedRawHash: map[string]string{}}
	for _, f := range files {
		in.Edits = append(in.Edits, locator.FileEdit{Path: f[0], EndByte: len(f[1]), NewText: f[2]})
		in.Originals[f[0]] = []byte(f[1])
		in.ExpectedRawHash[f[0]] = hashing.Raw([]byte(f[1])).String()
	}
	return in
}

func hostsLeft(t *testing.T, fs *crashfs.FS) []wal.Intent {
	t.Helper()
	log, err := wal.Open(context.Background(), root+"/.emend", wal.Options{FS: fs, ReadOnly: true})
	require.NoError(t, err)
	defer log.Close()
	list, err := log.HostIntents()
	require.NoError(t, err)
	return list
}

func content(fs *crashfs.FS, path string) string { return fs.Tree(root)[path].Data }

func runHost(fs *crashfs.FS, o recovery.Options) (*recovery.Report, error) {
	o.FS, o.Host = fs, true
	return recovery.Run(context.Background(), root, o)
}

func TestHostIntents(t *testing.T) {
	two := replacing("one", [3]string{"a", "a\n", "A\n"}, [3]string{"b", "b\n", "B\n"})
	for _, test := range []struct {
		name   string
		files  map[string]string
		policy recovery.Policy
		action string
		want   map[string]string
	}{
		{"half done goes forward", map[string]string{"a": "A\n", "b": "b\n"}, recovery.Auto, recovery.ActionForward,
			map[string]string{"a": "A\n", "b": "B\n"}},
		{"not begun goes forward", map[string]string{"a": "a\n", "b": "b\n"}, recovery.Auto, recovery.ActionForward,
			map[string]string{"a": "A\n", "b": "B\n"}},
		{"half done goes back when asked", map[string]string{"a": "A\n", "b": "b\n"}, recovery.PolicyBack, recovery.ActionBack,
			map[string]string{"a": "a\n", "b": "b\n"}},
		{"done is finished", map[string]string{"a": "A\n", "b": "B\n"}, recovery.Auto, recovery.ActionFinished,
			map[string]string{"a": "A\n", "b": "B\n"}},
		{"foreign stays, and the rest goes back", map[string]string{"a": "A\n", "b": "mine\n"}, recovery.PolicyForward, recovery.ActionBack,
			map[string]string{"a": "a\n", "b": "mine\n"}},
		{"a missing file is foreign", map[string]string{"a": "A\n"}, recovery.Auto, recovery.ActionBack, map[string]string{"a": "a\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := hostTree(t, test.files, two)
			r, err := recovery.Inspect(context.Background(), root, recovery.Options{FS: fs, Host: true, Policy: test.policy})
			require.NoError(t, err)
			require.Equal(t, test.action, r.Intents[0].Action)
			require.Len(t, hostsLeft(t, fs), 1)
			for path, data := range test.files {
				require.Equal(t, data, content(fs, path))
			}
			r, err = recovery.Run(context.Background(), root, recovery.Options{FS: fs})
			require.NoError(t, err)
			require.Empty(t, r.Intents, "nobody asked")

			r, err = runHost(fs, recovery.Options{Policy: test.policy})
			require.NoError(t, err)
			require.Equal(t, "one", r.Intents[0].ID)
			require.Equal(t, test.action, r.Intents[0].Action)
			for path, data := range test.want {
				require.Equal(t, data, content(fs, path))
				require.Equal(t, uint32(0o640), fs.Tree(root)[path].Mode)
			}
			require.Empty(t, hostsLeft(t, fs))
			r, err = runHost(fs, recovery.Options{})
			require.NoError(t, err)
			require.Empty(t, r.Intents)
		})
	}
}

// Two pending intents on one file were undone oldest first, ending in a state
// that never existed.
func TestLesson09IntentsOnOneFileAreUndoneNewestFirst(t *testing.T) {
	first := replacing("first", [3]string{"a", "1\n", "2\n"})
	second := replacing("second", [3]string{"a", "2\n", "3\n"})
	fs := hostTree(t, map[string]string{"a": "3\n"}, first, second)
	_, err := runHost(fs, recovery.Options{Policy: recovery.PolicyBack})
	require.NoError(t, err)
	require.Equal(t, "1\n", content(fs, "a"))

	fs = hostTree(t, map[string]string{"a": "1\n"}, first, second)
	_, err = runHost(fs, recovery.Options{})
	require.NoError(t, err)
	require.Equal(t, "3\n", content(fs, "a"))
}

// A path out of the root, or an original that is not the expected one, is acted
// on by nobody; the other intents are.
func TestHostIntentsThatCannotBeTrusted(t *testing.T) {
	outside := replacing("outside", [3]string{"../x", "a", "b"})
	wrong := replacing("wrong", [3]string{"a", "a\n", "A\n"})
	wrong.ExpectedRawHash["a"] = hashing.Raw([]byte("other")).String()
	none := replacing("none", [3]string{"a", "a\n", "A\n"})
	none.Originals = nil
	good := replacing("good", [3]string{"b", "b\n", "B\n"})
	fs := hostTree(t, map[string]string{"a": "a\n", "b": "b\n"}, outside, wrong, none, good)
	r, err := runHost(fs, recovery.Options{})
	require.Equal(t, fail.PathEscape, fail.KindOf(err))
	require.ErrorContains(t, err, `host intent "outside"`)
	require.Len(t, r.Intents, 1)
	require.Equal(t, "a\n", content(fs, "a"))
	require.Equal(t, "B\n", content(fs, "b"))
	require.Len(t, hostsLeft(t, fs), 3)
}

// Acting on a host's intent is crashed at every operation, and done again.
func TestCrashWhileActingOnHostIntents(t *testing.T) {
	in := replacing("one", [3]string{"a", "a\n", "A\n"}, [3]string{"b", "b\n", "B\n"})
	fs := hostTree(t, map[string]string{"a": "A\n", "b": "b\n"}, in)
	var crashed []*crashfs.FS
	fs.OnOp(func(op.Op) {
		crashed = append(crashed, fs.Killed(), fs.Survive(crashfs.AllLost()), fs.Survive(crashfs.Random(uint64(len(crashed)))))
	})
	_, err := runHost(fs, recovery.Options{})
	require.NoError(t, err)
	fs.OnOp(nil)
	for i, c := range crashed {
		_, err := runHost(c, recovery.Options{})
		require.NoError(t, err, i)
		require.Equal(t, "A\n", content(c, "a"), i)
		require.Equal(t, "B\n", content(c, "b"), i)
		require.Empty(t, hostsLeft(t, c), i)
	}
	require.NotEmpty(t, crashed)
}
