package editor_test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// publishing reports whether o publishes path.
func publishing(o op.Op, path string) bool {
	switch o.Kind {
	case op.Exchange, op.RenameNoReplace, op.Link:
		return strings.HasSuffix(o.Path, "/"+path) || strings.HasSuffix(o.To, "/"+path)
	}
	return false
}

// twoFiles edits write.txt and creates z.txt.
func twoFiles() editor.Plan {
	return editor.Plan{Ops: []editor.Op{findEdit("write.txt", "old", "new"), editor.Create{Path: "z.txt", Content: []byte("emend's\n")}}}
}

// Recovery wrote the originals over work that the user did after the crash; the
// hashes were in the log and never read.
func TestLesson03RecoveryKeepsWorkDoneAfterTheCrash(t *testing.T) {
	for _, policy := range []recovery.Policy{recovery.Auto, recovery.PolicyForward, recovery.PolicyBack} {
		for _, at := range []string{"write.txt", "z.txt"} {
			fs := killAt(t, crashTree(t, crashfs.Options{}), twoFiles(), at)
			require.NoError(t, fs.WriteFile(crashRoot+"/write.txt", []byte(mine), 0o644))
			_, err := recovery.Run(t.Context(), crashRoot, recovery.Options{FS: fs, Policy: policy})
			require.NoError(t, err)
			requireFile(t, fs, "write.txt", mine)
		}
	}
}

// Rollback unlinked a file that another process had created at the path
// meanwhile.
func TestLesson10RollbackLeavesAFileThatCameMeanwhile(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	fs.OnOp(func(o op.Op) {
		if publishing(o, "z.txt") {
			require.NoError(t, fs.Meddler().WriteFile(crashRoot+"/z.txt", []byte(mine), 0o644))
		}
	})
	_, err := applyPlan(fs, twoFiles())
	fs.OnOp(nil)
	require.Equal(t, "unchanged", stateOf(t, err, "refused"))
	requireFile(t, fs, "z.txt", mine)
	requireFile(t, fs, "write.txt", "old content\n")
	r, err := recoverFS(fs)
	require.NoError(t, err)
	require.Empty(t, r.Intents)
}

// After a handled, successful rollback the record stayed; a recovery days later
// reverted newer work.
func TestLesson11ARolledBackIntentIsOver(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	failing := faultfs.New(fs, faultfs.Fault{Match: func(o op.Op) bool { return publishing(o, "z.txt") }, N: 1, Err: syscall.EIO})
	require.Equal(t, "unchanged", stateOf(t, applyOn(failing, twoFiles()), "failed"))
	_, err := applyPlan(fs, editor.Plan{Ops: []editor.Op{findEdit("write.txt", "old", "newer")}})
	require.NoError(t, err)
	r, err := recoverFS(fs)
	require.NoError(t, err)
	require.Empty(t, r.Intents)
	requireFile(t, fs, "write.txt", "newer content\n")
	require.NotContains(t, userTree(fs), "z.txt")
}

// A conflict found at commit was followed by a recovery that overwrote the other
// writer's file.
func TestLesson12AConflictAtCommitLeavesTheOtherWritersFile(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	tx, err := ed.Prepare(t.Context(), twoFiles())
	require.NoError(t, err)
	require.NoError(t, fs.WriteFile(crashRoot+"/write.txt", []byte(mine), 0o644))
	_, err = tx.Commit(t.Context())
	require.Equal(t, fail.Drift, fail.KindOf(err), "%v", err)
	require.NoError(t, ed.Close())
	r, err := recoverFS(fs)
	require.NoError(t, err)
	require.Empty(t, r.Intents)
	requireFile(t, fs, "write.txt", mine)
	require.NotContains(t, userTree(fs), "z.txt")
}

