package editor

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

// write makes the workspace m in the directory root, where others can work on
// it.
func (m model) write(t require.TestingT, root string) {
	for p, e := range m {
		name := filepath.Join(root, p)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		switch e.kind {
		case vfs.Directory:
			require.NoError(t, os.MkdirAll(name, 0o755))
		case vfs.Symlink:
			require.NoError(t, os.Symlink(e.text, name))
		default:
			require.NoError(t, os.WriteFile(name, []byte(e.text), fs.FileMode(e.mode)))
		}
	}
}

// shown returns what a diff shows of m: no directories, and of modes whether a
// file can be run.
func (m model) shown() model {
	out := maps.Clone(m)
	for p, e := range m {
		switch {
		case e.kind == vfs.Directory:
			delete(out, p)
		case e.kind == vfs.Regular:
			e.mode &= 0o100
			out[p] = e
		}
	}
	return out
}

// readModel reads a directory tree back.
func readModel(t require.TestingT, root string) model {
	m := model{}
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		p, _ := filepath.Rel(root, name)
		switch {
		case d.IsDir():
			m[p] = dir()
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(name)
			m[p] = link(to)
			return err
		default:
			b, err := os.ReadFile(name)
			info, _ := d.Info()
			m[p] = entry{vfs.Regular, string(b), uint32(info.Mode().Perm())}
			return err
		}
		return nil
	}))
	return m
}

func gitApply(t require.TestingT, root string, diff []byte) {
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = root, bytes.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(root))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, diff)
}

// TestGitAppliesTheDiff gives the diff of random plans to git.
func TestGitAppliesTheDiff(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		disk := drawModel(t)
		plan := drawPlan(t, disk)
		want := maps.Clone(disk)
		got, err := prepare(context.Background(), disk.tree(t), plan, prepareOptions{Creator: apply.Creator{Umask: 0o022}})
		if err != nil || !want.run(plan) {
			return
		}
		var diff bytes.Buffer
		require.NoError(t, got.diff(context.Background(), disk.tree(t), &diff))
		require.Equal(t, maps.Equal(disk.shown(), want.shown()), diff.Len() == 0, "%s", &diff)
		if diff.Len() == 0 {
			return
		}
		root, err := os.MkdirTemp(top, "")
		require.NoError(t, err)
		defer os.RemoveAll(root)
		disk.write(t, root)
		gitApply(t, root, diff.Bytes())
		require.Equal(t, want.shown(), readModel(t, root).shown(), "%s", &diff)
	})
}

// A directory that moves out of one that moves takes its files along.
func TestDiffOfADirectoryMovedOutOfAnother(t *testing.T) {
	disk := model{"b/a/f": file("f\n"), "b/g": file("g\n")}.parents()
	got, err := prepareOn(t, disk, prepareOptions{}, Rename{From: "b/a", To: "a"}, Rename{From: "b", To: "c"})
	require.NoError(t, err)
	var diff bytes.Buffer
	require.NoError(t, got.diff(t.Context(), disk.tree(t), &diff))
	root := t.TempDir()
	disk.write(t, root)
	gitApply(t, root, diff.Bytes())
	require.Equal(t, model{"a/f": file("f\n"), "c/g": file("g\n")}.shown(), readModel(t, root).shown(), "%s", &diff)
}

func TestDiffOfEverything(t *testing.T) {
	disk := model{
		"text": file("one\ntwo\nthree\n"), "no newline": file("a\nb"), "crlf": file("a\r\nb\r\n"),
		"binary": file("a\x00b"), "gone binary": file("\x00\x01"), "empty": file(""), "gone": file("bye\n"),
		"run": file("#!/bin/sh\n"), "old": file("1\n2\n3\n4\n"), "link": link("text"), "to file": link("text"),
		"dir/kept": file("k\n"), "dir/deep/edited": file("e\n"), "dir/deleted": file("d\n"), "bytes\xff": file("x\n"),
		"quote\"\t": file("q\n"),
	}.parents()
	set := func(p, s string) Op { return Write{Path: p, Content: []byte(s)} }
	plan := Plan{Ops: []Op{
		Edit{Path: "text", Edits: []locator.Edit{{Start: 4, End: 7, Text: []byte("2")}}},
		set("no newline", "a\nc"), set("crlf", "a\r\nc\r\n"), set("binary", "a\x00cd"), set("new binary", "\x00new"),
		set("empty", "no more\n"), set("text of nothing", ""), Delete{Path: "gone"}, Delete{Path: "gone binary"},
		Chmod{Path: "run", Mode: 0o755}, Create{Path: "new run", Content: []byte("#!\n"), Mode: Executable},
		Rename{From: "old", To: "sub/new"}, set("sub/new", "1\n2\n3\n5\n"), Symlink{Path: "link", Target: "crlf"},
		Symlink{Path: "new link", Target: "run"}, Delete{Path: "to file"}, Create{Path: "to file", Content: []byte("f")},
		Rename{From: "dir", To: "moved"}, set("moved/deep/edited", "E\n"), Delete{Path: "moved/deleted"},
		set("moved/created", "c\n"), set("bytes\xff", "y\n"), set("quote\"\t", "Q\n"), Copy{From: "text", To: "copy"},
	}}
	got, err := prepare(t.Context(), disk.tree(t), plan, prepareOptions{Creator: apply.Creator{Umask: 0o022}})
	require.NoError(t, err)
	var diff bytes.Buffer
	require.NoError(t, got.diff(t.Context(), disk.tree(t), &diff))
	want, root := maps.Clone(disk), t.TempDir()
	require.True(t, want.run(Plan{Ops: plan.Ops}))
	disk.write(t, root)
	gitApply(t, root, diff.Bytes())
	require.Equal(t, want.shown(), readModel(t, root).shown(), "%s", &diff)
}
