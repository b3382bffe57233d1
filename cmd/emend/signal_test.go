//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emend/emend/wal"
	"github.com/stretchr/testify/require"
)

// command returns emend as a process of its own: TestMain runs it where the
// test binary has its name.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "emend")
	require.NoError(t, os.Symlink(self, name))
	return exec.Command(name, args...)
}

const createPlan = `{"emend": 1, "ops": [{"op": "create", "path": "new.txt", "content": "x"}]}`

// A signal before the commit point ends the run with nothing changed, wherever
// it waits: for the rest of the plan, or for the lock.
func TestSignalsBeforeTheCommitPointChangeNothing(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		for _, waitsFor := range []string{"plan", "lock"} {
			t.Run(s.String()+" "+waitsFor, func(t *testing.T) {
				if signal.Ignored(s) {
					t.Skip("whoever runs the tests has the signal ignored, and emend heeds that")
				}
				root := t.TempDir()
				defer holdLock(t, root)()
				cmd := command(t, "apply", "--json", "--root", root, "--lock-wait", "1m")
				var out bytes.Buffer
				cmd.Stdout = &out
				in, err := cmd.StdinPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())

				// More than a pipe holds: once it is written, the command is reading.
				_, err = in.Write([]byte(strings.Repeat(" ", 1<<20)))
				require.NoError(t, err)
				if waitsFor == "lock" {
					_, err = in.Write([]byte(createPlan))
					require.NoError(t, err)
					require.NoError(t, in.Close())
					time.Sleep(100 * time.Millisecond)
				}
				require.NoError(t, cmd.Process.Signal(s))

				var exit *exec.ExitError
				require.True(t, errors.As(cmd.Wait(), &exit))
				require.Equal(t, 128+int(s), exit.ExitCode(), out.String())
				require.Contains(t, out.String(), `"kind":"cancelled"`)
				require.Contains(t, out.String(), `"state":"unchanged"`)
				require.NoFileExists(t, filepath.Join(root, "new.txt"))
			})
		}
	}
}

// holdLock keeps other processes out of root until the returned function is
// called.
func holdLock(t *testing.T, root string) (release func()) {
	log, err := wal.Open(context.Background(), filepath.Join(root, ".emend"), wal.Options{})
	require.NoError(t, err)
	require.NoError(t, log.Acquire(t.Context(), time.Second, nil))
	return func() {
		log.Release()
		require.NoError(t, log.Close())
	}
}

// What the parent ignores stays ignored: nohup is a promise, too.
func TestAnIgnoredHangupDoesNotStopTheRun(t *testing.T) {
	root := t.TempDir()
	direct := command(t, "apply", "--root", root)
	cmd := exec.Command("sh", append([]string{"-c", `trap "" HUP; exec "$@"`, "sh", direct.Path}, direct.Args[1:]...)...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = in.Write([]byte(strings.Repeat(" ", 1<<20)))
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	_, err = in.Write([]byte(createPlan))
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	require.FileExists(t, filepath.Join(root, "new.txt"))
}
