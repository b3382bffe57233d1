package editor_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// killAt applies plan on fs and kills the process before it publishes path.
func killAt(t testing.TB, fs *crashfs.FS, plan editor.Plan, path string) *crashfs.FS {
	t.Helper()
	p := fs.Process()
	fs.OnOp(func(o op.Op) {
		publishes := o.Kind == op.Exchange || o.Kind == op.RenameNoReplace || o.Kind == op.Chmod || o.Kind == op.Write
		if publishes && (strings.HasSuffix(o.Path, "/"+path) || strings.HasSuffix(o.To, "/"+path)) {
			p.Kill()
		}
	})
	err := applyOn(p, plan)
	fs.OnOp(nil)
	require.Error(t, err)
	return fs.Killed()
}

const mine = "my own work\n"

// parkedTree is a workspace with a parked intent: of five files the first two
// were published when the process was killed, and a person edited one of these
// and one of the others.
func parkedTree(t testing.TB) (*crashfs.FS, string) {
	t.Helper()
	return parkedOn(t, crashTree(t, crashfs.Options{}))
}

func parkedOn(t testing.TB, fs *crashfs.FS) (*crashfs.FS, string) {
	t.Helper()
	plan := editor.Plan{Key: "K", Ops: []editor.Op{
		findEdit("dir/moved.txt", "edited", "EDITED"), editor.Write{Path: "edit.txt", Content: []byte("written\n")},
		findEdit("write.txt", "old", "new"),
		editor.Rename{From: "rename.txt", To: "renamed.txt"}, editor.Delete{Path: "delete.txt"},
		editor.Create{Path: "z/created.txt", Content: []byte("created\n")},
	}}
	fs = killAt(t, fs, plan, "write.txt")
	require.NoError(t, fs.WriteFile(crashRoot+"/dir/moved.txt", []byte(mine), 0o644))
	require.NoError(t, fs.WriteFile(crashRoot+"/write.txt", []byte(mine), 0o644))
	r, err := recoverFS(fs)
	require.NoError(t, err)
	require.Len(t, r.Intents, 1)
	require.Equal(t, recovery.ActionParked, r.Intents[0].Action)
	requireFile(t, fs, "write.txt", mine)
	requireFile(t, fs, "dir/moved.txt", mine)
	return fs, r.Intents[0].ID
}

func shelf(fs *crashfs.FS, id, name string) string {
	return fs.Tree(crashRoot)[".emend/parked/"+id+"/"+name].Data
}

func TestResolveUseBeforeAndUseAfter(t *testing.T) {
	testResolve(t, func() (*crashfs.FS, string) { return parkedTree(t) })
	testResolve(t, func() (*crashfs.FS, string) { return parkedOn(t, apart(t, crashTree(t, crashfs.Options{}))) })
}

func testResolve(t *testing.T, parked func() (*crashfs.FS, string)) {
	for use, outcome := range map[editor.Resolution]string{
		editor.UseBefore: editor.StateRolledBack, editor.UseAfter: editor.StateCommitted, editor.KeepCurrent: editor.StateRolledBack} {
		fs, id := parked()
		was := userTree(fs)
		ed := openOn(t, fs)
		_, err := ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Delete{Path: "write.txt"}}})
		require.Equal(t, fail.PendingRecovery, fail.KindOf(err))
		d, err := ed.Resolve(t.Context(), id, editor.ResolveOptions{Use: use})
		require.NoError(t, err)
		require.Empty(t, d.Undecided)
		tree := userTree(fs)
		switch use {
		case editor.KeepCurrent:
			requireTree(t, was, tree, "kept")
			require.Equal(t, editor.StateUnchanged, d.State)
		case editor.UseBefore:
			requireTree(t, userTree(crashTree(t, crashfs.Options{})), tree, "before")
		case editor.UseAfter:
			requireFile(t, fs, "dir/moved.txt", "renamed and EDITED\n")
			requireFile(t, fs, "edit.txt", "written\n")
			requireFile(t, fs, "write.txt", "new content\n")
			requireFile(t, fs, "renamed.txt", "to be renamed\n")
			requireFile(t, fs, "z/created.txt", "created\n")
			require.NotContains(t, tree, "rename.txt")
			require.NotContains(t, tree, "delete.txt")
		}
		list, err := ed.History(t.Context(), editor.HistoryOptions{})
		require.NoError(t, err)
		require.Equal(t, outcome, list[len(list)-1].State)
		if use != editor.KeepCurrent {
			kept := 0
			for name, n := range fs.Tree(crashRoot) {
				if strings.Contains(name, ".replaced") && n.Data == mine {
					kept++
				}
			}
			require.Equal(t, 2, kept, "what a person wrote is on the shelf")
			_, err = ed.Undo(t.Context(), d.ID)
			require.NoError(t, err)
			requireTree(t, was, userTree(fs), "the decision is undone")
		}
		_, err = ed.Resolve(t.Context(), id, editor.ResolveOptions{})
		require.Equal(t, fail.NotFound, fail.KindOf(err))
		// Nothing is in the way any more.
		_, err = ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Delete{Path: "write.txt"}}})
		require.NoError(t, err)
	}
}

