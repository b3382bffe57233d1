package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// npmProducers are tools that print fixes and can write them as well. A tool is
// looked for in PATH; make test-producers installs them.
var npmProducers = []struct {
	tool, format  string
	report, write []string
}{
	{"eslint", "eslint", []string{"-f", "json", "."}, []string{"--fix", "."}},
	{"ast-grep", "ast-grep", []string{"run", "-p", "foo($A)", "-r", "bar($A)", "--json=compact"},
		[]string{"run", "-p", "foo($A)", "-r", "bar($A)", "-U"}},
	{"ast-grep", "ast-grep", []string{"run", "-p", "foo($A)", "-r", "bar($A)", "--json=stream"},
		[]string{"run", "-p", "foo($A)", "-r", "bar($A)", "-U"}},
}

// npmProject is a project with what fixes go wrong about: characters of every
// size, CR LF, a byte order mark, and no line end at the end.
var npmProject = map[string]string{
	"eslint.config.js": "module.exports = [{ rules: { semi: 'error', eqeqeq: 'error', 'no-extra-boolean-cast': 'error' } }];\n",
	"a.js":             "foo('a é 😀')\nif (!!a == b) foo(1)\n",
	"d/crlf.js":        "foo(1)\r\nfoo(2)\r\n",
	"d/bom.js":         "\uFEFFfoo('😀'); foo(2)\n",
	"end.js":           "while (!!a) foo(3)",
	"clean.js":         "baz(1);\n",
}

// TestProducersFromNPM applies what a tool prints, and compares the tree with
// the one that the tool writes itself.
func TestProducersFromNPM(t *testing.T) {
	for _, p := range npmProducers {
		t.Run(p.tool+" "+p.report[len(p.report)-1], func(t *testing.T) {
			tool, err := exec.LookPath(p.tool)
			if err != nil {
				t.Skipf("%s is not installed: see make test-producers", p.tool)
			}
			ours, theirs := npmWorkspace(t), npmWorkspace(t)
			report := filepath.Join(t.TempDir(), "report.json")
			require.NoError(t, os.WriteFile(report, produce(tool, ours, p.report), 0o644))
			r := emend(t, ours, "apply", "--format", p.format, report)
			require.Equal(t, 0, r.exit, "%s", r.stderr)
			produce(tool, theirs, p.write)
			for name, before := range npmProject {
				want, err := os.ReadFile(filepath.Join(theirs, name))
				require.NoError(t, err)
				got, err := os.ReadFile(filepath.Join(ours, name))
				require.NoError(t, err)
				require.Equal(t, string(want), string(got), name)
				require.Equal(t, name == "clean.js" || name == "eslint.config.js", before == string(got), name)
			}
			requireSettled(t, ours)
		})
	}
}

// produce runs a tool and returns what it prints. Its exit code tells only
// whether it found anything.
func produce(tool, dir string, args []string) []byte {
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	out, _ := cmd.Output()
	return out
}

func npmWorkspace(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range npmProject {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}
