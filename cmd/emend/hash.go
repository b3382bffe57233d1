package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/spf13/cobra"
)

const hashHelp = `Print the raw and the normalized hash of each file, and its path as given: what
a plan expects of a file ("expect": {"raw": ..., "norm": ...}).

The normalized hash does not see line endings, trailing blanks of a line, and a
byte order mark. PATH is relative to --root if that is given, else to the
current directory.`

// hashReport is what hash prints with --json.
type hashReport struct {
	Files []hashedFile `json:"files"`
	Exit  int          `json:"exit"`
}

type hashedFile struct {
	pathJSON
	Raw  hashing.Digest `json:"raw"`
	Norm hashing.Digest `json:"norm"`
	Size int64          `json:"size"`

	given string
}

func (a *app) hashCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "hash PATH...",
		Short:   "Print raw and normalized hashes of files, for plans",
		Long:    hashHelp,
		Example: "  emend hash main.go\n  emend hash --json --root ~/src/project cmd/main.go",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.verb(a.hash),
	}
}

func (a *app) hash(ctx context.Context, paths []string) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	report := hashReport{Files: []hashedFile{}}
	for _, path := range paths {
		f, err := a.hashFile(ctx, root, path)
		if err != nil {
			return fail.Wrap(err, "hash", path)
		}
		report.Files = append(report.Files, f)
	}
	return a.out.result(report, func(w io.Writer) {
		for _, f := range report.Files {
			fmt.Fprintln(w, f.Raw, f.Norm, f.given)
		}
	})
}

func (a *app) hashFile(ctx context.Context, root, path string) (hashedFile, error) {
	f, err := a.openFile(root, path)
	if err != nil {
		return hashedFile{}, err
	}
	defer f.Close()
	h := hashing.NewHasher()
	size, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return f.Read(p)
	}))
	if err != nil {
		return hashedFile{}, err
	}
	return hashedFile{pathJSON: jsonPath(path), Raw: h.Raw(), Norm: h.Norm(), Size: size, given: path}, nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// openFile opens a regular file for reading. A path in the workspace may pass
// through links that stay inside, as a path of a plan may; without --root a
// path elsewhere is simply opened.
func (a *app) openFile(root, path string) (*os.File, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if a.rootGiven && !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if within(root, path) {
		err = checkInside(root, path)
	} else if a.rootGiven {
		err = errEscape()
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fail.New(fail.NotRegular, "", "", "not a regular file")
	}
	if err != nil {
		return nil, err // a pipe is not opened: that would wait for its other end
	}
	return os.Open(path)
}

// checkInside refuses a path whose links lead out of the root.
func checkInside(root, path string) error {
	realPath, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	realRoot, err := filepath.EvalSymlinks(root)
	if err == nil && !within(realRoot, realPath) {
		err = errEscape()
	}
	return err
}

// within reports whether path, like root absolute and clean, is in root.
func within(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

func errEscape() error { return fail.New(fail.PathEscape, "", "", "not inside the root") }
