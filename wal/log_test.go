package wal

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
)

func acquire(t *testing.T, l *Log) {
	t.Helper()
	require.NoError(t, l.Acquire(context.Background(), 5*time.Second, nil))
}

// seal appends an intent of one file with a before-image of size bytes, and
// syncs it.
func sealIntent(t *testing.T, l *Log, label string, size int) (*Group, []byte) {
	t.Helper()
	g, err := l.Begin(Begin{Label: label, Key: "key-" + label})
	require.NoError(t, err)
	img := bytes.Repeat([]byte(label), size/len(label)+1)[:size]
	st := Step{Path: "a/" + label, LinkOf: -1, HasBefore: true, Op: StepDelete,
		Before: State{Kind: vfs.Regular, Hash: hashing.Raw(img), Size: int64(size), Meta: Meta{Mode: 0o644}}}
	require.NoError(t, g.Step(&st))
	require.NoError(t, g.Data(0, Before, 0, img))
	require.NoError(t, g.Seal())
	require.NoError(t, l.Sync())
	return g, img
}

func TestLogRoundTrip(t *testing.T) {
	dir := t.TempDir() + "/.emend"
	l, err := Open(dir, Options{})
	require.NoError(t, err)
	acquire(t, l)
	g, img := sealIntent(t, l, "one", 3<<20)
	require.Empty(t, l.Orphans())
	require.NoError(t, l.Note(g.ID(), 0, NoteSibling, ".x"))
	require.NoError(t, l.Decide(g.ID(), Forward))
	g.Done()
	g2, _ := sealIntent(t, l, "two", 0)
	require.NoError(t, l.Retire(g2.ID(), Committed))
	g2.Done()
	l.Release()
	require.NoError(t, l.Close())

	l, err = Open(dir, Options{})
	require.NoError(t, err)
	defer l.Close()
	require.True(t, l.Report().CleanClose)
	o := l.Orphans()
	require.Len(t, o, 1)
	require.Equal(t, g.ID(), o[0].ID)
	require.Equal(t, Forward, o[0].Decision)
	steps, err := o[0].LoadSteps()
	require.NoError(t, err)
	require.Equal(t, ".x", steps[0].Sibling)
	r, ok := o[0].Image(0, Before)
	require.True(t, ok)
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)
	require.True(t, bytes.Equal(img, got))
	var labels []string
	require.NoError(t, l.History(func(tx *Transaction) error {
		labels = append(labels, tx.Label)
		return nil
	}))
	require.Equal(t, []string{"one", "two"}, labels)
	k, err := l.FindKey("key-two")
	require.NoError(t, err)
	require.Equal(t, Committed, k.Outcome)

	acquire(t, l)
	require.NoError(t, l.Retire(g.ID(), RolledBack))
	require.Empty(t, l.Pending())
	l.Release()
}
