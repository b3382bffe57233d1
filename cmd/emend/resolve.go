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

const resolveHelp = `Decide a parked transaction: one that a crash cut off and that can neither be
finished nor undone without writing over what somebody has edited since. For all
its files, or those named by --file, keep what is there now, or take what was
there before the transaction, or what it wanted.

What is replaced is kept under .emend/parked/ID, and 'emend undo' brings it back.
Once all files are decided, the transaction is over and blocks nothing any more.`

const resolveExample = `  emend status                                   which are parked?
  ls .emend/parked/ID                            before, after and patch of each file
  emend resolve ID --use-after --file src/a.go   take what the transaction wanted
  emend resolve ID --keep-current                and keep the rest as it is`

type resolveFlags struct {
	keep, before, after bool
	files               []string
	lockWait            time.Duration
}

// resolveReport is what resolve prints with --json.
type resolveReport struct {
	Intent    string                  `json:"intent"`
	ID        *string                 `json:"id"` // of the transaction that changed the files
	State     string                  `json:"state"`
	Recovered []recovery.IntentReport `json:"recovered"`
	Files     []editor.FileReport     `json:"files"`
	Undecided recovery.Paths          `json:"undecided"`
	Exit      int                     `json:"exit"`
}

func (a *app) resolveCommand() *cobra.Command {
	var f resolveFlags
	cmd := &cobra.Command{
		Use:     "resolve ID",
		Short:   "Decide a parked transaction",
		Long:    resolveHelp,
		Example: resolveExample,
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, args []string) error { return a.resolve(ctx, args[0], f) })
	cmd.Flags().BoolVar(&f.keep, "keep-current", false, "the files stay as they are now")
	cmd.Flags().BoolVar(&f.before, "use-before", false, "the files become what they were before the transaction")
	cmd.Flags().BoolVar(&f.after, "use-after", false, "the files become what the transaction wanted")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "decide only `PATH`, as 'emend status' names it (may be repeated)")
	addLockWait(cmd, &f.lockWait)
	cmd.MarkFlagsMutuallyExclusive("keep-current", "use-before", "use-after")
	cmd.MarkFlagsOneRequired("keep-current", "use-before", "use-after")
	return cmd
}

func (a *app) resolve(ctx context.Context, id string, f resolveFlags) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	surviveBrokenPipe()
	ed, err := editor.Open(ctx, root, editor.WithLockWait(f.lockWait), editor.WithRecovered(a.recoveredFirst))
	if err != nil {
		return err
	}
	defer ed.Close()
	o := editor.ResolveOptions{Use: editor.KeepCurrent, Files: f.files}
	switch {
	case f.before:
		o.Use = editor.UseBefore
	case f.after:
		o.Use = editor.UseAfter
	}
	d, err := ed.Resolve(ctx, id, o)
	if err != nil {
		return err
	}
	if len(d.Undecided) > 0 {
		a.exit = exitPending
	}
	report := resolveReport{Intent: id, ID: orNull(d.ID), State: d.State, Files: d.Files, Undecided: d.Undecided, Exit: a.exit,
		Recovered: append([]recovery.IntentReport{}, a.recovered...)}
	a.out.warn(a.out.result(report, func(w io.Writer) { a.tellResolved(w, id, d) }))
	return nil
}

func (a *app) tellResolved(w io.Writer, id string, d *editor.Decided) {
	if d.State == editor.StateCommitted {
		a.out.success(w, "committed %s: %s", d.ID, count(len(d.Files), "file"))
		a.out.success(w, "  what they were is in .emend/parked/%s", id)
	}
	if len(d.Undecided) == 0 {
		a.out.success(w, "resolved %s", id)
		return
	}
	fmt.Fprintf(w, "parked %s: %s to decide\n", id, count(len(d.Undecided), "file"))
	for _, path := range d.Undecided {
		fmt.Fprintf(w, "  %s\n", fail.QuotePath(path))
	}
}
