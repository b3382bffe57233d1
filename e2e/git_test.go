package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a program in dir and returns what it printed. An exit of 1 is
// accepted where a diff program uses it to say that there are differences.
func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); name == "diff" && errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil
	}
	require.NoError(t, err, "%s %q: %s", name, args, stderr.String())
	return out
}

// requireProgram skips the test where name is not installed.
func requireProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}

// gitDiff returns what git diff, with flags, prints between two trees. Git
// sees their bytes as they are, whatever attributes the trees themselves ask
// for.
func gitDiff(t *testing.T, from, to tree, flags ...string) []byte {
	t.Helper()
	requireProgram(t, "git")
	dir := t.TempDir()
	old, latest := filepath.Join(dir, "old"), filepath.Join(dir, "new")
	from.write(t, old)
	to.write(t, latest)
	git := func(tree string, args ...string) []byte {
		return run(t, tree, "git", append([]string{"--git-dir", filepath.Join(dir, "git"), "--work-tree", tree,
			"-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "diff.renameLimit=0"}, args...)...)
	}
	git(old, "init", "-q")
	raw := []byte("* -text !eol !diff !filter !ident !working-tree-encoding\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "git", "info", "attributes"), raw, 0o666))
	git(old, "add", "-f", "-A", ".")
	was := bytes.TrimSpace(git(old, "write-tree"))
	git(latest, "add", "-f", "-A", ".")
	is := bytes.TrimSpace(git(latest, "write-tree"))
	args := append([]string{"diff", "--no-color", "--no-ext-diff", "--no-textconv"}, flags...)
	return git(latest, append(args, string(was), string(is))...)
}
