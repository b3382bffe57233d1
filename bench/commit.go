//go:build linux

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// commitSizes are files a commit.
var commitSizes = []int{1, 10, 100, 1000}

// commits measures commits against whatever else changes files.
func commits(out io.Writer, work string, rounds int) error {
	t := newTable(out)
	for _, n := range commitSizes {
		var list []contender
		for _, c := range changers {
			list = append(list, contender{c.name, func(dir string) (time.Duration, error) { return change(c, dir, n) }})
		}
		results, err := compare(work, rounds, list)
		if err != nil {
			return err
		}
		t.add(fmt.Sprint(n, " files"), results)
	}
	return t.flush()
}

// change has c change a tree of n files, and verifies it.
func change(c changer, dir string, n int) (time.Duration, error) {
	tree := filepath.Join(dir, "tree")
	files, err := makeTree(tree, n)
	if err != nil {
		return 0, err
	}
	if c.before != nil {
		if err := c.before(tree); err != nil {
			return 0, err
		}
	}
	unix.Sync()
	start := time.Now()
	if err := c.change(tree, files); err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, verify(tree, files)
}
