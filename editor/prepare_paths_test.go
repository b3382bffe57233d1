package editor

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

// Lesson 43: paths with .., absolute paths and links left the root.
func TestLesson43PathsStayInside(t *testing.T) {
	disk := model{"f": file("text"), "d/f": file("x"), "out": link("../secret"), "up": link(".."),
		"abs":    link("/etc/passwd"),
		"in/abs": link(root + "/d/f"), "loop": link("loop"), "pool": link("loop"), "git": link(".git/config"),
		"here": link("."), "deep/up": link("../../w/f"), "nested/.emend/x": file(""), "nested/f": file(""), "tonested": link("nested"),
		"dotdot": link("d/../f"), ".git/config": file("c"), "sub/.Git/x": file("")}
	hostile := map[string]fail.Kind{
		"": fail.PathEscape, "/etc/passwd": fail.PathEscape, "..": fail.PathEscape, "../x": fail.PathEscape, "d/../../x": fail.PathEscape,
		"d/../f": fail.PathEscape, ".": fail.PathEscape, "./": fail.PathEscape, "a\x00b": fail.PathEscape,
		".git": fail.PathEscape, ".git/config": fail.PathEscape, "sub/.Git/x": fail.PathEscape, ".emend/wal.log": fail.PathEscape,
		".EMEND": fail.PathEscape, "new/.git/hooks/post-commit": fail.PathEscape, "out/x": fail.PathEscape, "up/x": fail.PathEscape, "abs/x": fail.PathEscape,
		"loop/x": fail.SymlinkRefused, "pool/x": fail.SymlinkRefused, "git/x": fail.PathEscape, "nested/f": fail.PathEscape,
		"nested/new": fail.PathEscape, "tonested/f": fail.PathEscape,
	}
	for path, kind := range hostile {
		for i, op := range everyOp(path) {
			_, err := prepareOn(t, disk, prepareOptions{}, op)
			require.Error(t, err, "%q %d", path, i)
			requireKind(t, err, kind, op.op(), path)
		}
	}
	for _, path := range []string{"out", "up", "abs", "loop", "git", "deep/up", "here"} {
		for _, op := range []Op{editOf(path, locator.Edit{}), Write{Path: path}, Chmod{Path: path, Mode: 0o600}} {
			_, err := prepareOn(t, disk, prepareOptions{}, op)
			require.Contains(t, []fail.Kind{fail.PathEscape, fail.SymlinkRefused}, fail.KindOf(err), "%s %v", path, err)
		}
		_, err := prepareOn(t, disk, prepareOptions{}, Delete{Path: path})
		require.NoError(t, err, "deleting a link does not follow it")
	}
	_, err := prepareOn(t, disk, prepareOptions{}, Rename{From: "nested", To: "elsewhere"})
	requireKind(t, err, fail.PathEscape, "rename", "nested")
	for _, path := range []string{"in/abs", "dotdot", "here/f", "here/here/d/f", "./f", "d//f", "d/./f", "d/f/"} {
		got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: path, Content: []byte("new")})
		require.NoError(t, err, path)
		require.Len(t, got.changes, 1)
		require.Contains(t, []string{"f", "d/f"}, got.changes[0].Path)
	}
}

// Lesson 2: a symlink was replaced by a regular file.
func TestLesson2LinksAreFollowed(t *testing.T) {
	disk := model{"real/f": file("one two"), "a": link("b"), "b": link("real/f"), "dir": link("real")}
	want := maps.Clone(disk.parents())
	want["real/f"] = file("1 2")
	requireAfter(t, disk, want, editOf("a", replaced("one two", "one", "1")), editOf("dir/f",
		locator.Edit{Find: []byte("two"), Text: []byte("2")}))
}

// Lesson 15: two spellings of one file passed as different files.
func TestLesson15OneFileByManyNames(t *testing.T) {
	disk := model{"d/f": file("abc"), "l": link("d/f"), "e": link("d")}
	want := maps.Clone(disk.parents())
	want["d/f"] = entry{vfs.Regular, "123", 0o600}
	got := requireAfter(t, disk, want,
		editOf("d/f", replaced("abc", "a", "1")), editOf("d/./f", replaced("1bc", "b", "2")),
		editOf("e/f", replaced("12c", "c", "3")), Chmod{Path: "l", Mode: 0o600})
	require.Len(t, got.files, 1)
	require.Equal(t, 3, got.files[0].Edits)
}

// Lesson 14: paths in the log were relative to the process.
func TestLesson14PathsAreRelativeToTheRoot(t *testing.T) {
	disk := model{"d/f": file("x"), "l": link(root + "/d")}
	t.Chdir(t.TempDir())
	got, err := prepareOn(t, disk, prepareOptions{}, Write{Path: "l/f"})
	require.NoError(t, err)
	require.Equal(t, "d/f", got.changes[0].Path)
}

// Lesson 17: hard links were broken silently.
func TestLesson17HardLinks(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(top, "a"), []byte("text"), 0o644))
	require.NoError(t, os.Link(filepath.Join(top, "a"), filepath.Join(top, "b")))
	tree, err := apply.OpenTree(vfs.OS(), top)
	require.NoError(t, err)
	defer tree.Close()
	write := Plan{Ops: []Op{Write{Path: "a", Content: []byte("new")}}}
	_, err = prepare(t.Context(), tree, write, prepareOptions{Write: WriteRename})
	require.Equal(t, fail.IdentityLost, fail.KindOf(err))
	p, err := prepare(t.Context(), tree, write, prepareOptions{})
	require.NoError(t, err)
	require.True(t, p.changes[0].InPlace)
	for _, op := range []Op{Delete{Path: "a"}, Rename{From: "a", To: "c"}, Write{Path: "a", Content: []byte("text")}} {
		_, err := prepare(t.Context(), tree, Plan{Ops: []Op{op}}, prepareOptions{})
		require.NoError(t, err)
	}
}
