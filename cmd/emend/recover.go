package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
	"github.com/spf13/cobra"
)

const recoverHelp = `Finish or undo what a crash left, so that every transaction has happened whole
or not at all. Running it twice, or again after it was killed, does no harm.

A transaction is finished where that is possible, else undone. Where somebody
has edited its files since, their bytes are never overwritten: if neither way is
open, the transaction is parked, with a copy of what it has, under
.emend/parked, and a person decides. emend apply does all this by itself, too.`

const recoverExample = `  emend recover --dry-run       what would be done, file by file
  emend recover                 do it
  emend recover --policy back   undo what can be undone instead of finishing it`

type recoverFlags struct {
	policy   *choice
	dryRun   bool
	host     bool
	lockWait time.Duration
}

func (a *app) recoverCommand() *cobra.Command {
	var f recoverFlags
	cmd := &cobra.Command{
		Use:     "recover",
		Short:   "Finish or undo what a crash left",
		Long:    recoverHelp,
		Example: recoverExample,
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, _ []string) error { return a.recover(ctx, f) })
	f.policy = choose(cmd, "policy", "where both ways are open", recoveryPolicies().allowed...)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only tell what would be done; write nothing")
	cmd.Flags().BoolVar(&f.host, "host", false, "act on the intents of host programs, too")
	addLockWait(cmd, &f.lockWait)
	return cmd
}

// recoverReport is what recover prints with --json.
type recoverReport struct {
	*recovery.Report
	Exit int `json:"exit"`
}

func (a *app) recover(ctx context.Context, f recoverFlags) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	if !f.dryRun {
		surviveBrokenPipe()
	}
	run := recovery.Run
	if f.dryRun {
		run = recovery.Inspect
	}
	r, err := run(ctx, root, recovery.Options{Policy: f.recoveryPolicy(), Host: f.host, LockWait: f.lockWait})
	if err != nil {
		if r != nil { // what was done before the error stays done
			for _, intent := range r.Intents {
				a.recovered = append(a.recovered, intent)
				a.out.note("%s", intentLine(intent))
			}
		}
		return err
	}
	a.exit = recoverExit(r, f.dryRun)
	err = a.out.result(recoverReport{r, a.exit}, func(w io.Writer) { a.tellRecovery(w, r, f.dryRun) })
	if f.dryRun {
		return err
	}
	a.out.warn(err) // what was recovered stays so, whether it can be told or not
	return nil
}

func recoveryPolicies() *choice {
	return &choice{value: "auto", allowed: []string{"auto", "forward", "back"}}
}

func (f recoverFlags) recoveryPolicy() recovery.Policy {
	switch f.policy.value {
	case "forward":
		return recovery.PolicyForward
	case "back":
		return recovery.PolicyBack
	}
	return recovery.Auto
}

// recoverExit says whether anything is left for somebody to do.
func recoverExit(r *recovery.Report, dryRun bool) int {
	for _, intent := range r.Intents {
		if dryRun || intent.Action == recovery.ActionParked {
			return exitPending
		}
	}
	return exitDone
}

func (a *app) tellRecovery(w io.Writer, r *recovery.Report, dryRun bool) {
	if r.Log.TornBytes > 0 {
		a.out.success(w, "log: %d bytes of an unfinished append %s", r.Log.TornBytes, cutTo(r.Log.Quarantine))
	}
	if len(r.Intents) == 0 {
		a.out.success(w, "nothing to recover")
	}
	for _, intent := range r.Intents {
		if a.out.quiet && !dryRun && intent.Action != recovery.ActionParked {
			continue
		}
		would := ""
		if dryRun {
			would = "would be "
		}
		fmt.Fprintf(w, "%s%s\n", would, intentLine(intent))
		for _, f := range intent.Files {
			fmt.Fprintf(w, "  %-8s %s: %s (%s)\n", f.Action, fail.QuotePath(f.Path), f.State, f.Why)
		}
		if intent.Action == recovery.ActionParked && !dryRun {
			fmt.Fprintf(w, "  what the transaction has of these files is in .emend/parked/%s;\n"+
				"  decide with 'emend resolve'\n", intent.ID)
		}
	}
}

func cutTo(quarantine string) string {
	if quarantine == "" {
		return "to be cut"
	}
	return "cut, kept as " + quarantine
}

// intentLine says in one line what became of an intent.
func intentLine(r recovery.IntentReport) string {
	if r.Action == recovery.ActionDiscarded {
		return fmt.Sprintf("discarded %s: it had not changed anything yet", r.ID)
	}
	label := ""
	if r.Label != "" {
		label = " (" + oneLine(r.Label) + ")"
	}
	return fmt.Sprintf("%s %s%s: %s", deeds(r.Action), r.ID, label, count(len(r.Files), "file"))
}

// deeds names an action to people.
func deeds(action string) string {
	switch action {
	case recovery.ActionForward:
		return "rolled forward"
	case recovery.ActionBack:
		return "rolled back"
	}
	return action
}

// count is "1 file", "2 files".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
