//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/locator"
)

// changer changes every file of a tree in its own way.
type changer struct {
	name   string
	change func(tree string, files []file) error
	before func(tree string, files []file) error // not timed; nil: nothing
	beside func(tree string) error               // likewise, and not synced
}

// file is one file of 8 KiB and what its first bytes become.
type file struct {
	path          string
	before, after []byte
}

// changers: the first is emend; the others are what it is compared with.
var changers = []changer{
	{"emend", emend, used, nil},
	{"emend, first commit in a tree", emend, nil, nil},
	{"raw system calls, same barriers", raw, nil, nil},
	{"renameio, one after another", sequential, nil, nil},
	{"pool of 16 fsyncs", pool, nil, nil},
	{"temp + rename, not durable", unsynced, nil, nil},
}

func makeFiles(n int) []file {
	files := make([]file, n)
	for i := range files {
		b := bytes.Repeat(fmt.Appendf(nil, "line %07d of a file\n", i), 8192/20)
		files[i] = file{fmt.Sprintf("d%02d/f%06d.txt", i%20, i), b, append([]byte("LINE"), b[4:]...)}
	}
	return files
}

func makeTree(tree string, n int) ([]file, error) {
	files := makeFiles(n)
	for i := range files {
		b := files[i].before
		p := filepath.Join(tree, files[i].path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func verify(tree string, files []file) error {
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(tree, f.path))
		if err != nil {
			return err
		}
		if !bytes.Equal(b, f.after) {
			return fmt.Errorf("%s was not changed", f.path)
		}
	}
	return nil
}

// used makes a tree in which emend has been at work before: the log is there.
func used(tree string, _ []file) error {
	return commit(tree, editor.Plan{Ops: []editor.Op{editor.Create{Path: "used"}}})
}

func emend(tree string, files []file) error { return commit(tree, planFor(files)) }

// planFor changes the first line of every file.
func planFor(files []file) editor.Plan {
	plan := editor.Plan{}
	for _, f := range files {
		plan.Ops = append(plan.Ops, editor.Edit{Path: f.path, Edits: []locator.Edit{{Start: 0, End: 4, Text: []byte("LINE")}}})
	}
	return plan
}

func commit(tree string, plan editor.Plan, opts ...editor.Option) error {
	ed, err := editor.Open(context.Background(), tree, opts...)
	if err != nil {
		return err
	}
	_, err = ed.Apply(context.Background(), plan)
	return errors.Join(err, ed.Close())
}

// rawStage makes what raw has of a .emend: a directory of slots, and a log.
func rawStage(tree string) (stage string, wal *os.File, err error) {
	stage = filepath.Join(tree, ".stage")
	if err := os.Mkdir(stage, 0o700); err != nil {
		return "", nil, err
	}
	wal, err = os.Create(filepath.Join(stage, "log"))
	return stage, wal, err
}

// raw makes the system calls of a commit and nothing else: read, log and stage,
// one barrier, exchange, sync the directories, a last record.
func raw(tree string, files []file) error {
	stage, wal, err := rawStage(tree)
	if err != nil {
		return err
	}
	defer wal.Close()
	for i, f := range files {
		b, err := os.ReadFile(filepath.Join(tree, f.path))
		if err != nil {
			return err
		}
		if _, err := wal.Write(b); err != nil {
			return err
		}
		if err := os.WriteFile(slot(stage, i), append([]byte("LINE"), b[4:]...), 0o644); err != nil {
			return err
		}
	}
	if err := errors.Join(unix.Fdatasync(int(wal.Fd())), unix.Syncfs(int(wal.Fd()))); err != nil {
		return err
	}
	for i, f := range files {
		if err := unix.Renameat2(unix.AT_FDCWD, slot(stage, i), unix.AT_FDCWD, filepath.Join(tree, f.path), unix.RENAME_EXCHANGE); err != nil {
			return err
		}
	}
	if err := syncDirs(tree, files); err != nil {
		return err
	}
	if _, err := wal.WriteString("done"); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(wal.Fd())); err != nil {
		return err
	}
	return os.RemoveAll(stage)
}

func slot(stage string, i int) string { return fmt.Sprintf("%s/%d", stage, i) }

func syncDirs(tree string, files []file) error {
	done := map[string]bool{}
	for _, f := range files {
		dir := filepath.Dir(filepath.Join(tree, f.path))
		if done[dir] {
			continue
		}
		done[dir] = true
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

func sequential(tree string, files []file) error {
	for _, f := range files {
		if err := renameio.WriteFile(filepath.Join(tree, f.path), f.after, 0o644); err != nil {
			return err
		}
	}
	return syncDirs(tree, files)
}

func pool(tree string, files []file) error {
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < len(files) && errs[w] == nil; i += len(errs) {
				errs[w] = renameio.WriteFile(filepath.Join(tree, files[i].path), files[i].after, 0o644)
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), syncDirs(tree, files))
}

func unsynced(tree string, files []file) error {
	for _, f := range files {
		p := filepath.Join(tree, f.path)
		if err := os.WriteFile(p+".tmp", f.after, 0o644); err != nil {
			return err
		}
		if err := os.Rename(p+".tmp", p); err != nil {
			return err
		}
	}
	return nil
}
