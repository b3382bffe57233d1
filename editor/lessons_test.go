package editor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
)

// killedAt is what kill -9 leaves that comes before the first operation for
// which at is true.
func killedAt(t *testing.T, fs *crashfs.FS, plan editor.Plan, at func(op.Op) bool) *crashfs.FS {
	t.Helper()
	var left *crashfs.FS
	fs.OnOp(func(o op.Op) {
		if left == nil && at(o) {
			left = fs.Killed()
		}
	})
	require.NoError(t, applyOn(fs, plan))
	fs.OnOp(nil)
	require.NotNil(t, left)
	return left
}

func touches(p string) func(op.Op) bool {
	return func(o op.Op) bool { return publishes(o) && (o.Path == crashRoot+"/"+p || o.To == crashRoot+"/"+p) }
}

func read(t *testing.T, fs *crashfs.FS, p string) string {
	t.Helper()
	b, err := fs.ReadFile(crashRoot + "/" + p)
	require.NoError(t, err)
	return string(b)
}

func TestLesson01EditingKeepsTheMode(t *testing.T) {
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{"tool": 0o755, "secret": 0o600, "odd": 0o751, "suid": 0o755 | os.ModeSetuid,
		"read-only": 0o444} {
		p := filepath.Join(root, name)
		require.NoError(t, os.WriteFile(p, []byte("old text\n"), 0o600))
		require.NoError(t, os.Chmod(p, mode))
		ed, err := editor.Open(context.Background(), root, editor.WithForceReadOnly())
		require.NoError(t, err)
		_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{
			editor.Edit{Path: name, Edits: []locator.Edit{{Find: []byte("old"), Text: []byte("new")}}}}})
		require.NoError(t, err)
		require.NoError(t, ed.Close())
		info, err := os.Stat(p)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		require.Equal(t, "new text\n", string(b))
	}
}

func TestLesson03RecoveryKeepsWhatTheUserDidAfterTheCrash(t *testing.T) {
	plan := crashPlans()["five"]
	left := killedAt(t, crashTree(t, crashfs.Options{}), plan, touches("delete.txt"))
	done, err := meddle(left, "edit.txt", meddlings["replaces"])
	require.NoError(t, err)
	require.True(t, done)
	_, err = recoverOn(left)
	require.NoError(t, err)
	require.Equal(t, users, read(t, left, "edit.txt"))
}

func TestLesson04CommittingOneKeepsThePreparedOther(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	require.NoError(t, err)
	b, err := ed.Prepare(context.Background(), editor.Plan{Ops: []editor.Op{
		editor.Write{Path: "write.txt", Content: []byte("b\n")}, editor.Write{Path: "mode.sh", Content: []byte("b\n")}}})
	require.NoError(t, err)
	var left *crashfs.FS
	fs.OnOp(func(o op.Op) {
		if left != nil || !publishes(o) {
			return
		}
		left = fs.Killed()
	})
	_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{editor.Write{Path: "untouched.txt", Content: []byte("a\n")}}})
	require.NoError(t, err)
	left = nil
	_, err = b.Commit(context.Background())
	require.NoError(t, err)
	require.NotNil(t, left)
	_, err = recoverOn(left)
	require.NoError(t, err)
	for p, want := range map[string]string{"untouched.txt": "a\n", "write.txt": "b\n", "mode.sh": "b\n"} {
		require.Equal(t, want, read(t, left, p), p)
	}
}

func TestLesson10RollbackLeavesAFileThatSomebodyElseMade(t *testing.T) {
	plan := editor.Plan{Ops: []editor.Op{
		editor.Create{Path: "created.txt", Content: []byte("emend's\n")},
		editor.Write{Path: "write.txt", Content: []byte("new\n")}}}
	left := killedAt(t, crashTree(t, crashfs.Options{}), plan, touches("write.txt"))
	for _, p := range []string{"created.txt", "write.txt"} {
		_, err := meddle(left, p, meddlings["replaces"])
		require.NoError(t, err)
	}
	_, err := recoverOn(left)
	require.NoError(t, err)
	require.Equal(t, users, read(t, left, "created.txt"))
	require.Equal(t, users, read(t, left, "write.txt"))
}

func TestLesson11AHandledRollbackIsOver(t *testing.T) {
	for _, r := range rollbacks(t) {
		fs := r.start()
		if r.do(fs) == nil {
			continue
		}
		require.NoError(t, fs.WriteFile(crashRoot+"/edit.txt", []byte("days later\n"), 0o644))
		for name, survivor := range map[string]*crashfs.FS{"as it is": fs, "killed": fs.Killed()} {
			report, err := recoverOn(survivor)
			require.NoError(t, err)
			require.Empty(t, report.Intents, "%s: %s", r.name, name)
			require.Equal(t, "days later\n", read(t, survivor, "edit.txt"))
		}
	}
}

