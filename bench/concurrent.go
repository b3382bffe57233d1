//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/locator"
)

// committers measures many small transactions, on files of their own, through
// one Editor: from 64 goroutines, which share syncs, and one after another.
func committers(b *bench) error {
	const transactions = 256
	var list []contender
	for _, goroutines := range []int{64, 8, 1} {
		list = append(list, contender{fmt.Sprint(goroutines, " goroutines"), func() (time.Duration, error) {
			return commitSmall(b.work, transactions, goroutines)
		}})
	}
	return b.compare(fmt.Sprint(transactions, " transactions of one file"), "flushes: three a transaction, or a group of them", list)
}

func commitSmall(work string, n, goroutines int) (took time.Duration, err error) {
	tree := filepath.Join(work, "tree")
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	files, err := makeTree(tree, n)
	if err == nil {
		err = used(tree, files)
	}
	if err != nil {
		return 0, err
	}
	ed, err := editor.Open(context.Background(), tree)
	if err != nil {
		return 0, err
	}
	unix.Sync()
	start := time.Now()
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for g := range errs {
		wg.Go(func() {
			for i := g; i < n && errs[g] == nil; i += goroutines {
				_, errs[g] = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{
					editor.Edit{Path: files[i].path, Edits: []locator.Edit{{Start: 0, End: 4, Text: []byte("LINE")}}}}})
			}
		})
	}
	wg.Wait()
	took = time.Since(start)
	return took, errors.Join(errors.Join(errs...), ed.Close(), verify(tree, files))
}
