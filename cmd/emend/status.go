package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
	"github.com/spf13/cobra"
)

const statusHelp = `Tell what is left to do: transactions that a crash left (pending) or that only a
person can decide (parked), the health of the log, and who holds the lock. Exits
3 if anything is pending or parked, 7 if the log is damaged. Writes nothing.`

// lastShown is how many of the newest transactions status shows to people.
const lastShown = 3

// statusReport is what status prints with --json.
type statusReport struct {
	*recovery.StatusReport
	Exit int `json:"exit"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Tell what is pending, and how the log is",
		Long:    statusHelp,
		Example: "  emend status\n  emend status -q || emend recover",
		Args:    cobra.NoArgs,
		RunE:    a.verb(a.status),
	}
}

func (a *app) status(ctx context.Context, _ []string) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	s, err := recovery.Status(ctx, root, recovery.Options{})
	if err != nil {
		return err
	}
	a.exit = statusExit(s)
	var last []editor.Transaction
	if a.exit != exitDamaged {
		if last, err = editor.History(ctx, root, editor.HistoryOptions{Limit: lastShown}); err != nil {
			return err
		}
	}
	return a.out.result(statusReport{s, a.exit}, func(w io.Writer) {
		a.tellStatus(w, s)
		for _, t := range last {
			a.out.success(w, "last: %s", transactionLine(t))
		}
	})
}

func statusExit(s *recovery.StatusReport) int {
	switch {
	case s.Log.Health == recovery.HealthDamaged:
		return exitDamaged
	case len(s.Pending)+len(s.Parked) > 0:
		return exitPending
	}
	return exitDone
}

func (a *app) tellStatus(w io.Writer, s *recovery.StatusReport) {
	tellUnfinished(w, "pending", s.Pending)
	if len(s.Pending) > 0 {
		fmt.Fprintln(w, "  run 'emend recover' to finish or undo it")
	}
	tellUnfinished(w, "parked", s.Parked)
	if len(s.Parked) > 0 {
		fmt.Fprintln(w, "  what they have of their files is under .emend/parked; decide with 'emend resolve'")
	}
	if a.exit == exitDone {
		a.out.success(w, "nothing pending")
	}
	if s.Host > 0 {
		a.out.success(w, "%s of a host program", count(s.Host, "intent"))
	}
	switch s.Log.Health {
	case recovery.HealthDamaged:
		fmt.Fprintf(w, "log: damaged, %d bytes; see 'emend fsck'\n", s.Log.Bytes)
	case recovery.HealthTorn:
		a.out.success(w, "log: ok, %d bytes; an append was cut off, the next transaction repairs that", s.Log.Bytes)
	default:
		a.out.success(w, "log: ok, %d bytes", s.Log.Bytes)
	}
	if s.Lock.Held {
		a.out.success(w, "lock: held by process %d since %s", s.Lock.PID, s.Lock.Since.Local().Format(time.TimeOnly))
	}
}

func tellUnfinished(w io.Writer, what string, list []recovery.Unfinished) {
	for _, t := range list {
		fmt.Fprintf(w, "%s %s  %s  %s\n", what, t.ID, count(len(t.Files), "file"), oneLine(t.Label))
		for _, path := range t.Files {
			fmt.Fprintf(w, "  %s\n", fail.QuotePath(path))
		}
	}
}