// Rolled-back creates left the directories that they had made.
func TestLesson13ARollbackUnmakesItsDirectories(t *testing.T) {
	plan := editor.Plan{Ops: []editor.Op{editor.Create{Path: "new/deep/f", Content: []byte("x")}, findEdit("write.txt", "old", "new")}}
	fs := crashTree(t, crashfs.Options{})
	before := userTree(fs)
	fs = killAt(t, fs, plan, "write.txt")
	_, err := recovery.Run(t.Context(), crashRoot, recovery.Options{FS: fs, Policy: recovery.PolicyBack})
	require.NoError(t, err)
	requireTree(t, before, userTree(fs), "recovered")

	fs = crashTree(t, crashfs.Options{})
	failing := faultfs.New(fs, faultfs.Fault{Match: func(o op.Op) bool { return publishing(o, "write.txt") }, N: 1, Err: syscall.EIO})
	require.Error(t, applyOn(failing, plan))
	requireTree(t, before, userTree(fs), "rolled back")
}

// Paths in the log were relative to the process; recovery from another directory
// wrote stray files there.
func TestLesson14RecoveryFromAnotherDirectory(t *testing.T) {
	top := t.TempDir()
	for _, d := range []string{"w/d", "elsewhere/d", "elsewhere/w/d"} {
		require.NoError(t, os.MkdirAll(filepath.Join(top, d), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(top, d, "f"), []byte("old\n"), 0o644))
	}
	t.Chdir(top)
	died := false
	dying := faultfs.New(vfs.OS(), faultfs.Fault{N: 1, Forever: true, Err: syscall.EIO, Match: func(o op.Op) bool {
		died = died || publishing(o, "z")
		return died && faultfs.Changes(o)
	}})
	ed, err := editor.Open(t.Context(), "w", editor.WithFS(dying))
	require.NoError(t, err)
	_, err = ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{
		findEdit("d/f", "old", "new"), editor.Create{Path: "d/z", Content: []byte("z\n")}}})
	require.Equal(t, "needs-recovery", stateOf(t, err, "killed"))
	_ = ed.Close() // what a dead process cannot do fails

	t.Chdir("elsewhere")
	_, err = recovery.Run(t.Context(), "../w", recovery.Options{})
	require.NoError(t, err)
	want := map[string]string{"elsewhere/d/f": "old\n", "elsewhere/w/d/f": "old\n", "w/d/f": "new\n", "w/d/z": "z\n"}
	got := map[string]string{}
	require.NoError(t, filepath.WalkDir(top, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == ".emend" {
			return cmp.Or(err, filepath.SkipDir)
		}
		if !d.IsDir() {
			b, err := os.ReadFile(p)
			require.NoError(t, err)
			got[filepath.ToSlash(strings.TrimPrefix(p, top)[1:])] = string(b)
		}
		return nil
	}))
	require.Equal(t, want, got)
}

// A wrong file hash in the plan was accepted when the edit had no region hash.
// (In the undo of a transaction there is no plan: the log's hash is held to.)
func TestLesson18AnUndoHoldsTheFileToItsHash(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed := openOn(t, fs)
	id := apply(t, ed, findEdit("write.txt", "old", "new"))
	require.NoError(t, fs.WriteFile(crashRoot+"/write.txt", []byte("new content, and mine\n"), 0o644))
	_, err := ed.Undo(t.Context(), id)
	var e *editor.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, fail.Drift, e.Kind)
	require.NotEmpty(t, e.Expected)
	require.NotEqual(t, e.Expected, e.Actual)
	requireFile(t, fs, "write.txt", "new content, and mine\n")
}

// A restored (undeleted) file lost its mode.
func TestLesson20ARestoredFileHasItsModeAndAttributes(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	require.NoError(t, fs.WriteFile(crashRoot+"/delete.txt", []byte("secret"), 0o750))
	setXattr(t, fs, "delete.txt", "user.kept", "yes")
	before := userTree(fs)
	plan := editor.Plan{Ops: []editor.Op{editor.Delete{Path: "delete.txt"}, editor.Delete{Path: "mode.sh"}}}
	crashed := killAt(t, fs, plan, "mode.sh")
	_, err := recovery.Run(t.Context(), crashRoot, recovery.Options{FS: crashed, Policy: recovery.PolicyBack})
	require.NoError(t, err)
	requireTree(t, before, userTree(crashed), "rolled back")

	ed := openOn(t, crashed)
	_, err = ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	_, err = ed.Undo(t.Context(), "")
	require.NoError(t, err)
	requireTree(t, before, userTree(crashed), "undone")
}
