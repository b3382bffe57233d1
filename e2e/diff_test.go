package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheDiffIsAPlan: what --diff prints of a plan leads to the same tree,
// whether git applies it or emend.
func TestTheDiffIsAPlan(t *testing.T) {
	requireProgram(t, "git")
	p := fiftyFiles(t, newRand(t))
	plan := p.save(t)
	dir := t.TempDir()
	at := func(name string) string {
		root := filepath.Join(dir, name)
		p.before.write(t, root)
		return root
	}

	after := p.after.withFreshModes(t) // all that a git diff tells of modes

	root := at("plan")
	preview := emend(t, root, "apply", "--check", "--diff", "-q", plan)
	require.Zero(t, preview.exit, preview.stderr)
	requireTree(t, p.before, readTree(t, root), "a preview writes nothing")

	patch := filepath.Join(dir, "patch")
	require.NoError(t, os.WriteFile(patch, []byte(preview.stdout), 0o666))
	root = at("emend")
	r := emend(t, root, "apply", patch)
	require.Zero(t, r.exit, r.stderr)
	requireTree(t, after, readTree(t, root))

	root = at("git")
	run(t, root, "git", "init", "-q")
	run(t, root, "git", "apply", "--whitespace=nowarn", patch)
	requireTree(t, after, readTree(t, root))
}

// TestShowPrintsTheDiffAgain: what --diff printed before is in the history
// afterwards.
func TestShowPrintsTheDiffAgain(t *testing.T) {
	root := copyOfDemo(t)
	preview := emendJSON(t, root, 0, "apply", "--check", "--diff", demoPatch)
	id := emendJSON(t, root, 0, "apply", demoPatch)["id"].(string)
	require.Equal(t, preview["diff"], emendJSON(t, root, 0, "show", id, "--diff")["diff"])
}