// TestLesson12AWriterInBetweenKeepsItsBytes has another program write to a path
// of the plan at every operation of the commit.
func TestLesson12AWriterInBetweenKeepsItsBytes(t *testing.T) {
	pick := newSampler(t)
	for planName, plan := range crashPlans() {
		t.Run(planName, func(t *testing.T) {
			tr := treesOf(t, plan, crashfs.Options{})
			for _, p := range tr.changed() {
				for _, what := range []string{"edits in place", "replaces"} {
					first, stride := pick.stride(6)
					for n := first; writerAt(t, tr, plan, p, what, n); n += stride {
						continue
					}
				}
			}
		})
	}
}

// writerAt reports whether there was an operation n.
func writerAt(t *testing.T, tr trees, plan editor.Plan, p, what string, n int) bool {
	fs := crashTree(t, crashfs.Options{})
	count, wrote := 0, false
	var meddled error
	fs.OnOp(func(o op.Op) {
		if count++; count == n {
			wrote, meddled = meddle(fs, p, meddlings[what])
		}
	})
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	require.NoError(t, err)
	tx, err := ed.Prepare(context.Background(), plan)
	require.NoError(t, err)
	bounded(t, p, func() { _, err = tx.Commit(context.Background()) })
	require.NoError(t, ed.Close())
	fs.OnOp(nil)
	require.NoError(t, meddled)
	if !wrote {
		require.NoError(t, err)
		return count >= n
	}
	_, rerr := recoverOn(fs)
	require.NoError(t, rerr)
	now, at := userTree(fs), p
	kept := func(q string) bool { return strings.Contains(now[q].Data, users) }
	if !kept(p) {
		at = alias(p)
	}
	var e *editor.Error
	parked := errors.As(err, &e) && e.State == "parked"
	moved := false // an edit in place of a renamed file moves along with its inode
	for q := range now {
		moved = moved || kept(q)
	}
	require.True(t, kept(at) || moved, "somebody %s %s before operation %d: their bytes are lost: %v", what, p, n, err)
	if !parked {
		require.True(t, isBesides(at, now, tr.before) || isBesides(at, now, tr.after),
			"somebody %s %s before operation %d: mixed: %v", what, p, n, err)
	}
	return true
}

// TestLesson19WhatIsWrittenIsWhatWasChecked changes what a plan is made of after
// Prepare has shown it.
func TestLesson19WhatIsWrittenIsWhatWasChecked(t *testing.T) {
	for _, o := range []crashfs.Options{{}, {NoExchange: true}} {
		for name, op := range map[string]func([]byte) editor.Op{
			"write":  func(b []byte) editor.Op { return editor.Write{Path: "write.txt", Content: b} },
			"create": func(b []byte) editor.Op { return editor.Create{Path: "new.txt", Content: b} },
			"edit": func(b []byte) editor.Op {
				return editor.Edit{Path: "edit.txt", Edits: []locator.Edit{{Start: 0, End: 3, Text: b}}}
			},
		} {
			fs := crashTree(t, o)
			ed := openOn(t, fs)
			before, text := userTree(fs), []byte("checked\n")
			tx, err := ed.Prepare(t.Context(), editor.Plan{Ops: []editor.Op{editor.Chmod{Path: "mode.sh", Mode: 0o700}, op(text)}})
			require.NoError(t, err)
			require.Contains(t, tx.Diff(), "checked")
			copy(text, "changed")
			if _, err = tx.Commit(t.Context()); err != nil {
				require.Equal(t, "unchanged", stateOf(t, err, name))
				requireTree(t, before, userTree(fs), name)
				continue
			}
			for p, n := range userTree(fs) {
				require.NotContains(t, n.Data, "changed", p)
			}
		}
	}
}

// TestLesson22TheTargetsDirectoryIsSynced: only the log's own directory was. A
// change that was reported is there after a power cut, and this test would see
// it if it were not.
func TestLesson22TheTargetsDirectoryIsSynced(t *testing.T) {
	for name, plan := range crashPlans() {
		tr := treesOf(t, plan, crashfs.Options{})
		for _, left := range []bool{false, true} {
			fs := crashTree(t, crashfs.Options{})
			fs.SkipSync(func(o op.Op) bool {
				return left && o.Kind == op.SyncDir && place(o.Path) != ".emend"
			})
			require.NoError(t, applyOn(fs, plan))
			survivor := fs.Survive(crashfs.AllLost())
			_, err := recoverOn(survivor)
			require.NoError(t, err)
			require.Equal(t, left, tr.outcome(survivor) != isAfter, name)
		}
	}
}

