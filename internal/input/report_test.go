package input

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// A case of a format that tools print is FORMAT/testdata/cases/NAME.txtar: a
// paragraph of motive; the report (several for a directory of them), made in a
// workspace at /w; perhaps options; the tree before; and the tree after, or the
// kind of the error and parts of its text; and what was skipped and why.
// Options, one a line: encoding E, skip, confirm, fix N, all, old (the report is
// older than the files). Carriage return, byte order mark and the missing end
// of a last line are written as ␍, ␂ and ␄; an empty directory as a file
// called "NAME/.".
type reportCase struct {
	reports       []*fix.Source
	opts          Options
	before, after map[string]string
	kind          fail.Kind
	texts         []string
	skipped       []string
}

func readReportCase(t *testing.T, path string) *reportCase {
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, archive.Comment, "the case has no motive")
	c := &reportCase{before: map[string]string{}, after: map[string]string{}}
	c.opts.Root = fix.Root{Names: []string{"/w"}}
	pictures := strings.NewReplacer("␍", "\r", "␂", "\uFEFF", "␄\n", "")
	for _, f := range archive.Files {
		text := pictures.Replace(string(f.Data))
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		side, name, _ := strings.Cut(f.Name, "/")
		switch side {
		case "report":
			c.reports = append(c.reports, &fix.Source{Name: f.Name, Data: []byte(text)})
		case "options":
			for _, line := range lines {
				c.option(t, line)
			}
		case "error":
			c.kind, c.texts = fail.Kind(lines[0]), lines[1:]
		case "skipped":
			c.skipped = lines
		case "before":
			c.before[name] = text
		case "after":
			c.after[name] = text
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	return c
}

func (c *reportCase) option(t *testing.T, line string) {
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
	default:
		t.Fatalf("unknown option %q", line)
	}
	require.NoError(t, err)
}

func TestReports(t *testing.T) {
	paths, err := filepath.Glob("*/testdata/cases/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		format, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		t.Run(format+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := readReportCase(t, path)
			if c.kind == "" || c.kind != fail.Parse {
				found, err := Detect(c.reports[0].Data)
				require.NoError(t, err)
				require.Equal(t, format, found)
			}
			c.run(t, format)
		})
	}
}

// run reads and applies the report, and compares what came of it.
func (c *reportCase) run(t *testing.T, format string) {
	var skipped []string
	c.opts.Skipped = func(s fix.Skipped) {
		skipped = append(skipped, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", s.Where, s.Path, s.Fix, s.Reason)))
	}
	root := t.TempDir()
	writeTree(t, root, c.before)
	plan, err := Parse(format, c.opts, c.reports...)
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

func applyPlan(root string, plan editor.Plan) error {
	ed, err := editor.Open(context.Background(), root, editor.WithDurability(editor.DurabilityNone))
	if err != nil {
		return err
	}
	defer ed.Close()
	_, err = ed.Apply(context.Background(), plan)
	return err
}

func writeTree(t *testing.T, root string, files map[string]string) {
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if dir, ok := strings.CutSuffix(name, "/."); ok {
			require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// readTree returns the files of a workspace, and its empty directories.
func readTree(t *testing.T, root string) map[string]string {
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.Name() == ".emend":
			return filepath.SkipDir
		case d.IsDir():
			inside, err := os.ReadDir(path)
			if len(inside) == 0 && name != "." {
				files[filepath.ToSlash(name)+"/."] = ""
			}
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	}))
	return files
}
