package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds is how often a test kills: EMEND_LONG asks for the long run.
func rounds(usual, long int) int {
	switch {
	case os.Getenv("EMEND_LONG") != "":
		return long
	case testing.Short():
		return 5
	}
	return usual
}

// newRand returns a source of chance whose seed is printed; EMEND_SEED sets it.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("EMEND_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("EMEND_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// runAndKill starts the command, kills it after a while, and returns what it
// printed and whether it had ended with success before.
func runAndKill(t *testing.T, root string, after time.Duration, args ...string) (stdout string, succeeded bool) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(binary, append(args, "--root", root)...)
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	return out.String(), err == nil
}

// undisturbed measures how long the command takes on a fresh workspace.
func undisturbed(t *testing.T, p *planned, plan string) time.Duration {
	t.Helper()
	var took []time.Duration
	for range 3 {
		root := filepath.Join(t.TempDir(), "root")
		p.before.write(t, root)
		start := time.Now()
		r := emend(t, root, "apply", plan)
		took = append(took, time.Since(start))
		require.Zero(t, r.exit, "%s%s", r.stdout, r.stderr)
		requireTree(t, p.after, readTree(t, root))
		requireSettled(t, root)
	}
	slices.Sort(took)
	return took[1]
}

// chance returns a moment that falls anywhere in what usually takes d, or a
// little later.
func chance(rnd *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rnd.Int64N(int64(d + d/4)))
}

// TestKillApplyThenRecover kills a process in the middle of a transaction, and
// some of the recoveries that follow it, at random moments.
func TestKillApplyThenRecover(t *testing.T) {
	rnd := newRand(t)
	p := fiftyFiles(t, rnd)
	plan := p.save(t)
	usual := undisturbed(t, p, plan)
	ended := map[string]int{}
	for round := range rounds(40, 1000) {
		root := filepath.Join(t.TempDir(), "root")
		p.before.write(t, root)

		stdout, succeeded := runAndKill(t, root, chance(rnd, usual), "apply", plan)
		acknowledged := succeeded || strings.Contains(stdout, "committed")
		for rnd.IntN(3) == 0 {
			runAndKill(t, root, chance(rnd, usual), "recover")
		}
		for _, intent := range emendJSON(t, root, 0, "recover")["intents"].([]any) {
			ended[fmt.Sprint("recovered ", intent.(map[string]any)["action"])]++
		}

		got, want, name := readTree(t, root), p.before, "before"
		if acknowledged || !maps.Equal(got, want) {
			want, name = p.after, "after"
		}
		requireTree(t, want, got, "round %d, acknowledged: %v", round, acknowledged)
		requireSettled(t, root)
		requireNothingElse(t, root)
		ended[name]++
		require.NoError(t, os.RemoveAll(root))
	}
	t.Logf("an undisturbed run takes %v; killed ones ended %v", usual, ended)
}

// emendsOwn is all that .emend ever holds when nothing is parked; torn- files
// are what was cut off the log.
var emendsOwn = regexp.MustCompile(`^(\.gitignore|lock|turn|stage|wal\.log|torn-[0-9.-]+)$`)

func requireNothingElse(t *testing.T, root string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, ".emend"))
	if os.IsNotExist(err) {
		return // killed before there was any
	}
	require.NoError(t, err)
	for _, e := range entries {
		require.Regexp(t, emendsOwn, e.Name())
	}
}

// TestKillRecoverWithChangingPolicies kills recoveries that were told to go
// forward, back or whichever way: the first decision that was logged stands.
func TestKillRecoverWithChangingPolicies(t *testing.T) {
	rnd := newRand(t)
	p := fiftyFiles(t, rnd)
	plan := p.save(t)
	usual := undisturbed(t, p, plan)
	policies := []string{"auto", "forward", "back"}
	for round := range rounds(15, 300) {
		root := filepath.Join(t.TempDir(), "root")
		p.before.write(t, root)
		_, succeeded := runAndKill(t, root, usual/4+chance(rnd, usual*3/4), "apply", plan)
		for range 1 + rnd.IntN(4) {
			runAndKill(t, root, chance(rnd, usual), "recover", "--policy", policies[rnd.IntN(len(policies))])
		}
		require.Empty(t, emendJSON(t, root, 0, "recover")["error"])
		got := readTree(t, root)
		if succeeded || !maps.Equal(got, p.before) {
			requireTree(t, p.after, got, "round %d, succeeded: %v", round, succeeded)
		}
		requireSettled(t, root)
		requireNothingElse(t, root)
		require.NoError(t, os.RemoveAll(root))
	}
}