// TestLesson35ARetryAppliesInsertionsOnce: the first of several files was changed
// when the second hunk failed.
func TestLesson35ARetryAppliesInsertionsOnce(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	before := userTree(fs)
	plan := editor.Plan{Ops: []editor.Op{
		editor.Edit{Path: "write.txt", Edits: []locator.Edit{{Text: []byte("inserted\n")}}}, findEdit("mode.sh", "bash", "zsh")}}
	require.Error(t, applyOn(fs, plan))
	requireTree(t, before, userTree(fs), "refused")
	require.NoError(t, fs.WriteFile(crashRoot+"/mode.sh", []byte("#!/bin/bash\n"), 0o644))
	require.NoError(t, applyOn(fs, plan))
	require.Equal(t, "inserted\nold content\n", read(t, fs, "write.txt"))
}

// TestLesson36TextEditsGoWithTheRenameThatFails: they stayed.
func TestLesson36TextEditsGoWithTheRenameThatFails(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	before := userTree(fs)
	published := false
	failing := faultfs.New(fs, faultfs.Fault{N: 1, Err: syscall.EIO, Match: func(o op.Op) bool {
		published = published || touches("write.txt")(o)
		return touches("z.txt")(o)
	}})
	err := applyOn(failing, editor.Plan{Ops: []editor.Op{
		findEdit("write.txt", "old", "new"), editor.Rename{From: "rename.txt", To: "z.txt"}}})
	require.Equal(t, "unchanged", stateOf(t, err, "failed"))
	require.True(t, published)
	requireTree(t, before, userTree(fs), "rolled back")
}

func TestLesson37NothingIsTruncatedInTheTree(t *testing.T) {
	for name, plan := range crashPlans() {
		for _, o := range steady(t, plan, crashfs.Options{}) {
			require.False(t, place(o.Path) == "tree" && (o.Kind == op.Truncate || o.Kind == op.Write || o.Kind == op.Create), "%s: %v", name, o)
		}
	}
}

func TestLesson44LongNames(t *testing.T) {
	long := strings.Repeat("n", 255)
	fs := crashTree(t, crashfs.Options{})
	plan := editor.Plan{Ops: []editor.Op{editor.Create{Path: long, Content: []byte("x\n")},
		editor.Rename{From: "dir/moved.txt", To: "dir/" + long}}}
	require.NoError(t, applyOn(fs, plan))
	require.Empty(t, leftovers(fs))
	require.Equal(t, "x\n", read(t, fs, long))
}

func TestLesson45ALockOfTheDeadKeepsNobodyOut(t *testing.T) {
	disk := crashTree(t, crashfs.Options{})
	doomed := disk.Process()
	disk.OnOp(func(o op.Op) {
		if publishes(o) {
			doomed.Kill()
		}
	})
	err := applyOn(doomed, crashPlans()["five"])
	require.Error(t, err)
	require.Equal(t, "needs-recovery", stateOf(t, err, "killed"))
	disk.OnOp(nil)
	tr := treesOf(t, crashPlans()["five"], crashfs.Options{})
	require.NoError(t, applyOn(disk.Process(), editor.Plan{Ops: []editor.Op{editor.Mkdir{Path: "dir"}, editor.Write{Path: "untouched.txt", Content: []byte("stays\n")}}}))
	require.Equal(t, isAfter, tr.outcome(disk))
}

// TestSuccessMakesWhatOthersWroteDurable renames and chmods files that their
// owner wrote a moment ago and never synced.
func TestSuccessMakesWhatOthersWroteDurable(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	for _, p := range []string{"rename.txt", "mode.sh"} {
		require.NoError(t, fs.WriteFile(crashRoot+"/"+p, []byte("written just now\n"), 0o644))
	}
	require.NoError(t, applyOn(fs, editor.Plan{Ops: []editor.Op{
		editor.Rename{From: "rename.txt", To: "dir/renamed.txt"}, editor.Chmod{Path: "mode.sh", Mode: 0o755}}}))
	for name, survivor := range fs.Survivors() {
		_, err := recoverOn(survivor)
		require.NoError(t, err, name)
		for _, p := range []string{"dir/renamed.txt", "mode.sh"} {
			require.Equal(t, "written just now\n", read(t, survivor, p), name)
		}
	}
}
