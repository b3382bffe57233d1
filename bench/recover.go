//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/recovery"
)

// recoveries measures what comes first after a crash.
func recoveries(b *bench) error {
	if what := "recovery, 1 GiB of log"; b.only.MatchString(what) {
		if err := readLog(b, what); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("recovery, half way through %d files", crashFiles)
	return b.compare(what, "reading and hashing what stands there, then the flushes and changes of names that a commit takes", []contender{
		{"emend", func() (time.Duration, error) { return finish(b.work, crashed, recoverTree) }},
		{"raw system calls that finish it", func() (time.Duration, error) { return finish(b.work, halfDone, finishRaw) }},
	})
}

// readLog recovers where the log alone is long: all in it is over.
func readLog(b *bench, what string) error {
	tree := filepath.Join(b.work, "tree")
	defer os.RemoveAll(tree)
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	if err := die("fill", tree); err != nil {
		return err
	}
	log, kept := filepath.Join(tree, ".emend", "wal.log"), filepath.Join(b.work, "kept")
	defer os.Remove(kept)
	if err := os.Rename(log, kept); err != nil {
		return err
	}
	return b.compare(what, "reading and hashing each byte once", []contender{
		{"emend", func() (time.Duration, error) {
			if err := copyFile(log, kept); err != nil {
				return 0, err
			}
			unix.Sync()
			start := time.Now()
			err := recoverTree(tree, nil)
			return time.Since(start), err
		}},
		{"read with xxh3", func() (time.Duration, error) { return hashFile(kept) }},
	})
}

func copyFile(to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// finish has begin leave a tree half done, and times how end finishes it.
func finish(work string, begin, end func(tree string, files []file) error) (took time.Duration, err error) {
	tree := filepath.Join(work, "tree")
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	files, err := makeTree(tree, crashFiles)
	if err == nil {
		err = begin(tree, files)
	}
	if err != nil {
		return 0, err
	}
	unix.Sync()
	start := time.Now()
	if err := end(tree, files); err != nil {
		return 0, err
	}
	took = time.Since(start)
	return took, verify(tree, files)
}

func crashed(tree string, _ []file) error { return die("crash", tree) }

func recoverTree(tree string, files []file) error {
	report, err := recovery.Run(context.Background(), tree, recovery.Options{})
	if err == nil && len(report.Intents) != min(len(files), 1) {
		err = fmt.Errorf("%d intents were recovered", len(report.Intents))
	}
	return err
}

// halfDone is what raw has done when half of the files are exchanged.
func halfDone(tree string, files []file) error {
	stage, wal, err := rawStage(tree)
	if err != nil {
		return err
	}
	defer wal.Close()
	for i, f := range files {
		if _, err := wal.Write(f.before); err != nil {
			return err
		}
		if err := os.WriteFile(slot(stage, i), f.after, 0o644); err != nil {
			return err
		}
		if i%2 == 0 {
			continue
		}
		if err := exchange(stage, tree, i, f); err != nil {
			return err
		}
	}
	return nil
}

func exchange(stage, tree string, i int, f file) error {
	return unix.Renameat2(unix.AT_FDCWD, slot(stage, i), unix.AT_FDCWD, filepath.Join(tree, f.path), unix.RENAME_EXCHANGE)
}

// finishRaw makes the system calls of a recovery and nothing else: read the log,
// every path and every slot, write the missing images anew, a decision; one
// barrier, exchange, sync every path and its directory, a last record.
func finishRaw(tree string, files []file) error {
	stage := filepath.Join(tree, ".stage")
	name := filepath.Join(stage, "log")
	if _, err := hashFile(name); err != nil {
		return err
	}
	wal, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer wal.Close()
	for i, f := range files {
		if err := look(filepath.Join(tree, f.path)); err != nil {
			return err
		}
		if err := look(slot(stage, i)); err != nil {
			return err
		}
	}
	if err := lastWord(wal, "forward"); err != nil {
		return err
	}
	for i := 0; i < len(files); i += 2 {
		tmp := slot(stage, i) + ".new"
		if err := errors.Join(os.WriteFile(tmp, files[i].after, 0o644), os.Rename(tmp, slot(stage, i))); err != nil {
			return err
		}
	}
	if err := unix.Syncfs(int(wal.Fd())); err != nil {
		return err
	}
	for i := 0; i < len(files); i += 2 {
		if err := exchange(stage, tree, i, files[i]); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := syncPath(filepath.Join(tree, f.path)); err != nil {
			return err
		}
	}
	if err := errors.Join(syncDirs(tree, files), lastWord(wal, "done")); err != nil {
		return err
	}
	return os.RemoveAll(stage)
}

func lastWord(wal *os.File, text string) error {
	_, err := wal.WriteString(text)
	return errors.Join(err, unix.Fdatasync(int(wal.Fd())))
}

// look reads and hashes a file.
func look(name string) error {
	b, err := os.ReadFile(name)
	hashing.Raw(b)
	return err
}

func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
