// Package input holds one adapter a plan format. Each turns bytes into an
// editor.Plan and touches nothing.
package input

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/applypatch"
	"github.com/emend/emend/internal/input/astgrep"
	"github.com/emend/emend/internal/input/clang"
	"github.com/emend/emend/internal/input/diff"
	"github.com/emend/emend/internal/input/eslint"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/govet"
	"github.com/emend/emend/internal/input/lsp"
	"github.com/emend/emend/internal/input/plan"
	"github.com/emend/emend/internal/input/ruff"
	"github.com/emend/emend/internal/input/rustc"
	"github.com/emend/emend/internal/input/sarif"
	"github.com/emend/emend/internal/input/searchreplace"
	"github.com/emend/emend/locator"
)

// Auto is the format that stands for the one that Detect finds.
const Auto = "auto"

// Options are what the formats leave open.
type Options struct {
	// Diff says how patches are read.
	Diff diff.Options
	// Encoding is what columns of positions count.
	Encoding locator.Encoding
	// Root is the workspace by its absolute names, which reports use.
	Root fix.Root
	// Options say how the fixes of a report are chosen.
	fix.Options
	// ConfirmAnnotated applies the edits of a WorkspaceEdit that need it.
	ConfirmAnnotated bool
	// Fix says which of several fixes for one finding is taken, from 1; 0: the
	// first.
	Fix int
	// AllApplicability takes fixes that their tool is not sure of, too.
	AllApplicability bool
}

// adapter is one format.
type adapter struct {
	name   string
	detect func(data []byte) bool
	parse  func(sources []*fix.Source, opts Options) (editor.Plan, error)
}

// single is the parse of a format that takes one input.
func single(parse func(src *fix.Source, opts Options) (editor.Plan, error)) func([]*fix.Source, Options) (editor.Plan, error) {
	return func(sources []*fix.Source, opts Options) (editor.Plan, error) {
		if len(sources) != 1 {
			return editor.Plan{}, fail.New(fail.Usage, "", "", "this format is read from one file, not from %d", len(sources))
		}
		return parse(sources[0], opts)
	}
}

// adapters lists the formats in the order in which Detect tries them.
func adapters() []adapter {
	return []adapter{
		{"lsp", lsp.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return lsp.Parse(src, lsp.Options{Options: o.Options, Root: o.Root, Encoding: o.Encoding, Confirmed: o.ConfirmAnnotated})
		})},
		{"clang", clang.Detect, func(sources []*fix.Source, o Options) (editor.Plan, error) {
			return clang.Parse(sources, clang.Options{Options: o.Options, Root: o.Root})
		}},
		{"sarif", sarif.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return sarif.Parse(src, sarif.Options{Options: o.Options, Root: o.Root, Fix: o.Fix})
		})},
		{"rustc", rustc.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return rustc.Parse(src, rustc.Options{Options: o.Options, Root: o.Root, All: o.AllApplicability})
		})},
		{"govet", govet.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return govet.Parse(src, govet.Options{Options: o.Options, Root: o.Root})
		})},
		{"ast-grep", astgrep.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return astgrep.Parse(src, o.Root, o.Options)
		})},
		{"eslint", eslint.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return eslint.Parse(src, o.Root, o.Options)
		})},
		{"ruff", ruff.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return ruff.Parse(src, o.Root, o.Options, o.AllApplicability)
		})},
		{"plan-stream", plan.DetectStream, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src.Data)), nil }
			return plan.Stream{Name: src.Name, Open: open, Encoding: o.Encoding}.Plan()
		})},
		{"plan", plan.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return plan.Parse(src, o.Encoding)
		})},
		{"apply-patch", applypatch.Detect, single(func(src *fix.Source, _ Options) (editor.Plan, error) {
			return applypatch.Parse(src)
		})},
		{"search-replace", searchreplace.Detect, single(func(src *fix.Source, _ Options) (editor.Plan, error) {
			return searchreplace.Parse(src)
		})},
		{"diff", diff.Detect, single(func(src *fix.Source, o Options) (editor.Plan, error) {
			return diff.Parse(src, o.Diff)
		})},
	}
}

// Formats returns the names that Parse knows, Auto first.
func Formats() []string {
	names := []string{Auto}
	for _, a := range adapters() {
		names = append(names, a.name)
	}
	return names
}

// Parse reads sources, which are one unless the format is clang, in the format
// of that name. The plan may refer to their data, which must not change
// afterwards. The kind of an error is usage for a format
// that there is not, parse or unsupported for data that cannot be read; its
// message says where in data, and its path names the file concerned.
func Parse(format string, opts Options, sources ...*fix.Source) (editor.Plan, error) {
	if format == Auto && len(sources) > 0 {
		found, err := detect(sources)
		if err != nil {
			return editor.Plan{}, err
		}
		format = found
	}
	all := adapters()
	i := slices.IndexFunc(all, func(a adapter) bool { return a.name == format })
	if i < 0 {
		return editor.Plan{}, fail.New(fail.Usage, "", "", "unknown format %.40q: want %s",
			format, strings.Join(Formats(), ", "))
	}
	return all[i].parse(sources, opts)
}

// detect is Detect of the first source that is not blank. Of several, all of them
// can be: clang's tools leave a file for a unit in which they have found nothing.
func detect(sources []*fix.Source) (string, error) {
	i := slices.IndexFunc(sources, func(src *fix.Source) bool { return len(bytes.TrimSpace(src.Data)) > 0 })
	if i < 0 && len(sources) > 1 {
		return "clang", nil
	}
	return Detect(sources[max(i, 0)].Data)
}

// Detect returns the name of the format that data is in. An error is of kind
// parse.
func Detect(data []byte) (string, error) {
	if list, ok := bytes.CutPrefix(bytes.TrimSpace(data), []byte("[")); ok && string(bytes.TrimSpace(list)) == "]" {
		return "eslint", nil // or ast-grep or ruff, with nothing found: all the same
	}
	for _, a := range adapters() {
		if a.detect(data) {
			return a.name, nil
		}
	}
	return "", fail.New(fail.Parse, "", "", "the input is none of %s", strings.Join(Formats()[1:], ", ")).
		WithHint("say with --format what it is, to learn what is wrong with it")
}
