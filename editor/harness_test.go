package editor_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/recovery"
)

// sampler picks a part of what the exhaustive sweeps (EMEND_LONG) look at. Its
// seed is printed, and EMEND_SEED sets it.
type sampler struct {
	*rand.Rand
	seed uint64
}

func newSampler(t testing.TB) *sampler {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("EMEND_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("EMEND_SEED=%d", seed)
	return &sampler{rand.New(rand.NewPCG(seed, 0)), seed}
}

// stride is the distance of two looks, and first where they begin, from 1.
func (s *sampler) stride(n int) (first, stride int) {
	if long() {
		return 1, 1
	}
	return 1 + s.IntN(n), n
}

// chosen is true once in n times.
func (s *sampler) chosen(n int) bool { return long() || s.IntN(n) == 0 }

// hang is far more than anything here takes, on a busy machine as well.
const hang = 5 * time.Minute

// bounded fails the test, with all stacks, where do does not come back.
func bounded(t testing.TB, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(hang):
		t.Fatalf("%s hangs:\n%s", what, stacks())
	}
}

func stacks() []byte {
	b := make([]byte, 1<<20)
	return b[:runtime.Stack(b, true)]
}

// noLeaks fails the test where goroutines outlive it.
func noLeaks(t testing.TB) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range hang / (10 * time.Millisecond) {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("goroutines are left:\n%s", stacks())
	})
}

// stateOf is the state that err promises; every error has one.
func stateOf(t testing.TB, err error, name string) string {
	t.Helper()
	var e *editor.Error
	require.ErrorAs(t, err, &e, name)
	return string(e.State)
}

// applyOn opens the workspace on fs, applies plan and closes it again. What
// Close says is nobody's business: all promises are Apply's.
func applyOn(fs vfs.FS, plan editor.Plan) error {
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	if err != nil {
		return err
	}
	defer ed.Close()
	_, err = ed.Apply(context.Background(), plan)
	return err
}

func recoverOn(fs vfs.FS) (*recovery.Report, error) {
	return recovery.Run(context.Background(), crashRoot, recovery.Options{FS: fs})
}

// outcome names the tree: before, after, or what is wrong with it.
type outcome string

const (
	isBefore outcome = "before"
	isAfter  outcome = "after"
	isMixed  outcome = "mixed"
)

// trees are the only two that a plan may leave.
type trees struct {
	before, after map[string]crashfs.Node
	lacks         crashfs.Options
}

// treesOf applies plan to a tree of its own.
func treesOf(t testing.TB, plan editor.Plan, o crashfs.Options) trees {
	t.Helper()
	fs := crashTree(t, o)
	tr := trees{before: userTree(fs), lacks: o}
	require.NoError(t, applyOn(fs, plan))
	tr.after = userTree(fs)
	require.False(t, treesEqual(tr.before, tr.after))
	return tr
}

func (tr trees) outcome(fs *crashfs.FS) outcome {
	switch tree := userTree(fs); {
	case treesEqual(tree, tr.before):
		return isBefore
	case treesEqual(tree, tr.after):
		return isAfter
	}
	return isMixed
}

var errMixed = errors.New("the tree is neither before nor after")

// recovered recovers what a crash left on fs, twice, and says what the tree is
// then. An error is a broken promise.
func (tr trees) recovered(fs *crashfs.FS) (outcome, error) {
	if _, err := recoverOn(fs); err != nil {
		return isMixed, err
	}
	got := tr.outcome(fs)
	if got == isMixed {
		return got, errMixed
	}
	if left := leftovers(fs); len(left) > 0 {
		return got, errors.New("slots are left: " + left[0])
	}
	again, err := recoverOn(fs)
	if err != nil {
		return got, err
	}
	if len(again.Intents) > 0 {
		return got, errors.New("a second recovery has something to do")
	}
	return got, nil
}

// cuts are a few survivors of a crash at this moment.
func cuts(fs *crashfs.FS, seed uint64) map[string]*crashfs.FS {
	return map[string]*crashfs.FS{
		"killed":   fs.Killed(),
		"all lost": fs.Survive(crashfs.AllLost()),
		"random":   fs.Survive(crashfs.Random(seed)),
	}
}
