package diff

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// messages are what people write into commits, and what a reader of patches can
// take for more.
var messages = []string{
	"Plain", "Lists\n\n- one\n+ two\n", "Names\n\n--- a/f\n+++ b/f\n", "A hunk\n\n@@ -1 +1 @@\n-a\n+b\n",
	"Quoted\n\ndiff --git a/f b/f\ndeleted file mode 100644\n", "A line\n\n---\n\nand more\n",
	"All\n\n---\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
	"Sent\n\n>From me to you at noon\n", "Binary files a/f and b/f differ\n", "\u00dcml\u00e4ut \U0001F600\n",
}

// TestSeries has git write commits as mails in one file, and compares what they
// make of the tree before the first with the tree after the last, and back.
func TestSeries(t *testing.T) {
	g := newGit(t)
	for _, setting := range []string{"user.name=A", "user.email=a@example.org"} {
		name, value, _ := strings.Cut(setting, "=")
		g.must("config", name, value)
	}
	for seed := range rounds(5) {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		trees := []tree{randomTree(rng)}
		commits := []string{g.commit(trees[0], "", "Base")}
		for range 1 + rng.IntN(4) {
			last := trees[len(trees)-1]
			next := mutate(rng, last)
			if maps.Equal(next, last) {
				continue
			}
			trees = append(trees, next)
			commits = append(commits, g.commit(next, commits[len(commits)-1], messages[rng.IntN(len(messages))]))
		}
		first, last := trees[0], trees[len(trees)-1]
		if len(trees) == 1 {
			continue
		}
		for _, flags := range []string{"-M", "-C --find-copies-harder", "--no-renames --full-index", "-M --attach", "-M --cover-letter"} {
			args := append([]string{"format-patch", "--binary", "--stdout"}, strings.Fields(flags)...)
			args = append(args, commits[0]+".."+commits[len(commits)-1])
			mbox := g.must(args...)
			label := fmt.Sprintf("seed %d, git %s\n%s", seed, strings.Join(args, " "), mbox)
			got, err := applyPatch(first, mbox, 1)
			require.NoError(t, err, label)
			require.Equal(t, last, got, label)
			if strings.Contains(flags, "-C") {
				continue // copies cannot be taken back
			}
			got, err = applyWith(last, mbox, Options{Reverse: true})
			require.NoError(t, err, label)
			require.Equal(t, first, got, label)
		}
	}
}

// commit stores t as a commit behind parent and returns its id.
func (g git) commit(t tree, parent, message string) string {
	args := []string{"commit-tree", g.store(t), "-m", message}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	return strings.TrimSpace(string(g.must(args...)))
}
