package main

import (
	"syscall"

	"github.com/emend/emend/internal/fail"
)

// The exit codes, an API like any other: exitHelp explains them to people.
const (
	exitDone    = 0
	exitRefused = 1
	exitUsage   = 2
	exitPending = 3
	exitLocked  = 4
	exitIO      = 5
	exitUnknown = 6
	exitDamaged = 7
	exitSignal  = 128 // plus the signal's number
)

const exitHelp = `What the exit code of every emend command says:

    0  done (or would apply cleanly, or nothing to do)
    1  refused, nothing changed: the plan does not fit the files (drift, conflict,
       exists, not found, ambiguous, path escape, ...)
    2  wrong usage, or a plan that cannot be read; nothing changed
    3  a transaction is pending or parked: run 'emend recover', see 'emend status'
    4  another process holds the lock
    5  I/O error, missing permission or no space: rolled back, nothing changed
    6  the outcome is unknown to this process: run 'emend recover'
    7  the log is damaged, or was written by a newer version: see 'emend fsck'
  129, 130, 143
       hung up, interrupted, terminated: rolled back, nothing changed

With --json an error is {"error": {"kind": ..., "message": ..., "hint": ...,
"state": ...}, "exit": N}, where "state" says what the workspace looks like now.`

// exitCode maps an error to the exit code of the process. What the workspace
// looks like now outweighs what went wrong.
func exitCode(e *fail.Error) int {
	switch e.State {
	case fail.NeedsRecovery:
		return exitUnknown
	case fail.Parked:
		return exitPending
	case fail.Committed:
		return exitDone
	}
	switch e.Kind {
	case fail.Usage, fail.Parse:
		return exitUsage
	case fail.PendingRecovery:
		return exitPending
	case fail.Locked:
		return exitLocked
	case fail.IO, fail.NoSpace, fail.Permission:
		return exitIO
	case fail.LogCorrupt, fail.LogVersion:
		return exitDamaged
	case fail.Cancelled:
		if e.Signal == 0 {
			return exitSignal + int(syscall.SIGINT)
		}
		return exitSignal + int(e.Signal)
	}
	return exitRefused
}
