package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/recovery"
	"github.com/spf13/cobra"
)

const applyHelp = `Apply a plan to the workspace: every change of it, or none.

FILE is a patch (git diff, git format-patch, diff -u), a plan in emend's JSON, or
what a language server, compiler, linter or agent prints; none or - is stdin.
Which of them it is is told by its content, or by --format. Files that are not
what the plan was made for are refused, and nothing is changed.

Once emend apply has exited 0, the change survives a crash or a power cut. What
a crash of an earlier run left is recovered first.`

const applyExample = `  git diff main feature | emend apply        apply a patch from stdin
  emend apply --check fix.patch              would it apply? changes nothing
  emend apply --check --diff plan.json       what would it change?
  emend apply --key ticket-7 plan.json       twice is as good as once`

type applyFlags struct {
	drift                      driftFlags
	durability, write          *choice
	progress                   *choice
	check, diff, forceReadOnly bool
	key, label                 string
	keyGiven, labelGiven       bool
	lockWait                   time.Duration
	input                      inputFlags
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "apply [FILE|-]",
		Short:   "Apply a plan or a patch",
		Long:    applyHelp,
		Example: applyExample,
		Args:    cobra.MaximumNArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, args []string) error {
		given := cmd.Flags().Changed
		f.keyGiven, f.labelGiven = given("key"), given("label")
		return a.apply(ctx, args, f)
	})
	f.addHow(cmd)
	f.progress = chooseProgress(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.check, "check", false, "only tell whether the plan would apply; write nothing")
	flags.BoolVar(&f.diff, "diff", false, "print the change as a unified diff first")
	flags.StringVar(&f.key, "key", "", "apply a plan with this `KEY` only once")
	flags.StringVar(&f.label, "label", "", "a `TEXT` for the history")
	return cmd
}

// addHow adds the flags that say how plans are read and applied.
func (f *applyFlags) addHow(cmd *cobra.Command) {
	f.input.add(cmd, "format")
	f.drift.add(cmd)
	f.durability = choose(cmd, "durability", "none: do not sync; a power cut may then tear the change", "full", "none")
	f.write = choose(cmd, "write", "replace files by rename, or write into them; auto: whichever loses nothing", "auto", "rename", "inplace")
	addLockWait(cmd, &f.lockWait)
	cmd.Flags().BoolVar(&f.forceReadOnly, "force-readonly", false, "change read-only files too; they stay read-only")
}

func addLockWait(cmd *cobra.Command, wait *time.Duration) {
	cmd.Flags().DurationVar(wait, "lock-wait", 10*time.Second, "how long to wait for another process")
}

func (a *app) apply(ctx context.Context, args []string, f applyFlags) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	plan, err := a.readPlan(ctx, args, root, f)
	if err != nil {
		return err
	}
	opts := f.options()
	if f.check {
		if err := refusePending(ctx, root); err != nil {
			return err
		}
		opts = append(opts, editor.WithReportOnly())
	} else {
		surviveBrokenPipe()
		opts = append(opts, editor.WithRecovered(a.recoveredFirst))
	}
	var p editor.Progress
	ed, err := editor.Open(ctx, root, append(opts, editor.WithProgress(&p))...)
	if err != nil {
		return err
	}
	defer ed.Close()
	stop := a.out.follow(&p, f.progress.value)
	defer stop()
	res, diff, err := a.runPlan(ctx, ed, plan, f)
	stop()
	if err != nil {
		return err
	}
	return a.tellDone(res, diff, f.check)
}

// tellDone tells the result. A change stands, whether it can be told or not; of a
// check the telling is all there is.
func (a *app) tellDone(res *editor.Result, diff diffJSON, check bool) error {
	err := a.tellApply(res, diff, check)
	if check {
		return err
	}
	a.out.warn(err)
	return nil
}

// runPlan does with plan what f says. It prints the diff, or returns it for the
// JSON document.
func (a *app) runPlan(ctx context.Context, ed *editor.Editor, plan editor.Plan, f applyFlags) (
	res *editor.Result, diff diffJSON, err error) {
	if !f.check && !f.diff {
		res, err = ed.Apply(ctx, plan)
		return res, diff, err
	}
	tx, err := ed.Prepare(ctx, plan)
	if err != nil {
		return nil, diff, err
	}
	return a.finish(ctx, tx, f.check, f.diff)
}

// finish commits tx or, with check, only tells what that would do. It prints the
// diff first, or returns it for the JSON document.
func (a *app) finish(ctx context.Context, tx *editor.Tx, check, diff bool) (res *editor.Result, doc diffJSON, err error) {
	defer tx.Discard()
	switch {
	case diff && a.out.json:
		doc, err = collectDiff(tx.WriteDiff)
	case diff:
		err = a.out.diff(tx.WriteDiff)
	}
	if err != nil {
		return nil, doc, err
	}
	if check {
		return tx.Checked(), doc, nil
	}
	res, err = tx.Commit(ctx)
	return res, doc, err
}

