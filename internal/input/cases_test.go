package input

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
	"github.com/emend/emend/locator"
)

// testCase is FORMAT/testdata/NAME.txtar: a paragraph of motive; the input
// (several for a directory of them), made in a workspace at /w; perhaps options;
// the tree before; and the tree after, or the kind of the error and parts of its
// text; and what was skipped and why. Options, one a line: encoding E, skip,
// confirm, fix N, all, old (the input is older than the files), strip N,
// directory D, reverse. For files of a tree see tree.
type testCase struct {
	inputs        []*fix.Source
	opts          Options
	before, after tree
	kind          fail.Kind
	texts         []string
	skipped       []string
}

func readCase(t *testing.T, path string) *testCase {
	sections, err := inputtest.Read(path)
	require.NoError(t, err)
	c := &testCase{before: tree{}, after: tree{}}
	c.opts.Root = fix.Root{Names: []string{inputtest.Root}}
	for _, s := range sections {
		lines := strings.Split(strings.TrimSuffix(s.Text, "\n"), "\n")
		switch s.Side {
		case "input":
			name := strings.TrimSuffix(s.Side+"/"+s.Name, "/")
			c.inputs = append(c.inputs, &fix.Source{Name: name, Data: []byte(s.Text)})
		case "options":
			for _, line := range lines {
				c.option(t, line)
			}
		case "error":
			c.kind, c.texts = fail.Kind(lines[0]), lines[1:]
		case "skipped":
			c.skipped = lines
		case "before":
			c.before[s.Name] = s.Text
		case "after":
			c.after[s.Name] = s.Text
		default:
			t.Fatalf("unknown section %q", s.Side)
		}
	}
	return c
}

func (c *testCase) option(t *testing.T, line string) {
	name, value, _ := strings.Cut(line, " ")
	var err error
	switch name {
	case "encoding":
		c.opts.Encoding, err = locator.ParseEncoding(value)
	case "skip":
		c.opts.SkipConflicts = true
	case "confirm":
		c.opts.ConfirmAnnotated = true
	case "old":
		c.opts.AsOf = time.Unix(1e9, 0)
	case "fix":
		c.opts.Fix, err = strconv.Atoi(value)
	case "all":
		c.opts.AllApplicability = true
	case "strip":
		c.opts.Diff.Strip = new(int)
		*c.opts.Diff.Strip, err = strconv.Atoi(value)
	case "directory":
		c.opts.Diff.Directory = value
	case "reverse":
		c.opts.Diff.Reverse = true
	default:
		t.Fatalf("unknown option %q", line)
	}
	require.NoError(t, err)
}

// formatOf is the format whose cases are in the directory of an adapter.
func formatOf(dir string) string {
	switch dir {
	case "applypatch":
		return "apply-patch"
	case "astgrep":
		return "ast-grep"
	case "plan":
		return "plan-stream"
	case "searchreplace":
		return "search-replace"
	}
	return dir
}

func TestCases(t *testing.T) {
	paths, err := filepath.Glob("*/testdata/*.txtar")
	require.NoError(t, err)
	counts := make(map[string]int)
	for _, path := range paths {
		dir, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		format := formatOf(dir)
		counts[format]++
		t.Run(format+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			readCase(t, path).run(t, format)
		})
	}
	for _, format := range Formats() {
		if format != Auto && format != "plan" {
			require.GreaterOrEqual(t, counts[format], 15, format)
		}
	}
}

// run reads and applies the input, and compares what came of it.
func (c *testCase) run(t *testing.T, format string) {
	if c.kind != fail.Parse {
		found, err := detect(c.inputs)
		require.NoError(t, err)
		require.Equal(t, format, found)
	}
	var skipped []string
	c.opts.Skipped = func(s fix.Skipped) {
		skipped = append(skipped, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", s.Where, s.Path, s.Fix, s.Reason)))
	}
	root := t.TempDir()
	c.before.write(t, root)
	plan, err := Parse(format, c.opts, c.inputs...)
	if err == nil {
		err = applyPlan(root, plan)
	}
	if c.kind != "" {
		require.Error(t, err)
		require.Equal(t, c.kind, fail.KindOf(err), "%v", err)
		for _, text := range c.texts {
			require.ErrorContains(t, err, text)
		}
		require.Equal(t, c.before, readTree(t, root))
		return
	}
	require.NoError(t, err)
	require.Equal(t, c.skipped, skipped)
	require.Equal(t, c.after, readTree(t, root))
}
