package editor_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/locator"
)

// TestCounterLosesNoUpdate has many goroutines on two Editors increment the
// numbers in a few files, all files of a plan or none: no update is lost, and
// nobody waits for ever.
func TestCounterLosesNoUpdate(t *testing.T) {
	noLeaks(t)
	root := t.TempDir()
	const files, workers, rounds = 4, 16, 12
	for i := range files {
		require.NoError(t, os.WriteFile(filepath.Join(root, name(i)), []byte("0"), 0o644))
	}
	var editors []*editor.Editor
	for range 2 {
		ed, err := editor.Open(context.Background(), root)
		require.NoError(t, err)
		editors = append(editors, ed)
	}
	var want [files]atomic.Int64
	bounded(t, "counting", func() {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 1))
				for range rounds {
					chosen := r.Perm(files)[:1+r.IntN(2)]
					if err := increment(editors[w%2], root, chosen); err != nil {
						t.Error(err)
						return
					}
					for _, i := range chosen {
						want[i].Add(1)
					}
				}
			})
		}
		wg.Wait()
	})
	for i := range files {
		b, err := os.ReadFile(filepath.Join(root, name(i)))
		require.NoError(t, err)
		require.Equal(t, strconv.FormatInt(want[i].Load(), 10), string(b), name(i))
	}
	for _, ed := range editors {
		require.NoError(t, ed.Close())
	}
	left, err := os.ReadDir(filepath.Join(root, ".emend", "stage"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func name(i int) string { return fmt.Sprintf("counter%d", i) }

// increment adds one to each file, by a plan that expects what it has read, as
// often as somebody else was quicker.
func increment(ed *editor.Editor, root string, chosen []int) error {
	for {
		var plan editor.Plan
		for _, i := range chosen {
			b, err := os.ReadFile(filepath.Join(root, name(i)))
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(b))
			if err != nil {
				return err
			}
			plan.Ops = append(plan.Ops, editor.Edit{Path: name(i), Expect: editor.RawHash(hashing.Raw(b)),
				Edits: []locator.Edit{{Start: 0, End: len(b), Text: []byte(strconv.Itoa(n + 1))}}})
		}
		_, err := ed.Apply(context.Background(), plan)
		var e *editor.Error
		if errors.As(err, &e) && e.Kind == "drift" && e.State == "unchanged" {
			continue
		}
		return err
	}
}

// TestLesson21TwoProcessesOnOneRoot is the same between processes, which know nothing
// of each other but the lock.
func TestLesson21TwoProcessesOnOneRoot(t *testing.T) {
	disk := crashTree(t, crashfs.Options{})
	bounded(t, "two processes", func() {
		var wg sync.WaitGroup
		for w, fs := range []*crashfs.FS{disk.Process(), disk.Process()} {
			wg.Go(func() {
				ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
				if err != nil {
					t.Error(err)
					return
				}
				defer ed.Close()
				for i := range 20 {
					plan := editor.Plan{Ops: []editor.Op{editor.Create{Path: fmt.Sprintf("p%d-%d", w, i), Content: []byte("x")},
						editor.Write{Path: "write.txt", Content: fmt.Appendf(nil, "%d %d", w, i)}}}
					if _, err := ed.Apply(context.Background(), plan); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
	for w := range 2 {
		for i := range 20 {
			require.Contains(t, userTree(disk), fmt.Sprintf("p%d-%d", w, i))
		}
	}
	require.Empty(t, leftovers(disk))
}
