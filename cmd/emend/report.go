package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/diff"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/plan"
	"github.com/emend/emend/locator"
	"github.com/spf13/cobra"
)

// inputFlags say how FILE is read.
type inputFlags struct {
	format, encoding, onConflict, applicability *choice
	trustOffsets, confirm                       bool
	fix, strip                                  int
	stripGiven                                  func() bool
	directory                                   string
	reverse                                     bool
}

const formatsHelp = `

Formats: auto; plan and plan-stream (emend's own), diff, lsp (WorkspaceEdit),
clang (clang-tidy --export-fixes), sarif, rustc (cargo, rustc), govet, ast-grep,
eslint, ruff, apply-patch and search-replace (agents). See docs/FORMATS.md.`

// add adds the flags to cmd, the one for the format under that name, and tells
// of the formats.
func (r *inputFlags) add(cmd *cobra.Command, format string) {
	r.format = choose(cmd, format, "what FILE is: see above", input.Formats()...)
	r.format.name = "FORMAT"
	cmd.Long += formatsHelp
	r.encoding = choose(cmd, "encoding", "what columns of a plan count in", "utf-16", "utf-8", "utf-32")
	r.onConflict = choose(cmd, "on-conflict", "what to do with fixes of a report that contradict each other", "fail", "skip")
	r.applicability = choose(cmd, "applicability", "which fixes of a report to take (rustc, ruff)", "safe", "all")
	flags := cmd.Flags()
	flags.IntVarP(&r.strip, "strip", "p", 1, "of a patch: drop `N` leading components of each path")
	r.stripGiven = func() bool { return flags.Changed("strip") }
	flags.StringVar(&r.directory, "directory", "", "of a patch: put `DIR` before each path")
	flags.BoolVarP(&r.reverse, "reverse", "R", false, "of a patch: take it back")
	flags.BoolVar(&r.trustOffsets, "trust-offsets", false, "apply offsets of a report also to files that are newer than it")
	flags.BoolVar(&r.confirm, "confirm-annotated", false, "apply changes of a WorkspaceEdit that need a confirmation")
	flags.IntVar(&r.fix, "fix", 1, "of several fixes for one finding take the `N`th (sarif)")
}

// inputOptions returns how the FILE of args is read. The root need not exist.
func (a *app) inputOptions(args []string, root string, f inputFlags) (input.Options, error) {
	encoding, err := locator.ParseEncoding(f.encoding.value)
	if err != nil {
		return input.Options{}, err
	}
	switch {
	case f.fix < 1:
		return input.Options{}, fail.New(fail.Usage, "", "", "--fix counts from 1")
	case f.strip < 0:
		return input.Options{}, fail.New(fail.Usage, "", "", "-p must not be negative")
	}
	opts := input.Options{Encoding: encoding, Root: rootNames(root), ConfirmAnnotated: f.confirm,
		Fix: f.fix, AllApplicability: f.applicability.value == "all",
		Diff: diff.Options{Directory: f.directory, Reverse: f.reverse}}
	opts.SkipConflicts = f.onConflict.value == "skip"
	opts.Skipped = a.leftOut
	if !f.trustOffsets {
		opts.AsOf = a.reportTime(args)
	}
	if f.stripGiven() {
		opts.Diff.Strip = &f.strip
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

// reportTime is when the FILE of args was written; of a directory, the oldest
// report in it. What comes through a pipe is being written now, by a tool that
// read the files before.
func (a *app) reportTime(args []string) time.Time {
	made := time.Now()
	name, isFile := inputName(args)
	if f, ok := a.out.in.(*os.File); ok && !isFile {
		return earlier(made, f.Stat)
	}
	if !isFile {
		return made
	}
	for _, name := range reportFiles(name) {
		made = earlier(made, func() (fs.FileInfo, error) { return os.Stat(name) })
	}
	return made
}

// earlier returns the earlier of t and when a regular file was written.
func earlier(t time.Time, stat func() (fs.FileInfo, error)) time.Time {
	if info, err := stat(); err == nil && info.Mode().IsRegular() && info.ModTime().Before(t) {
		return info.ModTime()
	}
	return t
}

// reportFiles returns name or, where that is a directory, the YAML files in it.
func reportFiles(name string) []string {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return []string{name}
	}
	var names []string
	_ = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			names = append(names, path)
		}
		return err
	})
	return names
}

// readSources reads the FILE of args; of a directory, the YAML files in it.
func (a *app) readSources(ctx context.Context, args []string) ([]*fix.Source, error) {
	name, isFile := inputName(args)
	if !isFile {
		data, err := a.readInput(ctx, args)
		return []*fix.Source{{Name: name, Data: data}}, err
	}
	var sources []*fix.Source
	for _, file := range reportFiles(name) {
		data, err := a.readInput(ctx, []string{file})
		if err != nil {
			return nil, err
		}
		sources = append(sources, &fix.Source{Name: file, Data: data})
	}
	if len(sources) == 0 {
		return nil, fail.New(fail.Usage, "read", name, "there is no .yaml or .yml file in the directory")
	}
	return sources, nil
}

// headSize is how much of a file is looked at to tell whether it is a stream.
const headSize = 64 << 10

// streamedPlan returns the plan in the FILE of args where that is a plan stream:
// its operations are read from there when they are needed.
func (a *app) streamedPlan(args []string, format string, enc locator.Encoding) (p editor.Plan, isStream bool, err error) {
	open := a.rereadable(args)
	if open == nil {
		return p, false, nil
	}
	f, err := open()
	if err != nil {
		return p, false, nil // whoever reads it says what is wrong
	}
	defer f.Close()
	name, _ := inputName(args)
	head, err := io.ReadAll(io.LimitReader(f, headSize))
	if err != nil {
		return p, false, fail.Wrap(err, "read", name)
	}
	if format == input.Auto {
		if format, err = input.Detect(head); err != nil {
			return p, false, nil
		}
	}
	if format != "plan-stream" {
		return p, false, nil
	}
	stream := plan.Stream{Name: name, Open: open, Encoding: enc}
	a.annotate = stream.Show
	p, err = stream.Plan()
	return p, true, err
}

// rereadable returns what opens the FILE of args any number of times, nil where
// that is no regular file: what comes out of a pipe is held in memory. A file may
// come as stdin as well, some of it read already.
func (a *app) rereadable(args []string) func() (io.ReadCloser, error) {
	name, isFile := inputName(args)
	if isFile {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		return func() (io.ReadCloser, error) { return os.Open(name) }
	}
	f, ok := a.out.in.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	from, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	return func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, from, info.Size()-from)), nil
	}
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
