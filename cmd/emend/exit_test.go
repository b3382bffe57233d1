package main

import (
	"syscall"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

func TestExitCodeOfEveryKind(t *testing.T) {
	codes := map[int][]fail.Kind{
		1: {fail.Unsupported, fail.Position, fail.Drift, fail.Conflict, fail.Ambiguous, fail.NotFound, fail.Exists,
			fail.TypeChanged, fail.NotRegular, fail.PathEscape, fail.SymlinkRefused, fail.ReadOnly, fail.IdentityLost,
			fail.Busy, fail.Foreign, fail.TooLarge},
		2:   {fail.Usage, fail.Parse},
		3:   {fail.PendingRecovery},
		4:   {fail.Locked},
		5:   {fail.IO, fail.NoSpace, fail.Permission},
		7:   {fail.LogCorrupt, fail.LogVersion},
		130: {fail.Cancelled},
	}
	seen := 0
	for code, kinds := range codes {
		for _, kind := range kinds {
			seen++
			e := fail.New(kind, "", "", "x")
			require.Equal(t, code, exitCode(e), kind)
			require.Equal(t, 6, exitCode(e.WithState(fail.NeedsRecovery)), kind)
			require.Equal(t, 3, exitCode(e.WithState(fail.Parked)), kind)
		}
	}
	require.Equal(t, 26, seen, "a kind is missing here")
}

func TestExitCodeOfSignals(t *testing.T) {
	for s, code := range map[syscall.Signal]int{syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		require.Equal(t, code, exitCode(cancelledBy(s)))
	}
}

// A commit that is durable is a success, whatever failed after it.
func TestLesson46ExitCodeAfterSuccessIsZero(t *testing.T) {
	require.Equal(t, 0, exitCode(fail.New(fail.IO, "", "", "x").WithState(fail.Committed)))
}
