package editor_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
)

// costOf is how many operations of each kind an edited file costs.
func costOf(t *testing.T, apply func(ed *editor.Editor, plan editor.Plan) error) map[op.Kind]float64 {
	const few, many = 20, 120
	counts := map[int]map[op.Kind]int{}
	for _, n := range []int{few, many} {
		fs := crashfs.New(crashfs.Options{})
		require.NoError(t, fs.MkdirAll(crashRoot, 0o755))
		var plan editor.Plan
		for i := range n {
			name := fmt.Sprint("f", i)
			require.NoError(t, fs.WriteFile(crashRoot+"/"+name, []byte("one two\n"), 0o644))
			plan.Ops = append(plan.Ops, findEdit(name, "two", "2"))
		}
		fs.Settle()
		require.NoError(t, apply(openOn(t, fs), plan))
		counts[n] = fs.Counts()
	}
	cost := map[op.Kind]float64{}
	for k, n := range counts[many] {
		if c := float64(n-counts[few][k]) / (many - few); c > 0 {
			cost[k] = c
		}
	}
	return cost
}

// What a file costs besides the barriers is most of the time of a large plan:
// each file is opened and read once by Apply, and once more by a Commit that may
// come long after its Prepare.
func TestWhatAFileCosts(t *testing.T) {
	want := map[op.Kind]float64{
		op.Open: 1, op.Create: 1, op.Close: 2, op.Read: 1, op.Xattrs: 2, op.Write: 1,
		op.Stat:  6, // the name when it is met, read, about to be sealed, and come out; two of handles
		op.Chmod: 1, op.Exchange: 1, op.Remove: 1,
	}
	got := costOf(t, func(ed *editor.Editor, plan editor.Plan) error {
		_, err := ed.Apply(t.Context(), plan)
		return err
	})
	require.InDelta(t, 0, got[op.Write]-1, 0.2, "the log is written in few pieces")
	got[op.Write] = 1
	require.Equal(t, want, got)

	got = costOf(t, func(ed *editor.Editor, plan editor.Plan) error {
		tx, err := ed.Prepare(t.Context(), plan)
		if err == nil {
			_, err = tx.Commit(t.Context())
		}
		return err
	})
	require.EqualValues(t, 2, got[op.Open])
}

// However many files a plan changes, and however large they are together,
// Prepare opens each of them once.
func TestPrepareReadsEachFileOnce(t *testing.T) {
	const files = 48
	fs := crashfs.New(crashfs.Options{})
	require.NoError(t, fs.MkdirAll(crashRoot, 0o755))
	var plan editor.Plan
	text := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16-1)
	for i := range files {
		name := fmt.Sprint("f", i)
		require.NoError(t, fs.WriteFile(crashRoot+"/"+name, text, 0o644))
		plan.Ops = append(plan.Ops, editor.Edit{Path: name, Edits: []locator.Edit{{End: 3, Text: []byte("abc")}}})
	}
	ed := openOn(t, fs)
	before := fs.Counts()[op.Open]
	tx, err := ed.Prepare(t.Context(), plan)
	require.NoError(t, err)
	tx.Discard()
	require.LessOrEqual(t, fs.Counts()[op.Open]-before, files+2)
}

// With much that others have written and nobody has synced, a sync of the file
// system would make a small transaction wait for them: each slot is synced.
func TestForeignDataIsNotSynced(t *testing.T) {
	for unwritten, whole := range map[int64]bool{0: true, 1 << 20: true, 100 << 20: false} {
		fs := crashTree(t, crashfs.Options{Unwritten: unwritten})
		var plan editor.Plan
		for i := range 20 {
			plan.Ops = append(plan.Ops, editor.Create{Path: fmt.Sprint("new", i), Content: []byte("new\n")})
		}
		require.NoError(t, applyOn(fs, plan))
		require.Equal(t, whole, fs.Counts()[op.SyncFS] > 0, "%d bytes", unwritten)
	}
}

// However many files there are, a transaction waits three times for the disk:
// for log and slots, for what was published, and for the retirement.
func TestThreeBarriersATransaction(t *testing.T) {
	for _, n := range []int{1, 5, 60, -60} {
		o := crashfs.Options{}
		if n < 0 { // beside others, without a sync of the file system
			n, o.Unwritten = -n, 1<<30
		}
		fs := crashTree(t, o)
		require.NoError(t, applyOn(fs, crashPlans()["five"]))
		var plan editor.Plan
		for i := range n {
			plan.Ops = append(plan.Ops, editor.Create{Path: fmt.Sprintf("dir/sub/new%d", i), Content: []byte("new\n")})
		}
		barriers, waiting := 0, false
		fs.OnOp(func(o op.Op) {
			if !o.Kind.Syncs() {
				waiting = waiting && calledBy("wal.(*shared).mark") // nobody waits for it
				return
			}
			if !waiting {
				barriers++
			}
			waiting = true
		})
		require.NoError(t, applyOn(fs, plan))
		fs.OnOp(nil)
		require.Equal(t, 3, barriers, "%d files", n)
	}
}
