package editor_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// openAt opens an Editor on a new workspace with the files.
func openAt(t *testing.T, files map[string]string) (*editor.Editor, string) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(text), 0o644))
	}
	ed, err := editor.Open(t.Context(), root)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ed.Close() })
	return ed, root
}

func writePlan(path, text string) editor.Plan {
	return editor.Plan{Ops: []editor.Op{editor.Write{Path: path, Content: []byte(text)}}}
}

// An Editor may be open for days. A directory that somebody has moved out of
// the workspace meanwhile, and made anew, must not be written to where it is now.
func TestADirectoryMovedAwayIsNotWrittenTo(t *testing.T) {
	ed, root := openAt(t, map[string]string{"d/e/x": "old\n"})
	_, err := ed.Apply(t.Context(), writePlan("d/e/x", "one\n"))
	require.NoError(t, err)

	outside := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.Rename(filepath.Join(root, "d"), outside))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "d", "e"), 0o755))

	tx, err := ed.Prepare(t.Context(), writePlan("d/e/x", "two\n"))
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Join(root, "d"), outside+"2"))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "d", "e"), 0o755))
	_, err = tx.Commit(t.Context())
	require.NoError(t, err)

	for name, want := range map[string]string{filepath.Join(outside, "e", "x"): "one\n", filepath.Join(root, "d", "e", "x"): "two\n"} {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	require.NoFileExists(t, filepath.Join(outside+"2", "e", "x"))
}

// The lock and the log that count are those at .emend: an Editor that still
// holds an older directory would exclude nobody, and its intents would be lost.
func TestAnEditorWhoseEmendWasReplacedRefuses(t *testing.T) {
	for name, replace := range map[string]func(root string) error{
		"removed": func(root string) error { return os.RemoveAll(filepath.Join(root, ".emend")) },
		"moved":   func(root string) error { return os.Rename(filepath.Join(root, ".emend"), filepath.Join(root, "away")) },
		"made anew": func(root string) error {
			if err := os.Rename(filepath.Join(root, ".emend"), filepath.Join(root, "away")); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(root, ".emend"), 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ed, root := openAt(t, map[string]string{"x": "old\n"})
			_, err := ed.Apply(t.Context(), writePlan("x", "one\n"))
			require.NoError(t, err)
			require.NoError(t, replace(root))
			_, err = ed.Apply(t.Context(), writePlan("x", "two\n"))
			require.ErrorIs(t, err, &editor.Error{Kind: "conflict"})
			require.Equal(t, "unchanged", stateOf(t, err, name))
			got, err := os.ReadFile(filepath.Join(root, "x"))
			require.NoError(t, err)
			require.Equal(t, "one\n", string(got))
		})
	}
}

// The first transactions of a new workspace, side by side.
func TestFirstTransactionsSideBySide(t *testing.T) {
	ed, root := openAt(t, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := ed.Apply(context.Background(), writePlan("f"+strconv.Itoa(i), "text\n"))
			require.NoError(t, err)
		})
	}
	wg.Wait()
	for i := range 8 {
		require.FileExists(t, filepath.Join(root, "f"+strconv.Itoa(i)))
	}
}

// A key is used once, whichever files its plans are about.
func TestOneKeySideBySide(t *testing.T) {
	ed, _ := openAt(t, nil)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		plan := writePlan("f"+strconv.Itoa(i), "text\n")
		plan.Key = "once"
		wg.Go(func() { _, errs[i] = ed.Apply(context.Background(), plan) })
	}
	wg.Wait()
	committed := 0
	for _, err := range errs {
		if err == nil {
			committed++
			continue
		}
		require.ErrorIs(t, err, &editor.Error{Kind: "conflict"})
	}
	require.Equal(t, 1, committed)
}

// Whoever opens a crashed workspace recovers it. Of the goroutines of one
// process only one does; the others wait for it.
func TestRecoveriesSideBySide(t *testing.T) {
	plan := crashPlans()["five"]
	tr := treesOf(t, plan, crashfs.Options{})
	fs := crashTree(t, crashfs.Options{})
	var crashed []*crashfs.FS
	fs.OnOp(func(o op.Op) {
		if o.Kind == op.Exchange || o.Kind == op.RenameNoReplace || o.Kind == op.Chmod {
			crashed = append(crashed, fs.Killed())
		}
	})
	_, err := applyPlan(fs, plan)
	require.NoError(t, err)
	for i, fs := range crashed {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := recovery.Run(context.Background(), crashRoot, recovery.Options{FS: fs, LockWait: hang})
				require.NoError(t, err)
			})
			wg.Go(func() {
				ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
				require.NoError(t, err)
				require.NoError(t, ed.Close())
			})
		}
		wg.Wait()
		require.NotEqual(t, isMixed, tr.outcome(fs), "crash %d", i)
		require.Empty(t, leftovers(fs))
	}
}

