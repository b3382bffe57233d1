package diff

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
)

// testCase is a file of testdata: a paragraph of motive, the patch, perhaps
// strip, directory and reverse, the tree before, and the tree after or the kind
// of the error. A file's name can be
// followed by "|" and what it is: x, link, nonl (its last line end does not
// count). Carriage return and NUL are written as their pictures.
type testCase struct {
	patch         []byte
	opts          Options
	before, after tree
	kind          fail.Kind
}

func readCase(t *testing.T, path string) testCase {
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, archive.Comment, "the case has no motive")
	c := testCase{before: tree{}, after: tree{}}
	for _, f := range archive.Files {
		data := bytes.ReplaceAll(bytes.ReplaceAll(f.Data, []byte("␍"), []byte("\r")), []byte("␀"), []byte{0})
		text := strings.TrimSuffix(string(data), "\n")
		side, name, _ := strings.Cut(f.Name, "/")
		switch side {
		case "patch":
			c.patch = data
		case "strip":
			strip, err := strconv.Atoi(text)
			require.NoError(t, err)
			c.opts.Strip = &strip
		case "directory":
			c.opts.Directory = text
		case "reverse":
			c.opts.Reverse = true
		case "error":
			c.kind = fail.Kind(text)
		case "before", "after":
			name, attrs, _ := strings.Cut(name, " | ")
			n := node{data: string(data), exec: attrs == "x", link: attrs == "link"}
			if attrs == "link" || attrs == "nonl" {
				n.data = text
			}
			map[string]tree{"before": c.before, "after": c.after}[side][name] = n
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	return c
}

func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := readCase(t, path)
			require.True(t, Detect(c.patch))
			p, err := parse(c.patch, c.opts)
			if err != nil {
				c.check(t, nil, err)
				return
			}
			got, err := c.before.apply(p)
			c.check(t, got, err)
			got, err = applyByEditor(t, c.before, p)
			c.check(t, got, err)
		})
	}
}

// check compares an outcome with what the case says.
func (c *testCase) check(t *testing.T, got tree, err error) {
	t.Helper()
	if c.kind != "" {
		require.Equal(t, c.kind, fail.KindOf(err), "%v", err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, c.after, got)
}
