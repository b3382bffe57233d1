// Package input holds one adapter a plan format. Each turns bytes into an
// editor.Plan and touches nothing.
package input

import (
	"slices"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/diff"
	"github.com/emend/emend/internal/input/plan"
	"github.com/emend/emend/locator"
)

// Auto is the format that stands for the one that Detect finds.
const Auto = "auto"

// Options are what the formats leave open.
type Options struct {
	// Strip is how many leading components names in a diff lose; nil: one, or
	// none where the names of a plain diff have none to lose.
	Strip *int
	// Encoding is what columns of positions count.
	Encoding locator.Encoding
}

// adapter is one format.
type adapter struct {
	name   string
	detect func(data []byte) bool
	parse  func(data []byte, opts Options) (editor.Plan, error)
}

// adapters lists the formats in the order in which Detect tries them.
func adapters() []adapter {
	return []adapter{
		{"plan", plan.Detect, func(data []byte, opts Options) (editor.Plan, error) {
			return plan.Parse(data, opts.Encoding)
		}},
		{"diff", diff.Detect, func(data []byte, opts Options) (editor.Plan, error) {
			return diff.Parse(data, opts.Strip)
		}},
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

// Parse reads data in the format of that name. The plan may refer to data,
// which must not change afterwards. The kind of an error is usage for a format
// that there is not, parse or unsupported for data that cannot be read; its
// message says where in data, and its path names the file concerned.
func Parse(format string, data []byte, opts Options) (editor.Plan, error) {
	if format == Auto {
		found, err := Detect(data)
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
	return all[i].parse(data, opts)
}

// Detect returns the name of the format that data is in. An error is of kind
// parse.
func Detect(data []byte) (string, error) {
	for _, a := range adapters() {
		if a.detect(data) {
			return a.name, nil
		}
	}
	return "", fail.New(fail.Parse, "", "", "the input is neither a plan, which is a JSON object, nor a diff").
		WithHint("say with --format what it is, to learn what is wrong with it")
}
