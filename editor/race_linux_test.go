package editor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

// transactions is how many a race test runs; a thousand with EMEND_LONG.
func transactions() int {
	switch {
	case long():
		return 1000
	case testing.Short():
		return 10
	}
	return 60
}

// meanwhile runs do in a tight loop until the test calls stop, which returns
// how often it ran.
func meanwhile(do func(n int)) (stop func() int) {
	var over atomic.Bool
	ran := make(chan int)
	go func() {
		n := 0
		for ; !over.Load(); n++ {
			do(n)
		}
		ran <- n
	}()
	return func() int { over.Store(true); return <-ran }
}

// raced runs transactions that change a, b and c while somebody changes b. A
// transaction changes all three or none: a and c, which nobody else touches,
// say which.
func raced(t *testing.T, root string, count int, edit func(k int) editor.Op) (committed int) {
	t.Helper()
	for _, name := range []string{"a", "c"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("0\n"), 0o644))
	}
	ed, err := editor.Open(context.Background(), root)
	require.NoError(t, err)
	defer ed.Close()
	last := "0\n"
	for k := 1; k <= count; k++ {
		now := fmt.Sprintf("%d\n", k)
		tx, err := ed.Prepare(context.Background(), editor.Plan{Ops: []editor.Op{
			editor.Write{Path: "a", Content: []byte(now)}, edit(k), editor.Write{Path: "c", Content: []byte(now)}}})
		if err == nil {
			_, err = tx.Commit(context.Background())
		}
		if err == nil {
			last = now
			committed++
		} else {
			require.Equal(t, string(fail.Unchanged), stateOf(t, err, "raced"), err)
			require.Contains(t, []fail.Kind{fail.Foreign, fail.Drift, fail.Busy}, fail.KindOf(err), err)
		}
		for _, name := range []string{"a", "c"} {
			b, err := os.ReadFile(filepath.Join(root, name))
			require.NoError(t, err)
			require.Equal(t, last, string(b), "transaction %d is half applied: %s", k, name)
		}
	}
	return committed
}

func prepend(k int) editor.Op {
	return editor.Edit{Path: "b", Edits: []locator.Edit{{Text: fmt.Appendf(nil, "t%d\n", k)}}}
}

// TestRacingRenames: a writer renames new files over b, as fast as it can. What
// it has written stands at b, if not at once (a transaction that had taken its
// file for the one before puts it back), until it writes again.
func TestRacingRenames(t *testing.T) {
	root := t.TempDir()
	b, mine := filepath.Join(root, "b"), filepath.Join(t.TempDir(), "mine")
	require.NoError(t, os.WriteFile(b, []byte("w\n"), 0o644))
	var failed error
	last := ""
	stands := func() bool {
		text, err := os.ReadFile(b)
		return err == nil && strings.HasSuffix(string(text), last)
	}
	stop := meanwhile(func(n int) {
		last = fmt.Sprintf("w%d\n", n)
		if err := errors.Join(os.WriteFile(mine, []byte(last), 0o644), os.Rename(mine, b)); err != nil {
			failed = errors.Join(failed, err)
		}
		if n%5 != 0 { // often enough it does not look, but writes again
			return
		}
		for begun := time.Now(); !stands(); {
			if time.Since(begun) > hang {
				failed = errors.Join(failed, fmt.Errorf("%q is lost", last))
				return
			}
		}
	})
	committed := raced(t, root, transactions(), prepend)
	n := stop()
	require.NoError(t, failed)
	require.True(t, stands())
	t.Logf("%d of %d transactions committed against %d renames", committed, transactions(), n)
}

// TestRacingAppends: a writer appends to b in place. A transaction that b does
// not hold still for changes nothing; what is in b is lines of the writer and
// of transactions, never parts of them.
func TestRacingAppends(t *testing.T) {
	root := t.TempDir()
	b := filepath.Join(root, "b")
	require.NoError(t, os.WriteFile(b, nil, 0o644))
	var failed error
	stop := meanwhile(func(n int) {
		f, err := os.OpenFile(b, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			if n%2000 == 0 {
				err = f.Truncate(0)
			}
			_, werr := fmt.Fprintf(f, "w%d\n", n)
			err = errors.Join(err, werr, f.Close())
		}
		failed = errors.Join(failed, err)
	})
	committed := raced(t, root, transactions(), prepend)
	n := stop()
	require.NoError(t, failed)
	text, err := os.ReadFile(b)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		require.Regexp(t, `^[wt][0-9]+\n$`, line)
	}
	t.Logf("%d of %d transactions committed against %d appends", committed, transactions(), n)
}

