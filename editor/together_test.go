package editor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// A plan that is prepared while another transaction publishes sees some of its
// files new and some old. Where it fails for that it looks again afterwards, be
// the other one in this process or in another.
func TestAPlanIsNotRefusedForHalfOfAnother(t *testing.T) {
	for name, process := range map[string]func(*crashfs.FS) *crashfs.FS{
		"one process":   func(fs *crashfs.FS) *crashfs.FS { return fs },
		"two processes": (*crashfs.FS).Process,
	} {
		t.Run(name, func(t *testing.T) {
			fs := crashTree(t, crashfs.Options{})
			ed := openOn(t, fs)
			apply(t, ed, editor.Write{Path: "untouched.txt", Content: []byte("make .emend\n")})
			other := openOn(t, process(fs))
			second := make(chan error, 1)
			var once sync.Once
			published := 0
			fs.OnOp(func(o op.Op) {
				if o.Kind != op.Exchange {
					return
				}
				if published++; published == 2 {
					once.Do(func() {
						go func() {
							_, err := other.Apply(context.Background(), editor.Plan{Ops: []editor.Op{
								findEdit("edit.txt", "first", "second"), findEdit("write.txt", "first", "second")}})
							second <- err
						}()
						time.Sleep(100 * time.Millisecond) // it looks meanwhile
					})
				}
			})
			_, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{
				editor.Write{Path: "edit.txt", Content: []byte("first\n")}, editor.Write{Path: "write.txt", Content: []byte("first\n")}}})
			require.NoError(t, err)
			require.NoError(t, <-second)
			fs.OnOp(nil)
			requireFile(t, fs, "edit.txt", "second\n")
			requireFile(t, fs, "write.txt", "second\n")
		})
	}
}

// Two people decide about one parked intent at once: one after the other, and
// what the first has decided stays on the record.
func TestTwoDecisionsAboutOneIntent(t *testing.T) {
	for range 20 {
		fs, id := parkedTree(t)
		ed := openOn(t, fs)
		files := []string{"dir/moved.txt", "edit.txt", "write.txt", "delete.txt", "z/created.txt", "rename.txt"}
		errs := make([]error, len(files))
		var wg sync.WaitGroup
		for i, f := range files {
			wg.Go(func() {
				_, errs[i] = ed.Resolve(context.Background(), id, editor.ResolveOptions{Use: editor.UseAfter, Files: []string{f}})
			})
		}
		wg.Wait()
		for i, err := range errs {
			require.NoError(t, err, files[i])
		}
		status, err := recovery.Status(t.Context(), crashRoot, recovery.Options{FS: fs})
		require.NoError(t, err)
		require.Empty(t, status.Parked)
	}
}

// A plan that recovery has rolled forward is answered as done already once: an
// Editor stays open, and who applies the plan again later means it.
func TestAReplayedPlanIsAlreadyDoneOnce(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	plan := editor.Plan{Ops: []editor.Op{
		editor.Write{Path: "write.txt", Content: []byte("new\n")}, editor.Write{Path: "edit.txt", Content: []byte("new\n")}}}
	fs = killAt(t, fs, plan, "write.txt")
	ed := openOn(t, fs)
	res, err := ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.True(t, res.Already)
	apply(t, ed, editor.Write{Path: "write.txt", Content: []byte("newer\n")})
	res, err = ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.False(t, res.Already)
	requireFile(t, fs, "write.txt", "new\n")
}

// crashedProcess leaves an intent of another process on fs, half published.
func crashedProcess(t *testing.T, fs *crashfs.FS, ops ...editor.Op) {
	t.Helper()
	p := fs.Process()
	published := 0
	fs.OnOp(func(o op.Op) {
		if o.Kind == op.Exchange {
			if published++; published == 2 {
				p.Kill()
			}
		}
	})
	require.Error(t, applyOn(p, editor.Plan{Ops: ops}))
	fs.OnOp(nil)
	require.Equal(t, 2, published)
}

// A result tells what its own call has recovered, not what others had before.
func TestAResultTellsItsOwnRecoveries(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	two := []editor.Op{editor.Write{Path: "write.txt", Content: []byte("1\n")}, editor.Write{Path: "edit.txt", Content: []byte("1\n")}}
	crashedProcess(t, fs, two...)
	ed := openOn(t, fs)
	require.Len(t, ed.Recovered(), 1)
	chmod := func(bits uint32) []recovery.IntentReport {
		res, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Chmod{Path: "mode.sh", Mode: editor.Mode(bits)}}})
		require.NoError(t, err)
		return res.Recovered
	}
	require.Empty(t, chmod(0o600))
	crashedProcess(t, fs, editor.Write{Path: "write.txt", Content: []byte("2\n")}, editor.Write{Path: "edit.txt", Content: []byte("2\n")})
	require.Len(t, chmod(0o700), 1)
	require.Empty(t, chmod(0o600))
	require.Len(t, ed.Recovered(), 2)
}

// Who is told of a recovery may use the workspace, through any Editor.
func TestWhoIsToldOfARecoveryMayApply(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	var ed *editor.Editor
	var told []string
	crashedProcess(t, fs, editor.Write{Path: "write.txt", Content: []byte("1\n")}, editor.Write{Path: "edit.txt", Content: []byte("1\n")})
	bounded(t, "the callback", func() {
		ed = openOn(t, fs, editor.WithLockWait(hang), editor.WithRecovered(func(r recovery.IntentReport) {
			told = append(told, r.ID)
			other := openOn(t, fs)
			apply(t, other, editor.Create{Path: "told-" + r.ID, Content: []byte("x")})
			if ed != nil {
				apply(t, ed, editor.Create{Path: "again-" + r.ID, Content: []byte("x")})
			}
		}))
		crashedProcess(t, fs, editor.Write{Path: "write.txt", Content: []byte("2\n")}, editor.Write{Path: "edit.txt", Content: []byte("2\n")})
		apply(t, ed, editor.Delete{Path: "delete.txt"})
	})
	require.Len(t, told, 2)
	require.Contains(t, userTree(fs), "again-"+told[1])
}