// A transaction that waits for the files of another which then fails, and does
// not know how, recovers that one before it touches them.
func TestWhoWaitedForAFailedTransactionRecoversIt(t *testing.T) {
	noLeaks(t)
	fs := crashTree(t, crashfs.Options{NoSyncFS: true})
	ed, err := editor.Open(t.Context(), crashRoot, editor.WithFS(fs))
	require.NoError(t, err)
	_, err = ed.Apply(t.Context(), writePlan("untouched.txt", "make .emend\n"))
	require.NoError(t, err)

	first := editor.Plan{Ops: []editor.Op{
		editor.Write{Path: "edit.txt", Content: []byte("first\n")}, editor.Write{Path: "write.txt", Content: []byte("first\n")}}}
	second := make(chan error, 1)
	published, failed := false, false
	fs.FailSync(func(o op.Op) error {
		if !published || failed || o.Kind != op.SyncDir {
			return nil
		}
		failed = true
		return syscall.EIO
	})
	fs.OnOp(func(o op.Op) {
		if o.Kind == op.Exchange && !published {
			published = true
			go func() {
				_, err := ed.Apply(context.Background(), writePlan("edit.txt", "second\n"))
				second <- err
			}()
			time.Sleep(100 * time.Millisecond) // it prepares, and waits for the first
		}
	})
	_, err = ed.Apply(t.Context(), first)
	require.Equal(t, "needs-recovery", stateOf(t, err, "the second barrier failed"))
	require.NoError(t, <-second)
	fs.OnOp(nil)

	actions := []string{}
	for _, i := range ed.Recovered() {
		actions = append(actions, i.Action)
	}
	require.Equal(t, []string{recovery.ActionFinished}, actions)
	require.NoError(t, ed.Close())
	for name, want := range map[string]string{"edit.txt": "second\n", "write.txt": "first\n"} {
		got, err := fs.ReadFile(crashRoot + "/" + name)
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	again, err := recoverFS(fs)
	require.NoError(t, err)
	require.Empty(t, again.Intents)
}

// The process that made .emend may have died before it could sync the root:
// the next one does, before it publishes anything.
func TestEmendIsDurableWhoeverMadeIt(t *testing.T) {
	fs := crashTree(t, crashfs.Options{NoSyncFS: true})
	require.NoError(t, fs.MkdirAll(crashRoot+"/.emend/stage", 0o700))
	var synced []string
	fs.OnOp(func(o op.Op) {
		switch o.Kind {
		case op.SyncDir:
			synced = append(synced, o.Path)
		case op.Exchange:
			require.Subset(t, synced, []string{crashRoot, crashRoot + "/.emend", crashRoot + "/.emend/stage"})
		}
	})
	require.NoError(t, applyOn(fs, writePlan("dir/other.text", "new\n")))
	require.NotEmpty(t, synced)
}

// Deciding a parked intent takes the lock once: however long that takes, it
// never waits for itself.
func TestResolveDoesNotWaitForItself(t *testing.T) {
	fs, id := parkedTree(t)
	ed, err := editor.Open(t.Context(), crashRoot, editor.WithFS(fs), editor.WithLockWait(100*time.Millisecond))
	require.NoError(t, err)
	slow := sync.OnceFunc(func() { time.Sleep(1100 * time.Millisecond) })
	fs.OnOp(func(o op.Op) {
		if strings.Contains(o.Path, "parked") {
			slow()
		}
	})
	_, err = ed.Resolve(t.Context(), id, editor.ResolveOptions{Use: editor.UseAfter})
	fs.OnOp(nil)
	require.NoError(t, err)
	require.NoError(t, ed.Close())
}

// Renaming a directory takes along the files beneath it: those of a parked
// intent stay where its decision will look for them.
func TestADirectoryWithParkedFilesIsNotRenamed(t *testing.T) {
	fs, _ := parkedTree(t)
	ed := openOn(t, fs)
	_, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Rename{From: "dir", To: "elsewhere"}}})
	require.ErrorIs(t, err, &editor.Error{Kind: "pending-recovery"})
	requireFile(t, fs, "dir/moved.txt", mine)
}
