//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// processes measures the command, from its start to its end, against other
// commands that change files and a sync of the file system after them. The
// limit for one file is a program that does nothing.
func processes(b *bench) error {
	emend, hello := filepath.Join(b.work, "emend"), filepath.Join(b.work, "hello")
	if err := errors.Join(build(emend, "..", "./cmd/emend"), build(hello, ".", "./hello")); err != nil {
		return err
	}
	applied := func(tree string, _ []file) error { return command(tree, emend, "apply", patchOf(tree)) }
	list := []changer{
		{"emend apply", applied, usedAndPatch, nil},
		{"emend apply, first in a tree", applied, writePatch, nil},
		{"git apply + sync", func(tree string, _ []file) error {
			return errors.Join(command(tree, "git", "apply", patchOf(tree)), syncFS(tree))
		}, writePatch, nil},
		{"patch + sync", func(tree string, _ []file) error {
			return errors.Join(command(tree, "patch", "-s", "-p1", "-i", patchOf(tree)), syncFS(tree))
		}, writePatch, nil},
		{"sed -i + sync", func(tree string, files []file) error {
			args := []string{"-i", "1s/^line/LINE/"}
			for _, f := range files {
				args = append(args, f.path)
			}
			return errors.Join(command(tree, "sed", args...), syncFS(tree))
		}, writePatch, nil},
	}
	for _, n := range []int{1, 100, 1000} {
		contenders := b.changing(list, n)
		if n == 1 {
			contenders = append(contenders, contender{"a Go program that prints a line", func() (time.Duration, error) {
				start := time.Now()
				err := command(b.work, hello)
				return time.Since(start), err
			}})
		}
		if err := b.compare(fmt.Sprint(n, " files, as processes"), "a start; "+commitLimit, contenders); err != nil {
			return err
		}
	}
	return nil
}

func build(program, module, source string) error {
	cmd := exec.Command("go", "-C", module, "build", "-buildvcs=false", "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make install does
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w: %s", source, err, out)
	}
	return nil
}

func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func syncFS(tree string) error {
	d, err := os.Open(tree)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// patchOf is where the patch for a tree is: beside it.
func patchOf(tree string) string { return tree + ".patch" }

func usedAndPatch(tree string, files []file) error {
	return errors.Join(writePatch(tree, files), used(tree, files))
}

// writePatch writes the patch that changes the first line of every file.
func writePatch(tree string, files []file) error {
	var p bytes.Buffer
	for _, f := range files {
		before, after := bytes.SplitAfterN(f.before, []byte("\n"), 5), bytes.SplitAfterN(f.after, []byte("\n"), 2)
		fmt.Fprintf(&p, "diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n@@ -1,4 +1,4 @@\n", f.path, f.path, f.path, f.path)
		fmt.Fprintf(&p, "-%s+%s %s %s %s", before[0], after[0], before[1], before[2], before[3])
	}
	return os.WriteFile(patchOf(tree), p.Bytes(), 0o644)
}
