package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
	"github.com/spf13/cobra"
)

// reportFlags say how the output of a tool is read.
type reportFlags struct {
	onConflict, applicability *choice
	trustOffsets, confirm     bool
	fix                       int
}

func (r *reportFlags) add(cmd *cobra.Command) {
	r.onConflict = choose(cmd, "on-conflict", "what to do with fixes of a report that contradict each other", "fail", "skip")
	r.applicability = choose(cmd, "applicability", "which fixes of a report to take (rustc, ruff)", "safe", "all")
	flags := cmd.Flags()
	flags.BoolVar(&r.trustOffsets, "trust-offsets", false, "apply offsets of a report also to files that are newer than it")
	flags.BoolVar(&r.confirm, "confirm-annotated", false, "apply changes of a WorkspaceEdit that need a confirmation")
	flags.IntVar(&r.fix, "fix", 1, "of several fixes for one finding take the `N`th (sarif)")
}

// inputOptions returns how the FILE of args is read. The root need not exist.
func (a *app) inputOptions(args []string, root string, f applyFlags) (input.Options, error) {
	encoding, err := locator.ParseEncoding(f.encoding.value)
	if err != nil {
		return input.Options{}, err
	}
	if f.report.fix < 1 {
		return input.Options{}, fail.New(fail.Usage, "", "", "--fix counts from 1")
	}
	opts := input.Options{Encoding: encoding, Root: rootNames(root), ConfirmAnnotated: f.report.confirm,
		Fix: f.report.fix, AllApplicability: f.report.applicability.value == "all"}
	opts.SkipConflicts = f.report.onConflict.value == "skip"
	opts.Skipped = a.leftOut
	if !f.report.trustOffsets {
		opts.AsOf = a.reportTime(args)
	}
	if f.stripGiven {
		opts.Strip = &f.strip
	}
	return opts, nil
}

// rootNames returns the names that a report may give the root: as it was
// spelled, and without links.
func rootNames(root string) fix.Root {
	r := fix.Root{Windows: runtime.GOOS == "windows"}
	if abs, err := filepath.Abs(root); err == nil {
		r.Names = append(r.Names, filepath.ToSlash(abs))
		if real, err := filepath.EvalSymlinks(abs); err == nil && real != abs {
			r.Names = append(r.Names, filepath.ToSlash(real))
		}
	}
	return r
}

// reportTime is when the FILE of args was written. What comes through a pipe is
// being written now, by a tool that read the files before.
func (a *app) reportTime(args []string) time.Time {
	name, isFile := inputName(args)
	stat := func() (fs.FileInfo, error) { return os.Stat(name) }
	if f, ok := a.out.in.(*os.File); !isFile {
		if !ok {
			return time.Now()
		}
		stat = f.Stat
	}
	if info, err := stat(); err == nil && (info.Mode().IsRegular() || info.IsDir()) {
		return info.ModTime()
	}
	return time.Now()
}

// readSources reads the FILE of args; of a directory, the YAML files in it.
func (a *app) readSources(ctx context.Context, args []string) ([]*fix.Source, error) {
	name, isFile := inputName(args)
	if info, err := os.Stat(name); !isFile || err != nil || !info.IsDir() {
		data, err := a.readInput(ctx, args)
		return []*fix.Source{{Name: name, Data: data}}, err
	}
	var sources []*fix.Source
	err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		isYAML := slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path))
		if err != nil || d.IsDir() || !isYAML {
			return err
		}
		data, err := a.readInput(ctx, []string{path})
		sources = append(sources, &fix.Source{Name: path, Data: data})
		return err
	})
	if err == nil && len(sources) == 0 {
		err = fail.New(fail.Usage, "read", name, "there is no .yaml or .yml file in the directory")
	}
	return sources, usageOf(err, "read", name)
}

// leftOut tells what of a report was left out.
func (a *app) leftOut(s fix.Skipped) {
	a.skipped = append(a.skipped, s)
	where := s.Where
	if s.Path != "" {
		where += ": " + fail.QuotePath(s.Path)
	}
	if s.Fix != "" {
		where += ": " + s.Fix
	}
	a.out.note("skipped %s: %s", where, s.Reason)
}
