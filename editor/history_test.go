package editor_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
	"github.com/stretchr/testify/require"
)

// logCommitted logs a transaction without files as committed.
func logCommitted(t *testing.T, log *wal.Log, label string, undoes wal.ID) wal.ID {
	t.Helper()
	id, err := wal.NewID()
	require.NoError(t, err)
	g, err := log.Begin(wal.Begin{ID: id, Time: time.Now(), Label: label, Undoes: undoes})
	require.NoError(t, err)
	defer g.Done()
	require.NoError(t, g.Seal())
	require.NoError(t, log.Retire(id, wal.Committed))
	return id
}

// An undo that is undone itself undoes nothing any more.
func TestHistoryKnowsWhatIsUndone(t *testing.T) {
	root := t.TempDir()
	log, err := wal.Open(context.Background(), filepath.Join(root, ".emend"), wal.Options{})
	require.NoError(t, err)
	require.NoError(t, log.Acquire(t.Context(), time.Second, nil))
	first := logCommitted(t, log, "first", wal.ID{})
	second := logCommitted(t, log, "second", wal.ID{})
	undoFirst := logCommitted(t, log, "undo first", first)
	undoSecond := logCommitted(t, log, "undo second", second)
	redoSecond := logCommitted(t, log, "redo second", undoSecond)
	log.Release()
	require.NoError(t, log.Close())

	list, err := editor.History(t.Context(), root, editor.HistoryOptions{})
	require.NoError(t, err)
	type entry struct{ label, state, undoes, undoneBy string }
	var got []entry
	for _, tx := range list {
		got = append(got, entry{tx.Label, tx.State, tx.Undoes, tx.UndoneBy})
	}
	require.Equal(t, []entry{
		{"redo second", editor.StateCommitted, undoSecond.String(), ""},
		{"undo second", editor.StateUndone, second.String(), redoSecond.String()},
		{"undo first", editor.StateCommitted, first.String(), ""},
		{"second", editor.StateCommitted, "", ""},
		{"first", editor.StateUndone, "", undoFirst.String()},
	}, got)

	list, err = editor.History(t.Context(), root, editor.HistoryOptions{Limit: 2})
	require.NoError(t, err)
	require.Len(t, list, 2)
	list, err = editor.History(t.Context(), root, editor.HistoryOptions{Since: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Empty(t, list)
}

func applyEdit(t *testing.T, root, path string, edit locator.Edit) string {
	t.Helper()
	ed, err := editor.Open(context.Background(), root)
	require.NoError(t, err)
	defer ed.Close()
	res, err := ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{
		editor.Edit{Path: path, Edits: []locator.Edit{edit}}}})
	require.NoError(t, err)
	return res.ID
}

// Of a large file the log has the edits only; as long as the file stands as the
// transaction left it, its patch can be made.
func TestShowDiffOfALargeFileNeedsTheFile(t *testing.T) {
	root := t.TempDir()
	content := strings.Repeat("a line that is longer than its number\n", 40<<10)
	name := filepath.Join(root, "big.txt")
	require.NoError(t, os.WriteFile(name, []byte(content+"one\n"), 0o644))
	id := applyEdit(t, root, "big.txt", locator.Edit{Start: len(content), End: len(content) + 3, Text: []byte("two")})

	var b bytes.Buffer
	require.NoError(t, editor.ShowDiff(t.Context(), root, id, &b))
	require.Contains(t, b.String(), "\n-one\n+two\n")

	require.NoError(t, os.WriteFile(name, []byte(content+"three\n"), 0o644))
	require.Equal(t, fail.NotFound, fail.KindOf(editor.ShowDiff(t.Context(), root, id, &b)))
}
