package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/spf13/cobra"
)

const logHelp = `List the transactions of the workspace, newest first: what was changed, when, and
whether it still stands. The history is bounded; the oldest go first.`

const logExample = `  emend log -n 5
  emend log --since 24h
  emend log --since 2026-01-31`

// logReport is what log prints with --json.
type logReport struct {
	Transactions []transactionJSON `json:"transactions"`
	Exit         int               `json:"exit"`
}

// transactionJSON is a transaction as log and show tell it to tools.
type transactionJSON struct {
	ID       string  `json:"id"`
	Time     string  `json:"time"` // RFC 3339, UTC
	Label    string  `json:"label"`
	Key      *string `json:"key"`
	State    string  `json:"state"`
	Files    any     `json:"files"` // of log: paths; of show: reports
	Undoes   *string `json:"undoes"`
	UndoneBy *string `json:"undone_by"`
}

func jsonTransaction(t editor.Transaction, files any) transactionJSON {
	return transactionJSON{
		ID: t.ID, Time: t.Time.UTC().Format(time.RFC3339), Label: t.Label, Key: orNull(t.Key), State: t.State,
		Files: files, Undoes: orNull(t.Undoes), UndoneBy: orNull(t.UndoneBy),
	}
}

func (a *app) logCommand() *cobra.Command {
	var limit int
	var since string
	cmd := &cobra.Command{
		Use:     "log",
		Short:   "List the transactions, newest first",
		Long:    logHelp,
		Example: logExample,
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, _ []string) error {
		if limit < 0 {
			return fail.New(fail.Usage, "", "", "-n must not be negative")
		}
		from, err := parseSince(since, time.Now())
		if err != nil {
			return err
		}
		return a.log(ctx, editor.HistoryOptions{Limit: limit, Since: from})
	})
	cmd.Flags().IntVarP(&limit, "limit", "n", 0, "at most `N` of them (0: all)")
	cmd.Flags().StringVar(&since, "since", "", "from `TIME` on: a date, RFC 3339, or how long ago (24h, 30m)")
	return cmd
}

func (a *app) log(ctx context.Context, o editor.HistoryOptions) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	list, err := editor.History(ctx, root, o)
	if err != nil {
		return err
	}
	report := logReport{Transactions: []transactionJSON{}}
	for _, t := range list {
		report.Transactions = append(report.Transactions, jsonTransaction(t, t.Files))
	}
	return a.out.result(report, func(w io.Writer) {
		for _, t := range list {
			fmt.Fprintln(w, transactionLine(t))
		}
	})
}

// transactionLine is a transaction in one line.
func transactionLine(t editor.Transaction) string {
	return fmt.Sprintf("%s  %s  %-11s  %9s  %s", t.ID, t.Time.Local().Format(time.DateTime), t.State,
		count(len(t.Files), "file"), oneLine(t.Label))
}

// parseSince reads a moment, or a duration before now. Nothing is the zero time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fail.New(fail.Usage, "", "", "--since %q is not a time", s).
		WithHint("try 2026-01-31, 2026-01-31T12:00:00Z, or 24h")
}