func TestResolveFileByFile(t *testing.T) {
	fs, id := parkedTree(t)
	ed := openOn(t, fs)
	_, err := ed.Resolve(t.Context(), id, editor.ResolveOptions{Files: []string{"nowhere"}})
	require.Equal(t, fail.NotFound, fail.KindOf(err))
	d, err := ed.Resolve(t.Context(), id, editor.ResolveOptions{Use: editor.UseAfter, Files: []string{"write.txt", "rename.txt"}})
	require.NoError(t, err)
	require.NotContains(t, userTree(fs), "rename.txt")
	require.ElementsMatch(t, []string{"dir/moved.txt", "edit.txt", "delete.txt", "z/created.txt"}, d.Undecided)
	requireFile(t, fs, "renamed.txt", "to be renamed\n")
	requireFile(t, fs, "write.txt", "new content\n")
	require.NoError(t, ed.Close())

	ed = openOn(t, fs)
	_, err = ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Delete{Path: "edit.txt"}}})
	require.Equal(t, fail.PendingRecovery, fail.KindOf(err))
	d, err = ed.Resolve(t.Context(), id, editor.ResolveOptions{Use: editor.KeepCurrent})
	require.NoError(t, err)
	require.Empty(t, d.Undecided)
	requireFile(t, fs, "dir/moved.txt", mine)
	_, err = ed.Apply(t.Context(), editor.Plan{Ops: []editor.Op{editor.Delete{Path: "edit.txt"}}})
	require.NoError(t, err)
}

// A power cut may lose the slot of a renamed file, and what users do then may
// look as if its new name had been published. Its old name goes, then, but not
// the last copy of its bytes.
func TestRecoveryKeepsTheLastCopyOfARenamedFile(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	fs = killAt(t, fs, editor.Plan{Ops: []editor.Op{editor.Rename{From: "rename.txt", To: "renamed.txt"},
		editor.Delete{Path: "delete.txt"}}}, "renamed.txt")
	stage, err := fs.OpenRoot(crashRoot + "/.emend/stage")
	require.NoError(t, err)
	for _, slot := range leftovers(fs) {
		require.NoError(t, stage.Remove(strings.TrimPrefix(slot, ".emend/stage/")))
	}
	d, err := fs.OpenRoot(crashRoot)
	require.NoError(t, err)
	require.NoError(t, d.Remove("delete.txt"))
	require.NoError(t, fs.WriteFile(crashRoot+"/renamed.txt", []byte(mine), 0o644))
	r, err := recoverFS(fs)
	require.NoError(t, err)
	require.Equal(t, recovery.ActionForward, r.Intents[0].Action)
	requireFile(t, fs, "renamed.txt", mine)
	require.Equal(t, "to be renamed\n", shelf(fs, r.Intents[0].ID, "2.before"))
}

// Of a renamed file the log has hashes only. Where a person removes both of its
// names there is nothing to publish or to restore: recovery parks the intent,
// whatever way it would have gone, and is not stuck.
func TestRecoveryParksWhatNobodyHasTheBytesOf(t *testing.T) {
	for _, policy := range []recovery.Policy{recovery.Auto, recovery.PolicyBack} {
		fs := crashTree(t, crashfs.Options{})
		fs = killAt(t, fs, editor.Plan{Ops: []editor.Op{editor.Rename{From: "rename.txt", To: "a.txt"},
			editor.Delete{Path: "delete.txt"}}}, "delete.txt")
		d, err := fs.OpenRoot(crashRoot)
		require.NoError(t, err)
		require.NoError(t, d.Remove("rename.txt"))
		require.NoError(t, d.Remove("a.txt"))
		tree := userTree(fs)
		r, err := recovery.Run(t.Context(), crashRoot, recovery.Options{FS: fs, Policy: policy})
		require.NoError(t, err)
		require.Equal(t, recovery.ActionParked, r.Intents[0].Action)
		requireTree(t, tree, userTree(fs), "parked")
		_, err = openOn(t, fs).Resolve(t.Context(), r.Intents[0].ID, editor.ResolveOptions{})
		require.NoError(t, err)
	}
}

// A rename that was parked half way leaves one file under two names; deciding
// what each of them is to be makes two files of it.
func TestResolveOfARenameThatWasParkedHalfWay(t *testing.T) {
	plan := editor.Plan{Ops: []editor.Op{
		findEdit("dir/moved.txt", "edited", "EDITED"),
		editor.Rename{From: "rename.txt", To: "renamed.txt"},
		editor.Rename{From: "delete.txt", To: "rename.txt"},
		findEdit("write.txt", "old", "new"),
	}}
	for _, use := range []editor.Resolution{editor.UseBefore, editor.UseAfter} {
		fs := crashTree(t, crashfs.Options{})
		before := userTree(fs)
		fs = killAt(t, fs, plan, "renamed.txt")
		require.Equal(t, "to be deleted\n", userTree(fs)["delete.txt"].Data)
		require.Equal(t, "to be deleted\n", userTree(fs)["rename.txt"].Data)
		for _, p := range []string{"dir/moved.txt", "write.txt"} {
			require.NoError(t, fs.WriteFile(crashRoot+"/"+p, []byte(mine), 0o644))
		}
		r, err := recoverFS(fs)
		require.NoError(t, err)
		require.Equal(t, recovery.ActionParked, r.Intents[0].Action)
		_, err = openOn(t, fs).Resolve(t.Context(), r.Intents[0].ID, editor.ResolveOptions{Use: use})
		require.NoError(t, err)
		tree := userTree(fs)
		if use == editor.UseBefore {
			requireTree(t, before, tree, "before")
			continue
		}
		require.NotContains(t, tree, "delete.txt")
		require.Equal(t, "to be deleted\n", tree["rename.txt"].Data)
		require.Equal(t, "to be renamed\n", tree["renamed.txt"].Data)
	}
}
