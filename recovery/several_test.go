package recovery_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// createTree is a workspace in which each of several processes has sealed an
// intent that creates one file, and died.
func createTree(t *testing.T, paths ...string) *crashfs.FS {
	t.Helper()
	fs := hostTree(t, nil)
	log, err := wal.Open(t.Context(), root+"/.emend", wal.Options{FS: fs})
	require.NoError(t, err)
	require.NoError(t, log.Acquire(t.Context(), time.Second, nil))
	for _, p := range paths {
		text := []byte(p + "\n")
		g, err := log.Begin(wal.Begin{Label: p})
		require.NoError(t, err)
		require.NoError(t, g.Step(&wal.Step{Path: p, LinkOf: -1, Op: wal.StepCreate, HasAfter: true,
			After: wal.State{Kind: vfs.Regular, Hash: hashing.Raw(text), Norm: hashing.Norm(text), Size: int64(len(text)), Meta: wal.Meta{Mode: 0o644}}}))
		require.NoError(t, g.Data(0, wal.After, 0, text))
		require.NoError(t, g.Seal())
		g.Done()
	}
	require.NoError(t, log.Sync())
	log.Release()
	require.NoError(t, log.Close())
	fs.Settle()
	return fs
}

// Intents are recovered each on its own: one that cannot be stays, and takes no
// other with it.
func TestIntentsThatFailKeepNobodyElseWaiting(t *testing.T) {
	fs := createTree(t, "a", "bad1", "b", "bad2", "c")
	sick := faultfs.New(fs, faultfs.Fault{N: 1, Forever: true, Err: syscall.EIO, Match: func(o op.Op) bool {
		return strings.HasPrefix(o.Path, root+"/bad")
	}})
	for _, dryRun := range []bool{true, false, false} {
		left, err := recovery.Pending(t.Context(), root, recovery.Options{FS: fs})
		require.NoError(t, err)
		run := recovery.Run
		if dryRun {
			run = recovery.Inspect
		}
		r, err := run(t.Context(), root, recovery.Options{FS: sick})
		require.Equal(t, fail.IO, fail.KindOf(err))
		for _, s := range left {
			if strings.HasPrefix(s.Label, "bad") {
				require.ErrorContains(t, err, s.ID)
			} else {
				require.NotContains(t, err.Error(), s.ID)
			}
		}
		require.Len(t, r.Intents, len(left)-2)
	}
	for _, p := range []string{"a", "b", "c"} {
		require.Equal(t, p+"\n", content(fs, p))
	}
	r, err := recovery.Run(t.Context(), root, recovery.Options{FS: fs})
	require.NoError(t, err)
	require.Len(t, r.Intents, 2)
	require.Equal(t, "bad1\n", content(fs, "bad1"))
}

// Those of hosts as well.
func TestHostIntentsThatFailKeepNobodyElseWaiting(t *testing.T) {
	var intents []wal.Intent
	files := map[string]string{}
	for _, p := range []string{"bad1", "a", "bad2", "b"} {
		intents = append(intents, replacing("of "+p, [3]string{p, "old\n", "new\n"}))
		files[p] = "old\n"
	}
	fs := hostTree(t, files, intents...)
	sick := faultfs.New(fs, faultfs.Fault{N: 1, Forever: true, Err: syscall.EIO, Match: func(o op.Op) bool {
		return strings.HasPrefix(o.Path, root+"/bad")
	}})
	r, err := recovery.Run(t.Context(), root, recovery.Options{FS: sick, Host: true})
	require.ErrorContains(t, err, `"of bad1"`)
	require.ErrorContains(t, err, `"of bad2"`)
	require.Len(t, r.Intents, 2)
	require.Equal(t, "new\n", content(fs, "a"))
	require.Equal(t, "new\n", content(fs, "b"))
	require.Len(t, hostsLeft(t, fs), 2)
	_, err = runHost(fs, recovery.Options{})
	require.NoError(t, err)
	require.Equal(t, "new\n", content(fs, "bad2"))
}
