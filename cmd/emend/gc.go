package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/recovery"
	"github.com/spf13/cobra"
)

const gcHelp = `Compact the log: what is unfinished and the newest history stay, of older
transactions only whether they happened, so that a plan with a key is still not
applied twice. They can no longer be undone. The log does that by itself when it
has doubled, too.

What is under .emend/parked of transactions that 'emend resolve' has decided is
removed. What recovery set aside there by itself stays: look at it, and remove
it by hand.`

// gcReport is what gc prints with --json.
type gcReport struct {
	Before    int64                   `json:"before"` // bytes of the log
	After     int64                   `json:"after"`
	Dropped   int                     `json:"dropped"` // transactions
	Removed   int                     `json:"removed"` // directories under .emend/parked
	Kept      []string                `json:"kept"`    // those that stay
	Recovered []recovery.IntentReport `json:"recovered"`
	Exit      int                     `json:"exit"`
}

func (a *app) gcCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{Use: "gc", Short: "Compact the log", Long: gcHelp, Example: "  emend gc", Args: cobra.NoArgs}
	cmd.RunE = a.verb(func(ctx context.Context, _ []string) error { return a.gc(ctx, wait) })
	addLockWait(cmd, &wait)
	return cmd
}

func (a *app) gc(ctx context.Context, wait time.Duration) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	surviveBrokenPipe()
	ed, err := editor.Open(ctx, root, editor.WithLockWait(wait), editor.WithRecovered(a.recoveredFirst))
	if err != nil {
		return err
	}
	defer ed.Close()
	c, err := ed.GC(ctx)
	if err != nil {
		return err
	}
	report := gcReport{Before: c.Before, After: c.After, Dropped: c.Dropped, Removed: c.Shelves,
		Kept: append([]string{}, c.Kept...), Recovered: append([]recovery.IntentReport{}, a.recovered...)}
	a.out.warn(a.out.result(report, func(w io.Writer) {
		a.out.success(w, "log: %d bytes, was %d; %s dropped", c.After, c.Before, count(c.Dropped, "transaction"))
		for _, id := range c.Kept {
			fmt.Fprintf(w, "kept .emend/parked/%s: nobody has decided about it\n", id)
		}
	}))
	return nil
}
