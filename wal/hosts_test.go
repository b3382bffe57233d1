package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

func hostIntent(id string) Intent {
	return Intent{
		ID:               id,
		Edits:            []locator.FileEdit{{Path: "a\xff", StartByte: 1, EndByte: 2, NewText: "\x00\xfe"}},
		Originals:        map[string][]byte{"a\xff": []byte("old"), "empty": {}},
		ExpectedRawHash:  map[string]string{"a\xff": "xxh3:1"},
		ExpectedNormHash: map[string]string{},
	}
}

func TestHostIntents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	none, err := Replay(dir)
	require.NoError(t, err)
	require.Empty(t, none)
	require.NoError(t, Retire(dir, "x"))
	_, err = os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist, "nothing is made to find nothing")

	a, b := hostIntent("a"), hostIntent(strings.Repeat("b", 70_000))
	require.NoError(t, Append(dir, a))
	require.NoError(t, Append(dir, b))
	require.Equal(t, fail.Conflict, fail.KindOf(Append(dir, a)))
	got, err := Replay(dir)
	require.NoError(t, err)
	require.Equal(t, []Intent{a, b}, got)
	require.NoError(t, Retire(dir, "a"))
	require.NoError(t, Retire(dir, "a"))
	require.NoError(t, Retire(dir, "unknown"))
	got, err = Replay(dir)
	require.NoError(t, err)
	require.Equal(t, []Intent{b}, got)
	require.NoError(t, Append(dir, a), "a retired id may be used again")
	for name, mode := range map[string]os.FileMode{"": 0o700, logName: 0o600, lockName: 0o600, ignoreName: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}

func replayAll(t *testing.T, w WAL) (list []Entry) {
	t.Helper()
	require.NoError(t, w.Replay(func(e Entry) error {
		list = append(list, e)
		return nil
	}))
	return list
}

func TestEntries(t *testing.T) {
	for _, mode := range []SyncMode{SyncAlways, SyncNone} {
		dir := t.TempDir()
		w, err := NewFileWAL(dir, mode)
		require.NoError(t, err)
		require.Empty(t, replayAll(t, w))
		want := []Entry{
			{Op: OpPut, Entity: "e", Key: strings.Repeat("k", 70_000), Data: []byte{0, 0xff}, Timestamp: -5},
			{Op: OpDelete, Key: "\xff\xfe", Data: nil},
			{Op: OpPut, Data: []byte{}},
		}
		for _, e := range want {
			require.NoError(t, w.Append(e))
		}
		require.NoError(t, Append(dir, hostIntent("h")))
		require.Equal(t, want, replayAll(t, w))
		require.NoError(t, w.Close())
		require.NoError(t, w.Close())
		require.ErrorIs(t, w.Append(want[0]), ErrClosed)
		require.ErrorIs(t, w.Truncate(), ErrClosed)

		w, err = NewFileWAL(dir, mode)
		require.NoError(t, err)
		require.Equal(t, want, replayAll(t, w))
		require.NoError(t, w.Truncate())
		require.Empty(t, replayAll(t, w))
		require.NoError(t, w.Append(want[2]))
		require.NoError(t, w.Close())
		w, err = NewFileWAL(dir, mode)
		require.NoError(t, err)
		require.Equal(t, want[2:], replayAll(t, w))
		require.NoError(t, w.Close())
		hosts, err := Replay(dir)
		require.NoError(t, err)
		require.Len(t, hosts, 1, "truncating entries leaves intents alone")
	}
}

func TestReplayEndsWithItsCallbacksError(t *testing.T) {
	w, err := NewFileWAL(t.TempDir(), SyncAlways)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Append(Entry{Op: OpPut}))
	stop := errors.New("stop")
	require.ErrorIs(t, w.Replay(func(Entry) error { return stop }), stop)
}

func TestLesson28AppendInsideReplayAndTwoHandles(t *testing.T) {
	dir := t.TempDir()
	a, err := NewFileWAL(dir, SyncAlways)
	require.NoError(t, err)
	b, err := NewFileWAL(dir, SyncAlways)
	require.NoError(t, err)
	for i := range 3 {
		require.NoError(t, []*FileWAL{a, b, a}[i].Append(Entry{Op: OpPut, Key: fmt.Sprint(i)}))
	}
	n := 0
	require.NoError(t, a.Replay(func(Entry) error {
		n++
		return b.Append(Entry{Op: OpPut})
	}))
	require.Equal(t, 3, n, "a replay sees what was there when it began")
	require.Len(t, replayAll(t, b), 6)
	require.NoError(t, a.Close())
	require.ErrorIs(t, a.Append(Entry{}), ErrClosed)
	require.NoError(t, b.Append(Entry{Op: OpPut}))
	require.NoError(t, b.Close())
}

func TestManyAppendersReplayTruncateClose(t *testing.T) {
	dir := t.TempDir()
	w, err := NewFileWAL(dir, SyncAlways)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := 0; ; j++ {
				err := w.Append(Entry{Op: OpPut, Key: fmt.Sprint(i), Timestamp: int64(j)})
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		require.NoError(t, w.Replay(func(e Entry) error { return w.Append(Entry{Op: OpDelete}) }))
		require.NoError(t, w.Truncate())
	}
	require.NoError(t, w.Close())
	wg.Wait()
	r, err := Verify(vfs.OS(), dir)
	require.NoError(t, err)
	require.Equal(t, "ok", r.Health())
}

// An engine that holds the log does not keep its own process's hosts out.
func TestHandlesOfOneDirectoryShareOneLog(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	acquire(t, l)
	g, _ := sealIntent(t, l, "engine", 100)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	require.NoError(t, Append(link, hostIntent("host")))
	require.Len(t, l.Pending(), 1)
	g.Done()
	l.Release()
	require.NoError(t, l.Close())
	hosts, err := Replay(dir)
	require.NoError(t, err)
	require.Len(t, hosts, 1)
}

// Whoever gives the log's own path, or that of any file, for the directory must
// not hear that there is nothing in it.
func TestAFileIsNoDirectoryOfALog(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Append(dir, hostIntent("a")))
	for _, at := range []string{filepath.Join(dir, "wal.log"), filepath.Join(dir, "wal.log", "beneath")} {
		_, err := Replay(at)
		require.ErrorContains(t, err, at)
		require.ErrorContains(t, Retire(at, "a"), at)
		_, err = Verify(vfs.OS(), at)
		require.ErrorContains(t, err, at)
		require.ErrorContains(t, Dump(io.Discard, vfs.OS(), at), at)
	}
	live, err := Replay(dir)
	require.NoError(t, err)
	require.Len(t, live, 1)
}
