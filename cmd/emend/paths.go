package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/emend/emend/internal/fail"
)

// workspace returns the root: --root, which must be a directory, else the
// nearest directory from the current one upwards that has an .emend, else a
// .git, else the current one.
func (a *app) workspace() (string, error) {
	if a.rootGiven {
		info, err := os.Stat(a.root)
		if err != nil {
			return "", usageOf(err, "root", a.root)
		}
		if !info.IsDir() {
			return "", fail.New(fail.Usage, "root", a.root, "not a directory")
		}
		return a.root, nil
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", fail.Wrap(err, "find", "current directory")
	}
	for _, name := range []string{".emend", ".git"} {
		if dir, ok := nearestWith(cwd, name); ok {
			return dir, nil
		}
	}
	return cwd, nil
}

func nearestWith(dir, name string) (string, bool) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// inputName is the FILE of args: none or "-" is stdin.
func inputName(args []string) (name string, isFile bool) {
	if len(args) == 1 && args[0] != "-" {
		return args[0], true
	}
	return "stdin", false
}

// readInput reads the FILE of args, relative to the current directory. It does
// not outlast ctx, whatever whoever writes a pipe does.
func (a *app) readInput(ctx context.Context, args []string) ([]byte, error) {
	name, isFile := inputName(args)
	if !isFile && a.out.inTTY {
		return nil, fail.New(fail.Usage, "read", name, "is a terminal").
			WithHint("name a FILE, or pipe a plan or a patch in: git diff | emend apply")
	}
	read := func() ([]byte, error) { return io.ReadAll(a.out.in) }
	if isFile {
		read = func() ([]byte, error) { return os.ReadFile(name) }
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := read()
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, usageOf(r.err, "read", name)
	case <-ctx.Done():
		return nil, fail.Wrap(ctx.Err(), "read", name)
	}
}

// usageOf is err as a mistake on the command line; nil for nil.
func usageOf(err error, op, path string) error {
	if err == nil {
		return nil
	}
	e := fail.From(err, op, path)
	e.Kind = fail.Usage
	return e
}
