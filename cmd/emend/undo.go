package main

import (
	"context"
	"time"

	"github.com/emend/emend/editor"
	"github.com/spf13/cobra"
)

const undoHelp = `Undo a committed transaction, by a new one: deleted files come back with their
metadata, created ones go, renames go back. Without an ID it is the newest that
is neither undone nor an undo itself.

Later edits of the same files stay where they do not overlap. Where they do, or
where somebody has changed what would have to go, nothing is changed and the
message says which transaction stands in the way.`

const undoExample = `  emend undo                  take back the last transaction
  emend log                   which ones are there?
  emend undo 06FZ4W8SX1R3Q2T5V7Y9ABCDEF
  emend undo --check --diff   what would it change?`

const redoHelp = `Redo what was undone: the undo of an undo, checked like one. ID is the undone
transaction or its undo; without one it is the newest undo that stands.`

const redoExample = `  emend undo
  emend redo`

type undoFlags struct {
	drift       driftFlags
	check, diff bool
	lockWait    time.Duration
	progress    *choice
}

func (a *app) undoCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "undo [ID]", Short: "Undo a transaction", Long: undoHelp, Example: undoExample}
	return a.reversal(cmd, (*editor.Editor).PrepareUndo, (*editor.Editor).Undo)
}

func (a *app) redoCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "redo [ID]", Short: "Redo what was undone", Long: redoHelp, Example: redoExample}
	return a.reversal(cmd, (*editor.Editor).PrepareRedo, (*editor.Editor).Redo)
}

// The two ways to take a transaction back: looking first, and at once.
type (
	prepareFunc func(*editor.Editor, context.Context, string) (*editor.Tx, error)
	commitFunc  func(*editor.Editor, context.Context, string) (*editor.Result, error)
)

// reversal completes cmd, which takes transactions back.
func (a *app) reversal(cmd *cobra.Command, prepare prepareFunc, now commitFunc) *cobra.Command {
	var f undoFlags
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.RunE = a.verb(func(ctx context.Context, args []string) error {
		id := ""
		if len(args) > 0 {
			id = args[0]
		}
		var p editor.Progress
		ed, err := a.openToReverse(ctx, f, &p)
		if err != nil {
			return err
		}
		defer ed.Close()
		stop := a.out.follow(&p, f.progress.value)
		defer stop()
		res, diff, err := a.reverse(ctx, ed, id, f, prepare, now)
		stop()
		if err != nil {
			return err
		}
		return a.tellDone(res, diff, f.check)
	})
	f.drift.add(cmd)
	f.progress = chooseProgress(cmd)
	cmd.Flags().BoolVar(&f.check, "check", false, "only tell whether it can be done; write nothing")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "print the change as a unified diff first")
	addLockWait(cmd, &f.lockWait)
	return cmd
}

func (a *app) openToReverse(ctx context.Context, f undoFlags, p *editor.Progress) (*editor.Editor, error) {
	root, err := a.workspace()
	if err != nil {
		return nil, err
	}
	opts := []editor.Option{editor.WithLockWait(f.lockWait), editor.WithOnDrift(f.drift.policy()), editor.WithProgress(p)}
	if f.check {
		if err := refusePending(ctx, root); err != nil {
			return nil, err
		}
		opts = append(opts, editor.WithReportOnly())
	} else {
		surviveBrokenPipe()
		opts = append(opts, editor.WithRecovered(a.recoveredFirst))
	}
	return editor.Open(ctx, root, opts...)
}

func (a *app) reverse(ctx context.Context, ed *editor.Editor, id string, f undoFlags, prepare prepareFunc, now commitFunc) (
	res *editor.Result, diff diffJSON, err error) {
	if !f.check && !f.diff {
		res, err = now(ed, ctx, id)
		return res, diff, err
	}
	tx, err := prepare(ed, ctx, id)
	if err != nil {
		return nil, diff, err
	}
	return a.finish(ctx, tx, f.check, f.diff)
}
