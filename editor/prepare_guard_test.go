package editor_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// guarded makes a workspace with these files and returns what applies plans to it.
func guarded(t *testing.T, files map[string]string) (root string, apply func(...editor.Op) error) {
	root = t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	ed, err := editor.Open(context.Background(), root)
	require.NoError(t, err)
	t.Cleanup(func() { ed.Close() })
	return root, func(ops ...editor.Op) error {
		_, err := ed.Apply(context.Background(), editor.Plan{Ops: ops})
		return err
	}
}

func insertX(path string, e editor.Expect) editor.Edit {
	return editor.Edit{Path: path, Expect: e, Edits: []locator.Edit{{Text: []byte("x")}}}
}

func TestLesson38AFileNewerThanTheReportIsRefused(t *testing.T) {
	root, apply := guarded(t, map[string]string{"f": "a"})
	made := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(root, "f"), time.Time{}, made))

	require.NoError(t, apply(insertX("f", editor.Expect{AsOf: made})))
	err := apply(insertX("f", editor.Expect{AsOf: made}))
	require.Equal(t, fail.Drift, fail.KindOf(err))
	require.Contains(t, fail.Of(err).Hint, "--trust-offsets")
	require.NoError(t, apply(insertX("f", editor.Expect{})))
}

func TestLesson15OneFileUnderTwoNamesIsNotEditedTwice(t *testing.T) {
	root, apply := guarded(t, map[string]string{"d/f": "a"})
	require.NoError(t, os.Symlink("d", filepath.Join(root, "l")))
	once := editor.Expect{Untouched: true}
	require.Equal(t, fail.Conflict, fail.KindOf(apply(insertX("d/f", once), insertX("l/f", once))))
	require.NoError(t, apply(insertX("l/f", once)))
}

func TestChecksumsOfTheContent(t *testing.T) {
	_, apply := guarded(t, map[string]string{"f": "a"})
	s1, s256, s384, s512 := sha1.Sum([]byte("a")), sha256.Sum256([]byte("a")),
		sha512.Sum384([]byte("a")), sha512.Sum512([]byte("a"))
	for _, sum := range [][]byte{s1[:], s256[:], s384[:], s512[:]} {
		e := editor.Edit{Path: "f", Expect: editor.Expect{Sum: sum}, Edits: []locator.Edit{{End: 1, Text: []byte("a")}}}
		require.NoError(t, apply(e))
		sum[0]++
		require.Equal(t, fail.Drift, fail.KindOf(apply(e)))
	}
	require.Equal(t, fail.Drift, fail.KindOf(apply(insertX("f", editor.Expect{Sum: []byte("short")}))))
}

func TestOperationsThatYieldToWhatIsThere(t *testing.T) {
	root, apply := guarded(t, map[string]string{"f": "a", "g": "b"})
	require.NoError(t, apply(
		editor.Create{Path: "f", IfMissing: true},
		editor.Create{Path: "n/h", Content: []byte("c"), IfMissing: true},
		editor.Rename{From: "f", To: "g", IfMissing: true},
		editor.Rename{From: "g", To: "m", IfMissing: true},
		editor.Delete{Path: "none", IfExists: true},
		editor.Delete{Path: "none/none", IfExists: true},
	))
	require.Equal(t, map[string]string{"f": "a", "m": "b", "n/h": "c"}, filesIn(t, root))
}

func TestDeleteADirectoryWithAllThatIsInIt(t *testing.T) {
	root, apply := guarded(t, map[string]string{"d/a": "1", "d/e/b": "2", "d/e/f/c": "3", "g": "4"})
	require.NoError(t, os.Symlink("../g", filepath.Join(root, "d/l")))
	require.NoError(t, os.Mkdir(filepath.Join(root, "d/empty"), 0o755))
	require.Equal(t, fail.NotRegular, fail.KindOf(apply(editor.Delete{Path: "d"})))
	require.NoError(t, apply(
		editor.Create{Path: "d/e/new", Content: []byte("5")},
		editor.Rename{From: "d/a", To: "kept"},
		editor.Delete{Path: "d", Recursive: true}))
	require.Equal(t, map[string]string{"g": "4", "kept": "1"}, filesIn(t, root))
	require.NoDirExists(t, filepath.Join(root, "d"))
}

func TestADirectoryThatHoldsARepositoryIsNotDeleted(t *testing.T) {
	root, apply := guarded(t, map[string]string{"d/.git/HEAD": "1", "d/a": "2"})
	require.Equal(t, fail.PathEscape, fail.KindOf(apply(editor.Delete{Path: "d", Recursive: true})))
	require.FileExists(t, filepath.Join(root, "d/a"))
}

// filesIn returns the files of a workspace.
func filesIn(t *testing.T, root string) map[string]string {
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".emend":
			return filepath.SkipDir
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(root, path)
			files[filepath.ToSlash(name)] = string(text)
			return err
		}
		return nil
	}))
	return files
}
