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

// showReport is what show prints with --json.
type showReport struct {
	transactionJSON
	diffJSON
	Exit int `json:"exit"`
}

func (a *app) showCommand() *cobra.Command {
	var diff bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one transaction",
		Long:    "Show one transaction: what it did to each file, and, with --diff, how.\nID is as 'emend log' prints it.",
		Example: "  emend log -n 1\n  emend show --diff 06FZ4W8SX1R3Q2T5V7Y9ABCDEF",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, args []string) error { return a.show(ctx, args[0], diff) })
	cmd.Flags().BoolVar(&diff, "diff", false, "print the change as a unified diff, too")
	return cmd
}

func (a *app) show(ctx context.Context, id string, diff bool) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	t, err := editor.Show(ctx, root, id)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return editor.ShowDiff(ctx, root, id, w) }
	report := showReport{transactionJSON: jsonTransaction(t.Transaction, t.Reports)}
	if diff && a.out.json {
		if report.diffJSON, err = collectDiff(write); err != nil {
			return err
		}
	}
	err = a.out.result(report, func(w io.Writer) {
		tellTransaction(w, t)
		if diff {
			fmt.Fprintln(w)
		}
	})
	if err == nil && diff && !a.out.json {
		err = a.out.diff(write)
	}
	return err
}

func tellTransaction(w io.Writer, t *editor.Details) {
	fmt.Fprintf(w, "transaction %s\n", t.ID)
	for _, line := range []struct{ name, value string }{
		{"state", t.State}, {"time", t.Time.Local().Format(time.RFC3339)}, {"label", oneLine(t.Label)},
		{"key", oneLine(t.Key)}, {"undoes", t.Undoes}, {"undone by", t.UndoneBy},
	} {
		if line.value != "" {
			fmt.Fprintf(w, "%-12s%s\n", line.name, line.value)
		}
	}
	for _, f := range t.Reports {
		fmt.Fprintf(w, "  %-8s %s\n", f.Op, fileLine(f))
	}
}

// fileLine names the file of a report, and what it was called before.
func fileLine(f editor.FileReport) string {
	if f.From != "" {
		return fail.QuotePath(f.From) + " -> " + fail.QuotePath(f.Path)
	}
	return fail.QuotePath(f.Path)
}
