//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// scales measures the command on plans as large as they get, and prints the
// memory that it took.
func scales(b *bench) error {
	program := filepath.Join(b.work, "emend")
	if err := build(program, "..", "./cmd/emend"); err != nil {
		return err
	}
	few := *b
	few.rounds = min(b.rounds, 3)
	var peak int64
	measured := func(tree string, _ []file) error { return peakOf(&peak, tree, program, "apply", patchOf(tree)) }
	list := few.changing([]changer{
		{"emend apply, of a plan stream", measured, writeStream(1), nil},
		{"raw system calls, same barriers", raw, nil, nil},
	}, 100_000)
	if err := few.compare("100000 files", commitLimit, list); err != nil {
		return err
	}
	tellPeak(b, peak)

	peak = 0
	list = few.changing([]changer{
		{"emend apply, 1000000 operations", measured, writeStream(1000), nil},
		{"emend apply, 1000 operations", measured, writeStream(1), nil},
	}, 1000)
	if err := few.compare("1000 files, operations", "reading JSON", list); err != nil {
		return err
	}
	tellPeak(b, peak)
	return nil
}

func tellPeak(b *bench, peak int64) {
	if peak > 0 {
		fmt.Fprintf(b.out, "emend took at most %d MiB of memory\n\n", peak>>20)
	}
}

// peakOf runs a command and raises peak to the memory that it took, in bytes. A
// child has it run, because the system counts as a program's own what the one
// that started it has.
func peakOf(peak *int64, dir, name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{name}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), childEnv+"=measure")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	took, err := strconv.ParseInt(string(out), 10, 64)
	*peak = max(*peak, took)
	return err
}

// measure runs a command and prints the memory that it took, in bytes.
func measure(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	_, err := fmt.Print(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10)
	return err
}

// writeStream writes a plan stream with so many operations for each file: one
// changes its first line, the others change a byte and change it back.
func writeStream(each int) func(tree string, files []file) error {
	return func(tree string, files []file) error {
		out, err := os.Create(patchOf(tree))
		if err != nil {
			return err
		}
		defer out.Close()
		w := bufio.NewWriter(out)
		edit := func(f file, start, end int, old, text string) {
			fmt.Fprintf(w, `{"op":"edit","path":%q,"edits":[{"start":%d,"end":%d,"old":%q,"text":%q}]}`+"\n", f.path, start, end, old, text)
		}
		fmt.Fprintln(w, `{"emend":1}`)
		for _, f := range files {
			edit(f, 0, 4, "line", "LINE")
			for k := 1; k+1 < each; k += 2 {
				at := 4 * (k + 1)
				is := string(f.before[at : at+1])
				edit(f, at, at+1, is, "x")
				edit(f, at, at+1, "x", is)
			}
		}
		return w.Flush()
	}
}
