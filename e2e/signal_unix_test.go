//go:build unix

package e2e

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// signalled applies the plan to a fresh workspace and sends the signals as soon
// as something of it can be seen: then the commit point has passed.
func signalled(t *testing.T, root string, p *planned, plan string, signals ...os.Signal) (stdout string, met bool, err error) {
	t.Helper()
	p.before.write(t, root)
	var out bytes.Buffer
	cmd := exec.Command(binary, "apply", plan, "--root", root)
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return out.String(), false, err // it was quicker
		default:
		}
		if _, err := os.Lstat(filepath.Join(root, "new")); err == nil {
			break
		}
	}
	met = true
	for _, s := range signals {
		met = cmd.Process.Signal(s) == nil && met
	}
	err = <-ended
	return out.String(), met, err
}

// TestSignalsAfterTheCommitPoint: the transaction is finished and the exit is 0,
// for it can no longer be stopped without recovery. Only a second signal kills;
// what it leaves is what a crash leaves.
func TestSignalsAfterTheCommitPoint(t *testing.T) {
	p := fiftyFiles(t, newRand(t))
	plan := p.save(t)
	first, second := 0, 0
	for round := range rounds(10, 100) {
		signal := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[round%3]
		root := filepath.Join(t.TempDir(), "root")
		stdout, met, err := signalled(t, root, p, plan, signal)
		require.NoError(t, err, "%v", signal)
		require.Contains(t, stdout, "committed")
		requireTree(t, p.after, readTree(t, root))
		requireSettled(t, root)
		if met {
			first++
		}

		root = filepath.Join(t.TempDir(), "root")
		stdout, met, err = signalled(t, root, p, plan, signal, signal, signal)
		if err == nil {
			require.Contains(t, stdout, "committed")
			requireTree(t, p.after, readTree(t, root))
		} else if met {
			second++
		}
		emendJSON(t, root, 0, "recover")
		got := readTree(t, root)
		if err == nil || !maps.Equal(got, p.before) {
			requireTree(t, p.after, got, "%v twice", signal)
		}
		requireSettled(t, root)
		requireNothingElse(t, root)
	}
	t.Logf("signals in time: %d; second ones that killed: %d", first, second)
}
