package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	demoTree  = "../testdata/demo/before"
	demoPatch = "../testdata/demo/change.patch"
)

// copyOfDemo returns a workspace with the tree that README.md works on.
func copyOfDemo(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	readTree(t, demoTree).withFreshModes(t).write(t, root)
	return root
}

// TestDemoAsGitApplies compares with what git makes of the shipped patch:
// CRLF, a byte order mark, a missing last newline, a name that is not ASCII, a
// binary file, links, modes, a rename.
func TestDemoAsGitApplies(t *testing.T) {
	requireProgram(t, "git")
	patch, err := filepath.Abs(demoPatch)
	require.NoError(t, err)
	want := copyOfDemo(t)
	run(t, want, "git", "init", "-q")
	run(t, want, "git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", patch)

	got := copyOfDemo(t)
	doc := emendJSON(t, got, 0, "apply", patch)
	require.Equal(t, "committed", doc["state"])
	require.Contains(t, []any{"full", "degraded"}, doc["durability"]) // as the file system is
	requireTree(t, readTree(t, want), readTree(t, got))
	requireSettled(t, got)
}

// TestDemoRefusedWhereAFileDrifted: one file out of eighteen is not what the
// patch was made for, so none changes.
func TestDemoRefusedWhereAFileDrifted(t *testing.T) {
	root := copyOfDemo(t)
	file := filepath.Join(root, "web", "index.html")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append([]byte("<!-- mine -->\r\n"), text...), 0o644))
	before := readTree(t, root)

	doc := emendJSON(t, root, 1, "apply", demoPatch)
	failure := doc["error"].(map[string]any)
	require.Equal(t, "drift", failure["kind"])
	require.Equal(t, "web/index.html", failure["path"])
	require.Equal(t, "unchanged", failure["state"])
	requireTree(t, before, readTree(t, root))
}
