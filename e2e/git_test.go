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

// gitDiff returns a function that gives what git diff, with flags, prints
// between two trees. Git sees their bytes as they are, whatever attributes the
// trees themselves ask for.
func gitDiff(t *testing.T, from, to tree) func(flags ...string) []byte {
	t.Helper()
	requireProgram(t, "git")
	dir := t.TempDir()
	repo := filepath.Join(dir, "git")
	git := func(args ...string) []byte {
		return run(t, dir, "git", append([]string{"--git-dir", repo, "-c", "core.autocrlf=false",
			"-c", "core.fsync=none", "-c", "diff.renameLimit=0"}, args...)...)
	}
	git("init", "-q")
	raw := []byte("* -text !eol !diff !filter !ident !working-tree-encoding\n")
	require.NoError(t, os.WriteFile(filepath.Join(repo, "info", "attributes"), raw, 0o666))
	record := func(names tree, name string) string {
		root := filepath.Join(dir, name)
		names.write(t, root)
		git("--work-tree", root, "add", "-f", "-A", root)
		return string(bytes.TrimSpace(git("write-tree")))
	}
	was, is := record(from, "from"), record(to, "to")
	return func(flags ...string) []byte {
		args := append([]string{"diff", "--no-color", "--no-ext-diff", "--no-textconv"}, flags...)
		return git(append(args, was, is)...)
	}
}
