package main

import (
	"context"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/recovery"
	"github.com/spf13/cobra"
)

const rootHelp = `emend applies a set of edits to many files as one transaction that survives
crashes: after it, or after 'emend recover' where a crash came between, the
workspace holds every change of the plan or none, and nobody's work is lost.

A plan is a patch, emend's own JSON, or what language servers, compilers, linters
and agents print. The workspace is the nearest directory above that has an .emend,
else a .git, else the current one.`

const rootExample = `  git diff | emend apply --root ../copy     apply a patch to another tree
  emend apply --check --diff fix.patch      see what would change, change nothing
  emend recover                             finish or undo what a crash left
  emend status                              is anything left to do?`

// app is one run of the command.
type app struct {
	out       output
	root      string // --root as given
	rootGiven bool
	exit      int                           // of a verb that ended without an error
	recovered []recovery.IntentReport       // what a verb that writes recovered first
	skipped   []fix.Skipped                 // what of a report was left out
	annotate  func(*fail.Error) *fail.Error // adds to an error what stands in the input; nil: there is none
	started   bool                          // a verb has begun: errors are its own, not the command line's
}

// run runs the command with args and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{out: output{streams: s}}
	root := a.command(args)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return a.exit
	}
	if !a.started {
		a.out.json = a.out.json || asksForJSON(args)
		err = commandLineError(cmd, err)
	}
	_, exit := a.failure(ctx, err)
	return exit
}

// failure tells what err is about, and the exit code for it.
func (a *app) failure(ctx context.Context, err error) (e *fail.Error, exit int) {
	e = withSignal(ctx, fail.From(err, "", ""))
	if a.annotate != nil {
		e = a.annotate(e)
	}
	exit = exitCode(e)
	a.out.failure(e, exit, a.recovered)
	return e, exit
}

// shows has errors show what stands in sources.
func (a *app) shows(sources ...*fix.Source) {
	a.annotate = func(e *fail.Error) *fail.Error { return fix.Show(sources, e) }
}

// command is emend with all its verbs or, where args begin with one, with that:
// to make them all takes about as long as a sync of the disk.
func (a *app) command(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "emend",
		Short:         "Apply edits to many files as one crash-safe transaction",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fail.New(fail.Usage, "", "", "no command given")
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.root, "root", "", "the workspace `DIR` (default: the nearest above with .emend, else .git, else here)")
	flags.BoolVar(&a.out.json, "json", false, "print exactly one JSON document on stdout, also for an error")
	flags.BoolVarP(&a.out.quiet, "quiet", "q", false, "leave out the lines that only report success")
	root.MarkPersistentFlagDirname("root")
	root.SetHelpCommand(helpCommand())
	verbs := map[string]func() *cobra.Command{
		"apply": a.applyCommand, "convert": a.convertCommand,
		"recover": a.recoverCommand, "resolve": a.resolveCommand, "undo": a.undoCommand, "redo": a.redoCommand,
		"status": a.statusCommand, "log": a.logCommand, "show": a.showCommand, "hash": a.hashCommand,
		"fsck": a.fsckCommand, "gc": a.gcCommand, "serve": a.serveCommand, "version": a.versionCommand, "exit-codes": exitCodesTopic,
	}
	if len(args) > 0 && verbs[args[0]] != nil {
		root.AddCommand(verbs[args[0]]())
		return root
	}
	for _, verb := range verbs {
		root.AddCommand(verb())
	}
	return root
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitHelp}
}

// verb makes f the body of a command: from here on an error is the verb's.
func (a *app) verb(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		a.rootGiven = cmd.Flags().Changed("root")
		return f(cmd.Context(), args)
	}
}

// helpCommand is cobra's, except that an unknown topic is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, _, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// commandLineError makes a usage error of what cobra found wrong.
func commandLineError(cmd *cobra.Command, err error) *fail.Error {
	if e := fail.Of(err); e != nil {
		return hintAt(cmd, e)
	}
	message, suggestions, _ := strings.Cut(err.Error(), "\n\n")
	e := fail.New(fail.Usage, "", "", "%s", message)
	if _, names, ok := strings.Cut(suggestions, "?"); ok {
		return e.WithHint("did you mean '%s'?", strings.Join(strings.Fields(names), "' or '"))
	}
	return hintAt(cmd, e)
}

func hintAt(cmd *cobra.Command, e *fail.Error) *fail.Error {
	if e.Hint == "" {
		return e.WithHint("see '%s --help'", cmd.CommandPath())
	}
	return e
}

// asksForJSON looks for --json where the command line could not be parsed.
func asksForJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true", "--json=1":
			return true
		}
	}
	return false
}
