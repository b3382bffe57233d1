//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
)

// prepares measures what checking a plan takes: read, hash, splice, and hash
// again what comes out, against plain reading. Everything is in the page cache.
func prepares(b *bench) error {
	for _, shape := range []struct{ files, size int }{{10_000, 8 << 10}, {100, 1 << 20}, {2, 256 << 20}} {
		if err := prepareFiles(b, shape.files, shape.size); err != nil {
			return err
		}
	}
	return nil
}

func prepareFiles(b *bench, n, size int) (err error) {
	what := fmt.Sprintf("prepare %d files of %s", n, bytesText(size))
	if !b.only.MatchString(what) {
		return nil
	}
	tree := filepath.Join(b.work, "tree")
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	var files []file
	for i := range n {
		f := file{path: fmt.Sprintf("d%02d/f%06d.txt", i%20, i)}
		text := bytes.Repeat(fmt.Appendf(nil, "line %09d of a file that is long\n", i), size/37+1)[:size]
		p := filepath.Join(tree, f.path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, text, 0o644)); err != nil {
			return err
		}
		files = append(files, f)
	}
	ed, err := editor.Open(context.Background(), tree)
	if err != nil {
		return err
	}
	defer ed.Close()
	limit := "opening files"
	if size >= 1<<20 {
		limit = "memory bandwidth: two hashes of what is read, two of what comes out"
	}
	read := func(to func() io.Writer) func() (time.Duration, error) {
		return func() (time.Duration, error) { return readAll(tree, files, to) }
	}
	return b.compare(what, limit, []contender{
		{"emend", func() (time.Duration, error) {
			start := time.Now()
			tx, err := ed.Prepare(context.Background(), planFor(files))
			if err != nil {
				return 0, err
			}
			defer tx.Discard()
			if len(tx.Files()) != n {
				return 0, fmt.Errorf("%d files of %d", len(tx.Files()), n)
			}
			return time.Since(start), nil
		}},
		{"read", read(func() io.Writer { return io.Discard })},
		{"read with xxh3", read(func() io.Writer { return &hashing.RawHasher{} })},
		{"read with both hashes", read(func() io.Writer { return hashing.NewHasher() })},
	})
}

// readAll reads each file into a writer of its own.
func readAll(tree string, files []file, to func() io.Writer) (time.Duration, error) {
	buf := make([]byte, 256<<10)
	start := time.Now()
	for _, f := range files {
		in, err := os.Open(filepath.Join(tree, f.path))
		if err != nil {
			return 0, err
		}
		_, err = io.CopyBuffer(plainWriter{to()}, plainReader{in}, buf)
		if err = errors.Join(err, in.Close()); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// plainReader and plainWriter have io.CopyBuffer use its buffer.
type (
	plainReader struct{ io.Reader }
	plainWriter struct{ io.Writer }
)

// hashes measures the two hashes of texts of several shapes.
func hashes(b *bench) error {
	const size = 256 << 20
	line := "	for i, name := range names { // a line of a program\n"
	for what, unit := range map[string]string{
		"LF, no spaces at line ends": line,
		"CR LF":                      line[:len(line)-1] + "\r\n",
		"spaces at line ends":        line[:len(line)-1] + "  \n",
		"short lines":                "}\n",
	} {
		name := filepath.Join(b.work, "text")
		text := bytes.Repeat([]byte(unit), size/len(unit))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return err
		}
		read := func(to func() io.Writer) func() (time.Duration, error) {
			return func() (time.Duration, error) { return readAll(b.work, []file{{path: "text"}}, to) }
		}
		err := b.compare("hash 256 MiB, "+what, "memory bandwidth", []contender{
			{"raw and normalized, in one pass", read(func() io.Writer { return hashing.NewHasher() })},
			{"raw", read(func() io.Writer { return &hashing.RawHasher{} })},
			{"read only", read(func() io.Writer { return io.Discard })},
		})
		if err = errors.Join(err, os.Remove(name)); err != nil {
			return err
		}
	}
	return nil
}
