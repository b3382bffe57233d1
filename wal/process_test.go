//go:build unix

package wal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
)

// A test binary that finds childEnv set is a child: it appends to the log in
// that directory, from several goroutines, and prints what was acknowledged.
const childEnv = "EMEND_WAL_CHILD"

// patience is how long a child waits for the others, however slow the disk is.
const patience = 5 * time.Minute

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

func child(dir string) {
	w, err := OpenFileWAL(context.Background(), dir, Options{LockWait: patience})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				id, _ := NewID()
				if err := w.Append(Entry{Key: id.String(), Data: make([]byte, rand.IntN(3000))}); err != nil {
					fmt.Println("error", err)
					return
				}
				fmt.Println("entry", id)
			}
		})
		wg.Go(func() {
			for range 20 {
				id, _ := NewID()
				err := Append(dir, Intent{ID: id.String()})
				for locked := new(LockedError); errors.As(err, &locked); { // the machine is slow: nothing was appended
					err = Append(dir, Intent{ID: id.String()})
				}
				if err != nil {
					fmt.Println("error", err)
					return
				}
				fmt.Println("host", id)
			}
		})
		wg.Go(func() {
			for range 20 {
				if err := childIntent(w.log); err != nil {
					fmt.Println("error", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		fmt.Println("error", err)
	}
}

func childIntent(l *Log) error {
	if err := l.Acquire(context.Background(), patience, nil); err != nil {
		return err
	}
	defer l.Release()
	g, err := l.Begin(Begin{})
	if err != nil {
		return err
	}
	defer g.Done()
	if err := g.Data(0, Before, 0, make([]byte, rand.IntN(100_000))); err != nil {
		return err
	}
	if err := g.Seal(); err != nil {
		return err
	}
	if err := l.Sync(); err != nil {
		return err
	}
	fmt.Println("sealed", g.ID())
	if err := l.Retire(g.ID(), Committed); err != nil {
		return err
	}
	fmt.Println("retired", g.ID())
	return nil
}

// acks runs a child, kills it after d (0: never), counted from its start or from
// the first that it acknowledges, and returns what it had acknowledged: of each id the
// last.
func acks(t *testing.T, dir string, d time.Duration, fromFirst bool) map[string]string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill := func() {
		if d > 0 {
			timer := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
			t.Cleanup(func() { timer.Stop() })
		}
	}
	if !fromFirst {
		kill()
	}
	acked := map[string]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if fromFirst && len(acked) == 0 {
			kill()
		}
		what, id, ok := strings.Cut(lines.Text(), " ")
		require.NotEqual(t, "error", what, lines.Text())
		if ok && len(id) == idTextLen {
			acked[id] = what
		}
	}
	if err := cmd.Wait(); d == 0 {
		require.NoError(t, err)
	}
	return acked
}

func requireAcked(t *testing.T, dir string, acked map[string]string) {
	t.Helper()
	found := map[string]string{}
	w, err := NewFileWAL(dir, SyncAlways)
	require.NoError(t, err)
	for _, e := range replayAll(t, w) {
		found[e.Key] = "entry"
	}
	hosts, err := w.log.HostIntents()
	require.NoError(t, err)
	for _, h := range hosts {
		found[h.ID] = "host"
	}
	require.NoError(t, w.log.History(func(tx *Transaction) error {
		found[tx.ID.String()] = map[bool]string{true: "sealed", false: "retired"}[tx.Outcome == Pending]
		return nil
	}))
	require.NoError(t, w.Close())
	for id, what := range acked {
		if got := found[id]; got != what && !(what == "sealed" && got == "retired") {
			t.Fatalf("%s %s was acknowledged, found %q", what, id, got)
		}
	}
}

func TestKilledProcesses(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]string{}
	for i := range rounds(8, 500) {
		for id, what := range acks(t, dir, time.Duration(rand.IntN(120)+5)*time.Millisecond, i%2 == 0) {
			acked[id] = what
		}
		requireAcked(t, dir, acked)
	}
	require.NotEmpty(t, acked)
	r, err := Verify(vfs.OS(), dir)
	require.NoError(t, err)
	require.Equal(t, "ok", r.Health())
}

func TestProcessesSideBySide(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made by whoever comes first")
	var mu sync.Mutex
	acked := map[string]string{}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			mine := acks(t, dir, 0, false)
			mu.Lock()
			defer mu.Unlock()
			for id, what := range mine {
				acked[id] = what
			}
		})
	}
	wg.Wait()
	require.Len(t, acked, 3*(4*50+4*20+4*20))
	requireAcked(t, dir, acked)
}

func TestNothingLeaks(t *testing.T) {
	dir := t.TempDir()
	descriptors := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc")
		}
		return len(names)
	}
	use := func() {
		l, err := Open(context.Background(), dir, Options{})
		require.NoError(t, err)
		require.NoError(t, l.with(func(l *Log) error { return l.AppendHost(Intent{ID: time.Now().String()}) }))
		_, err = compactNow(l)
		require.NoError(t, err)
		require.NoError(t, l.History(func(*Transaction) error { return nil }))
		require.NoError(t, l.Close())
		_, err = Replay(dir)
		require.NoError(t, err)
	}
	use()
	files, goroutines := descriptors(), runtime.NumGoroutine()
	for range 20 {
		use()
	}
	require.Eventually(t, func() bool {
		runtime.GC()                                                            // old generations are closed when nobody reads them any more
		return descriptors() <= files && runtime.NumGoroutine() <= goroutines+1 // Eventually has one
	}, time.Minute, 10*time.Millisecond)
}

// A replay's memory does not grow with the log: 2 GiB with EMEND_LONG.
func TestReplayInBoundedMemory(t *testing.T) {
	w, err := NewFileWAL(t.TempDir(), SyncNone)
	require.NoError(t, err)
	data := make([]byte, 1<<20)
	n := rounds(64, 2048)
	for i := range n {
		data[i] = 1
		require.NoError(t, w.Append(Entry{Data: data}))
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak, got := uint64(0), 0
	require.NoError(t, w.Replay(func(e Entry) error {
		if got++; got%32 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapInuse)
		}
		return nil
	}))
	require.Equal(t, n, got)
	require.Less(t, peak, before.HeapInuse+96<<20)
	require.NoError(t, w.Close())
}
