//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/emend/emend/recovery"
	"github.com/stretchr/testify/require"
)

// servingProcess starts emend serve as a process of its own.
func servingProcess(t *testing.T, root string, args ...string) (*client, *exec.Cmd) {
	cmd := command(t, append([]string{"serve", "--root", root}, args...)...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := &client{t: t, in: in, out: frameReader{bufio.NewReader(out)}, stdout: out, answers: make(map[string]answer)}
	c.ok("initialize", nil)
	return c, cmd
}

func createNew(path string) object {
	return object{"document": object{"emend": 1, "ops": []object{{"op": "create", "path": path, "content": "x"}}}}
}

// A request that waits for another process can be cancelled; others go on.
func TestServeCancelsRequests(t *testing.T) {
	root := t.TempDir()
	release := holdLock(t, root)
	c, cmd := servingProcess(t, root, "--lock-wait", "1h")
	waiting, other := c.send("apply", createNew("a")), c.send("apply", createNew("b"))
	c.ok("status", nil)
	again := c.wait(func() string {
		c.sendRaw(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"status"}`, waiting))
		return waiting
	}())
	require.Equal(t, codeInvalidRequest, again.Error.Code)
	delete(c.answers, waiting)

	c.sendRaw(fmt.Sprintf(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":%s}}`, waiting))
	c.sendRaw(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"unknown"}}`)
	c.sendRaw(`{"jsonrpc":"2.0","method":"$/cancelRequest"}`)
	cancelled := c.wait(waiting)
	require.Equal(t, codeCancelled, cancelled.Error.Code)
	require.Equal(t, "cancelled", cancelled.Error.Data.Error["kind"])
	require.Equal(t, "unchanged", cancelled.Error.Data.Error["state"])

	release()
	require.Nil(t, c.wait(other).Error)
	require.NoError(t, c.in.Close())
	require.NoError(t, cmd.Wait())
	require.NoFileExists(t, filepath.Join(root, "a"))
	require.FileExists(t, filepath.Join(root, "b"))
}

// A signal ends it as it ends any verb: what waits is answered and has changed
// nothing.
func TestServeEndsOnSignals(t *testing.T) {
	if signal.Ignored(syscall.SIGTERM) {
		t.Skip("whoever runs the tests has the signal ignored, and emend heeds that")
	}
	root := t.TempDir()
	defer holdLock(t, root)()
	c, cmd := servingProcess(t, root, "--lock-wait", "1h")
	id := c.send("apply", createNew("a"))
	c.ok("status", nil) // so the request before it has been read
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, codeCancelled, c.wait(id).Error.Code)
	var exit *exec.ExitError
	require.True(t, errors.As(cmd.Wait(), &exit))
	require.Equal(t, 143, exit.ExitCode())
	require.NoFileExists(t, filepath.Join(root, "a"))
}

// Killed in the middle of a transaction, it leaves all of it or none, once the
// next run has recovered.
func TestServeKilled(t *testing.T) {
	const files = 60
	for round := range 5 {
		root := t.TempDir()
		var ops []object
		for i := range files {
			ops = append(ops, object{"op": "create", "path": fmt.Sprint(i), "content": "x"})
		}
		c, cmd := servingProcess(t, root)
		c.send("apply", object{"document": object{"emend": 1, "ops": ops}})
		answered := make(chan struct{})
		go func() {
			_, _ = c.out.next()
			close(answered)
		}()
		for atWork := true; atWork && filesIn(t, root) <= 10*round; {
			select {
			case <-answered:
				atWork = false
			default:
			}
		}
		require.NoError(t, cmd.Process.Kill())
		<-answered
		_ = cmd.Wait()
		_, err := recovery.Run(t.Context(), root, recovery.Options{})
		require.NoError(t, err)
		require.Contains(t, []int{0, files}, filesIn(t, root))
	}
}

// filesIn is how many files there are in root.
func filesIn(t *testing.T, root string) int {
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	n := len(entries)
	for _, e := range entries {
		if e.IsDir() {
			n--
		}
	}
	return n
}

// A program that goes away without reading the answers has what it asked for.
func TestServeWhenNobodyReads(t *testing.T) {
	root := t.TempDir()
	c, cmd := servingProcess(t, root)
	require.NoError(t, c.stdout.Close())
	for _, name := range []string{"a", "b", "c"} {
		c.send("apply", createNew(name))
	}
	require.NoError(t, c.in.Close())
	require.NoError(t, cmd.Wait())
	for _, name := range []string{"a", "b", "c"} {
		require.FileExists(t, filepath.Join(root, name))
	}
}
