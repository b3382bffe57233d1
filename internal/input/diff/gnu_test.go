package diff

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAgreesWithGNUDiff does for diff -ruN what TestAgreesWithGit does for git,
// without what plain diffs cannot say.
func TestAgreesWithGNUDiff(t *testing.T) {
	if _, err := exec.LookPath("diff"); err != nil {
		t.Skip("diff is not installed")
	}
	g := newGit(t)
	for seed := range rounds(15) {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		before := plainTree(randomTree(rng))
		after := plainTree(mutate(rng, before))
		both := tree{}
		for name, n := range before {
			require.NoError(t, both.add("old/"+name, n))
		}
		for name, n := range after {
			require.NoError(t, both.add("new/"+name, n))
		}
		both["old/.keep"], both["new/.keep"] = node{}, node{}
		g.checkout(both)
		for _, flags := range []string{"-ruN", "-rN -U0"} {
			cmd := exec.Command("diff", append(strings.Fields(flags), "old", "new")...)
			cmd.Dir = g.dir
			patch, _ := cmd.Output() // its status says whether they differ
			if len(patch) == 0 || strings.Contains(string(patch), " is a ") {
				continue // nothing, or a directory on one side and a file on the other
			}
			got, err := applyPatch(before, patch, 1)
			label := fmt.Sprintf("seed %d, diff %s\n%s", seed, flags, patch)
			require.NoError(t, err, label)
			require.Equal(t, after, got, label)
		}
	}
}

// plainTree leaves out of t what a plain diff cannot say: links, empty files
// and binary ones, and modes.
func plainTree(t tree) tree {
	plain := tree{}
	for name, n := range t {
		if n.data != "" && !n.link && !strings.Contains(n.data, "\x00") {
			plain[name] = node{data: n.data}
		}
	}
	return plain
}
