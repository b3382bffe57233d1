//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/wal"
)

// childEnv has this program die as a crash has it: "crash DIR" half way through
// the publishes of a plan for crashFiles files, "fill DIR" with a log of
// history that was not closed. With "measure" it runs its arguments.
const childEnv = "EMEND_BENCH_CHILD"

const (
	crashFiles   = 10_000
	historyBytes = 1 << 30
)

// die runs a child, which must have killed itself.
func die(job, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+job+" "+dir)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("%s: %w: %s", job, err, out)
	}
	return nil
}

func child(job string) error {
	what, dir, _ := strings.Cut(job, " ")
	switch what {
	case "crash":
		return crash(dir)
	case "fill":
		return fill(dir)
	}
	return measure(os.Args[1], os.Args[2:]...)
}

func kill() { _ = unix.Kill(unix.Getpid(), unix.SIGKILL) }

func crash(tree string) error {
	half := faultfs.Fault{N: crashFiles / 2, Match: func(o op.Op) bool { return o.Kind == op.Exchange }, Err: unix.EIO}
	half.Match = killAt(half.N, half.Match)
	return commit(tree, planFor(makeFiles(crashFiles)), editor.WithFS(faultfs.New(vfs.OS(), half)))
}

// killAt counts what match matches, and kills the process at the n-th.
func killAt(n int, match func(op.Op) bool) func(op.Op) bool {
	met := 0
	return func(o op.Op) bool {
		if match(o) {
			met++
		}
		if met == n {
			kill()
		}
		return false
	}
}

// fill writes transactions of 8 MiB, all committed.
func fill(tree string) error {
	ctx := context.Background()
	l, err := wal.Open(ctx, filepath.Join(tree, ".emend"), wal.Options{CompactFrom: -1})
	if err != nil {
		return err
	}
	if err := l.Acquire(ctx, 0, nil); err != nil {
		return err
	}
	image := makeFiles(1)[0].before
	for range historyBytes / (1000 * len(image)) {
		g, err := l.Begin(wal.Begin{})
		if err != nil {
			return err
		}
		for n := range 1000 {
			st := wal.Step{N: n, Path: fmt.Sprint("f", n), HasBefore: true, LinkOf: -1}
			st.Before = wal.State{Kind: vfs.Regular, Size: int64(len(image))}
			if err := g.Step(&st); err != nil {
				return err
			}
			if err := g.Data(n, wal.Before, 0, image); err != nil {
				return err
			}
		}
		if err := g.Seal(); err != nil {
			return err
		}
		if err := l.Retire(g.ID(), wal.Committed); err != nil {
			return err
		}
		g.Done()
	}
	kill()
	return nil
}
