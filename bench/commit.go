//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// commitSizes are files a commit.
var commitSizes = []int{1, 10, 100, 1000, 10_000}

const commitLimit = "three flushes one after another; then twice the bytes and four changes of names a file"

// commits measures commits against whatever else changes files.
func commits(b *bench) error {
	for _, n := range commitSizes {
		if err := b.compare(fmt.Sprint(n, " files"), commitLimit, b.changing(changers, n)); err != nil {
			return err
		}
	}
	return nil
}

// changing are the changers at work on trees of n files.
func (b *bench) changing(list []changer, n int) []contender {
	var contenders []contender
	for _, c := range list {
		contenders = append(contenders, contender{c.name, func() (time.Duration, error) { return change(c, b.work, n) }})
	}
	return contenders
}

// change has c change a tree of n files in work, and verifies it.
func change(c changer, work string, n int) (took time.Duration, err error) {
	tree := filepath.Join(work, "tree")
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	files, err := makeTree(tree, n)
	if err != nil {
		return 0, err
	}
	if c.before != nil {
		if err := c.before(tree, files); err != nil {
			return 0, err
		}
	}
	unix.Sync()
	if c.beside != nil {
		if err := c.beside(tree); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	if err := c.change(tree, files); err != nil {
		return 0, err
	}
	took = time.Since(start)
	return took, verify(tree, files)
}
