package diff

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
)

// TestEditorAgreesWithGit has the editor apply what git writes, and refuse what
// the model refuses.
func TestEditorAgreesWithGit(t *testing.T) {
	g := newGit(t)
	for seed := range rounds(3) {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		before := randomTree(rng)
		after := mutate(rng, before)
		drifted := mutate(rng, before)
		if maps.Equal(before, after) {
			continue
		}
		from, to := g.store(before), g.store(after)
		for _, flavour := range flavours {
			args := append([]string{"diff", "--binary", from, to}, flavour.args...)
			patch := g.must(args...)
			p, err := parse(patch, Options{Strip: &flavour.strip})
			require.NoError(t, err)
			for _, start := range []tree{before, drifted} {
				want, wantErr := start.apply(p)
				got, err := applyByEditor(t, start, p)
				label := fmt.Sprintf("seed %d, git %s\n%smodel: %v", seed, strings.Join(args, " "), patch, wantErr)
				if wantErr != nil {
					require.Error(t, err, label)
					require.Equal(t, start, got, label)
					continue
				}
				require.NoError(t, err, label)
				require.Equal(t, want, got, label)
			}
		}
	}
}

// applyByEditor returns the tree that is there after the editor has applied p,
// or has not.
func applyByEditor(t *testing.T, start tree, p editor.Plan) (tree, error) {
	t.Helper()
	work := git{t, t.TempDir()}
	work.checkout(start)
	ed, err := editor.Open(t.Context(), work.dir, editor.WithDurability(editor.DurabilityNone))
	require.NoError(t, err)
	_, err = ed.Apply(t.Context(), p)
	require.NoError(t, ed.Close())
	got := work.read()
	maps.DeleteFunc(got, func(name string, _ node) bool { return strings.HasPrefix(name, ".emend/") })
	return got, err
}
