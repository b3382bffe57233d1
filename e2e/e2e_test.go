// Package e2e runs the emend command on real input and kills it. It knows
// nothing of the library: what it sees is what a user sees.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary is the command under test, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "emend-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "emend")
		if runtime.GOOS == "windows" {
			binary += ".exe"
		}
		if out, err := exec.Command("go", "build", "-o", binary, "../cmd/emend").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// result is what a run of the command left.
type result struct {
	exit           int
	stdout, stderr string
}

// emend runs the command in root's workspace.
func emend(t *testing.T, root string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, append(args, "--root", root)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// emendJSON runs the command with --json, demands the exit code, and returns
// the document.
func emendJSON(t *testing.T, root string, exit int, args ...string) map[string]any {
	t.Helper()
	r := emend(t, root, append(args, "--json")...)
	require.Equal(t, exit, r.exit, "emend %q\n%s%s", args, r.stdout, r.stderr)
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &doc), "%s", r.stdout)
	return doc
}

// requireSettled demands that nothing is left to do or to look at: no pending
// or parked intent, a log that holds, no slot, and a workspace that recovery
// finds nothing in.
func requireSettled(t *testing.T, root string) {
	t.Helper()
	status := emendJSON(t, root, 0, "status")
	require.Empty(t, status["pending"])
	require.Empty(t, status["parked"])
	require.Empty(t, emendJSON(t, root, 0, "fsck")["damage"])
	slots, err := os.ReadDir(filepath.Join(root, ".emend", "stage"))
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	require.Empty(t, slots, "slots are left over")
	require.Empty(t, emendJSON(t, root, 0, "recover")["intents"])
}