func (a *app) readPlan(ctx context.Context, args []string, root string, f applyFlags) (editor.Plan, error) {
	opts, err := a.inputOptions(args, root, f.input)
	if err != nil {
		return editor.Plan{}, err
	}
	plan, isStream, err := a.streamedPlan(args, f.input.format.value, opts.Encoding)
	if !isStream && err == nil {
		var sources []*fix.Source
		if sources, err = a.readSources(ctx, args); err != nil {
			return editor.Plan{}, err
		}
		a.shows(sources...)
		plan, err = input.Parse(f.input.format.value, opts, sources...)
	}
	if err != nil {
		name, _ := inputName(args)
		return editor.Plan{}, fail.Wrap(err, "parse", name)
	}
	if f.keyGiven {
		plan.Key = f.key
	}
	if f.labelGiven {
		plan.Label = f.label
	}
	return plan, nil
}

func (f applyFlags) options() []editor.Option {
	opts := []editor.Option{
		editor.WithLockWait(f.lockWait),
		editor.WithOnDrift(f.drift.policy()),
		editor.WithDurability(map[string]editor.Durability{
			"full": editor.DurabilityFull, "none": editor.DurabilityNone}[f.durability.value]),
	}
	opts = append(opts, editor.WithWrite(map[string]editor.WriteMode{
		"auto": editor.WriteAuto, "rename": editor.WriteRename, "inplace": editor.WriteInPlace}[f.write.value]))
	if f.forceReadOnly {
		opts = append(opts, editor.WithForceReadOnly())
	}
	return opts
}

// refusePending is an error if a crash has left anything in root: what a plan
// would do there is not known before it is recovered.
func refusePending(ctx context.Context, root string) error {
	pending, err := recovery.Pending(ctx, root, recovery.Options{})
	if err != nil || len(pending) == 0 {
		return err
	}
	return fail.New(fail.PendingRecovery, "check", "", "a crash left %s unfinished", count(len(pending), "transaction")).
		WithHint("run 'emend recover'; 'emend recover --dry-run' tells what it would do")
}

// recoveredFirst reports an intent that was recovered before the plan was
// looked at.
func (a *app) recoveredFirst(r recovery.IntentReport) {
	a.recovered = append(a.recovered, r)
	a.out.note("recovered first: %s", intentLine(r))
}

// applyReport is what apply prints with --json.
type applyReport struct {
	ID         *string `json:"id"`
	Key        *string `json:"key"`
	Already    bool    `json:"already"`
	State      string  `json:"state"`
	Label      string  `json:"label"`
	Undoes     *string `json:"undoes"`
	Durability string  `json:"durability"`
	diffJSON
	Recovered []recovery.IntentReport `json:"recovered"`
	Skipped   []fix.Skipped           `json:"skipped,omitempty"` // what of a report was left out
	Files     []editor.FileReport     `json:"files"`
	Exit      int                     `json:"exit"`
}

func (a *app) tellApply(res *editor.Result, diff diffJSON, check bool) error {
	for _, f := range res.Files {
		if f.Anchor == editor.AnchorConflict {
			a.out.note("%s: not all could be merged: look for the conflict markers", fail.QuotePath(f.Path))
		}
	}
	return a.out.result(a.applyReport(res, diff, check), func(w io.Writer) { a.out.success(w, "%s", applyLine(res)) })
}

// applyReport is the document for res; that of a check names no transaction.
func (a *app) applyReport(res *editor.Result, diff diffJSON, check bool) applyReport {
	id := orNull(res.ID)
	if check {
		id = nil
	}
	return applyReport{
		ID: id, Key: orNull(res.Key), Already: res.Already, State: res.State, Label: res.Label,
		Undoes: orNull(res.Undoes), Durability: res.Durability, diffJSON: diff,
		Recovered: append([]recovery.IntentReport{}, a.recovered...),
		Skipped:   a.skipped,
		Files:     append([]editor.FileReport{}, res.Files...),
	}
}

// applyLine says in one line how it went; scripts may read it.
func applyLine(res *editor.Result) string {
	switch {
	case res.Already:
		return "already " + res.ID
	case res.State == editor.StateUnchanged:
		return "unchanged"
	case res.State == editor.StateChecked:
		return fmt.Sprintf("would change %d files", len(res.Files))
	}
	return fmt.Sprintf("committed %s: %d files", res.ID, len(res.Files))
}