// TestRacingCreates: a writer makes the files that transactions create. Theirs
// are never clobbered.
func TestRacingCreates(t *testing.T) {
	root := t.TempDir()
	b := filepath.Join(root, "b")
	var failed error
	stop := meanwhile(func(int) {
		f, err := os.OpenFile(b, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if os.IsExist(err) {
			if text, err := os.ReadFile(b); err == nil && string(text) == "emend\n" {
				_ = os.Remove(b) // a transaction was first
			}
			return
		}
		if err == nil {
			_, werr := f.WriteString("writer\n")
			err = errors.Join(werr, f.Close())
		}
		text, rerr := os.ReadFile(b)
		if err = errors.Join(err, rerr); err != nil || string(text) != "writer\n" {
			failed = errors.Join(failed, fmt.Errorf("the writer's file was replaced: %q %w", text, err))
		}
		failed = errors.Join(failed, os.Remove(b))
	})
	for range transactions() {
		_, err := applyIn(root, editor.Create{Path: "b", Content: []byte("emend\n")})
		if err != nil {
			require.Contains(t, []fail.Kind{fail.Foreign, fail.Drift, fail.Exists}, fail.KindOf(err), err)
			require.Equal(t, string(fail.Unchanged), stateOf(t, err, "create"), err)
		}
	}
	stop()
	require.NoError(t, failed)
}

// TestSwappedDirectories: an attacker swaps directories for links that lead out
// of the root, as fast as they can, while transactions change what is in them.
// Out there stand the same files, so that nothing but the way tells.
func TestSwappedDirectories(t *testing.T) {
	top := t.TempDir()
	root, out := filepath.Join(top, "root"), filepath.Join(top, "out")
	fill := func(dir string) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
		for _, name := range []string{"edit", "chmod", "gone", "moves", "sub/deep", "one"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(oldText), 0o644))
		}
		require.NoError(t, os.Link(filepath.Join(dir, "one"), filepath.Join(dir, "two")))
	}
	fill(out)
	outside := lookAll(t, out)
	d, err := vfs.OS().OpenRoot(top)
	require.NoError(t, err)
	defer d.Close()
	outcomes := make(map[fail.Kind]int)
	for k := range transactions() {
		require.NoError(t, os.RemoveAll(root))
		fill(filepath.Join(root, "dir"))
		require.NoError(t, os.Symlink("../out", filepath.Join(root, "evil")))
		require.NoError(t, os.Symlink("../../out/sub", filepath.Join(root, "dir", "evil")))
		w, err := d.OpenDir("root")
		require.NoError(t, err)
		ed, err := editor.Open(context.Background(), root)
		require.NoError(t, err)
		ops := []editor.Op{
			editor.Edit{Path: "dir/edit", Edits: find("two", "2")},
			editor.Chmod{Path: "dir/chmod", Mode: 0o600},
			editor.Delete{Path: "dir/gone"},
			editor.Rename{From: "dir/moves", To: "dir/sub/moved"},
			editor.Create{Path: "dir/new/file", Content: []byte("x")},
			editor.Write{Path: "dir/one", Content: []byte(newText)},
			editor.Write{Path: "dir/sub/deep", Content: []byte(newText)}}
		tx, err := ed.Prepare(context.Background(), editor.Plan{Ops: ops})
		require.NoError(t, err)
		stop := meanwhile(func(n int) {
			_ = w.Exchange("dir", w, "evil")
			if n%3 == 0 {
				if dir, err := w.OpenDir("dir"); err == nil {
					_ = dir.Exchange("sub", dir, "evil")
					dir.Close()
				}
			}
		})
		if k%2 == 0 {
			_, err = tx.Commit(context.Background())
		} else {
			_, err = ed.Apply(context.Background(), editor.Plan{Ops: ops})
		}
		outcomes[fail.KindOf(err)]++
		require.NotEqual(t, fail.IO, fail.KindOf(err), err)
		stop()
		require.NoError(t, errors.Join(ed.Close(), w.Close()))
		require.Equal(t, outside, lookAll(t, out), "transaction %d: %v", k, err)
	}
	t.Logf("ends by kind of error: %v", outcomes)
}
