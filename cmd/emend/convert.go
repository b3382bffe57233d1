package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/lsp"
	"github.com/emend/emend/internal/input/plan"
	"github.com/emend/emend/locator"
	"github.com/spf13/cobra"
)

const convertHelp = `Print what FILE would change as a plan in emend's JSON, as a patch, or as a
WorkspaceEdit of the language server protocol, and change nothing. The files must
be those that FILE was made for: every place is looked up as apply does it, and
the plan that comes out expects exactly these files. --encoding is that of the
positions that are read and of those that are printed.`

const convertExample = `  ruff check --output-format json | emend convert --from ruff --to diff
  emend convert --from apply-patch --to plan answer.txt > plan.json`

func (a *app) convertCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "convert [FILE|-]",
		Short:   "Print a plan in another format",
		Long:    convertHelp,
		Example: convertExample,
		Args:    cobra.MaximumNArgs(1),
	}
	f.input.add(cmd, "from")
	to := choose(cmd, "to", "what to print", "plan", "diff", "lsp")
	f.drift.add(cmd)
	cmd.RunE = a.verb(func(ctx context.Context, args []string) error {
		return a.convert(ctx, args, f, to.value)
	})
	return cmd
}

func (a *app) convert(ctx context.Context, args []string, f applyFlags, to string) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	p, err := a.readPlan(ctx, args, root, f)
	if err != nil {
		return err
	}
	if err := refusePending(ctx, root); err != nil {
		return err
	}
	ed, err := editor.Open(ctx, root, editor.WithReportOnly(), editor.WithOnDrift(f.drift.policy()))
	if err != nil {
		return err
	}
	defer ed.Close()
	key := p.Key
	p.Key = "" // so that it does not matter whether this has been applied
	tx, err := ed.Prepare(ctx, p)
	if err != nil {
		return err
	}
	defer tx.Discard()
	if to == "diff" {
		return a.printDiff(tx)
	}
	pinned, err := pinnedPlan(tx)
	if err != nil {
		return err
	}
	pinned.Key, pinned.Label = key, p.Label
	var doc []byte
	if to == "lsp" {
		doc, err = encodeLSP(pinned, root, f.input.encoding.value)
	} else {
		doc, err = plan.Encode(pinned)
	}
	if err != nil {
		return err
	}
	_, err = a.out.out.Write(doc)
	return fail.Wrap(err, "write", "stdout")
}

// pinnedPlan returns what tx does as a plan for these very files.
func pinnedPlan(tx *editor.Tx) (editor.Plan, error) {
	var patch bytes.Buffer
	if err := tx.WriteDiff(&patch); err != nil {
		return editor.Plan{}, err
	}
	return input.Pinned(patch.Bytes(), tx.Files())
}

// encodeLSP returns p, a plan for files of root, as a WorkspaceEdit.
func encodeLSP(p editor.Plan, root, encoding string) ([]byte, error) {
	enc, err := locator.ParseEncoding(encoding)
	if err != nil {
		return nil, err
	}
	return lsp.Encode(p.Ops, rootNames(root), enc, func(path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	})
}

// printDiff prints what tx would change.
func (a *app) printDiff(tx *editor.Tx) error {
	if !a.out.json {
		return a.out.diff(tx.WriteDiff)
	}
	doc, err := collectDiff(tx.WriteDiff)
	if err != nil {
		return err
	}
	return a.out.document(struct {
		diffJSON
		Exit int `json:"exit"`
	}{diffJSON: doc})
}
