package recovery_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
	"github.com/stretchr/testify/require"
)

// sealIntent logs an intent that creates a file, and does nothing about it.
func sealIntent(t *testing.T, log *wal.Log, label string) *wal.Group {
	t.Helper()
	id, err := wal.NewID()
	require.NoError(t, err)
	g, err := log.Begin(wal.Begin{ID: id, Time: time.Now(), Label: label})
	require.NoError(t, err)
	require.NoError(t, g.Step(&wal.Step{Path: "new.txt", LinkOf: -1, Op: wal.StepCreate,
		After: wal.State{Kind: vfs.Regular, Meta: wal.Meta{Mode: 0o644}}}))
	require.NoError(t, g.Seal())
	require.NoError(t, log.Sync())
	return g
}

// A reader without the lock cannot tell a crash from a transaction at work by
// the log alone: as long as the lock is held, it is at work.
func TestAnIntentInFlightIsNotPending(t *testing.T) {
	root := t.TempDir()
	log, err := wal.Open(context.Background(), filepath.Join(root, ".emend"), wal.Options{})
	require.NoError(t, err)
	require.NoError(t, log.Acquire(t.Context(), time.Second, nil))
	g := sealIntent(t, log, "at work")

	s, err := recovery.Status(t.Context(), root, recovery.Options{})
	require.NoError(t, err)
	require.Empty(t, s.Pending)
	require.True(t, s.Lock.Held)
	require.Equal(t, os.Getpid(), s.Lock.PID)
	require.WithinDuration(t, time.Now(), s.Lock.Since, time.Minute)

	g.Done() // it ended without being retired, as after a crash
	log.Release()
	require.NoError(t, log.Close())

	s, err = recovery.Status(t.Context(), root, recovery.Options{})
	require.NoError(t, err)
	require.Len(t, s.Pending, 1)
	require.Equal(t, "at work", s.Pending[0].Label)
	require.Equal(t, recovery.Paths{"new.txt"}, s.Pending[0].Files)
	require.False(t, s.Lock.Held)

	pending, err := recovery.Pending(t.Context(), root, recovery.Options{})
	require.NoError(t, err)
	require.Equal(t, s.Pending, pending)
}

func TestPathsInJSONKeepBytesThatAreNotUTF8(t *testing.T) {
	b, err := json.Marshal(recovery.Paths{"a", "caf\xe9"})
	require.NoError(t, err)
	require.Equal(t, `["a",{"path_base64":"Y2Fm6Q=="}]`, string(b))
	b, err = json.Marshal(recovery.Paths(nil))
	require.NoError(t, err)
	require.Equal(t, `[]`, string(b))
}
