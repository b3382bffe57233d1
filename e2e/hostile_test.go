package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostileTree makes a workspace with everything in it that a plan should not
// touch, and a directory outside that it must not reach.
func hostileTree(t *testing.T) (root, outside string) {
	t.Helper()
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	for _, d := range []string{"d", "inner/.emend", ".git"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, d), 0o777))
	}
	require.NoError(t, os.Mkdir(outside, 0o777))
	for _, f := range []string{"file", "two", "inner/file", ".git/config", "../outside/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, f), []byte("text\n"), 0o666))
	}
	for name, target := range map[string]string{
		"out": "../outside", "abs": outside, "dangling": "nowhere", "circle": "circle", "git": ".git",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "readonly"), []byte("text\n"), 0o444))
	return root, outside
}

// hostile is one operation that must be refused: nothing changes, the kind is
// as given and the exit that goes with it, and the error names the path.
var hostile = []struct{ op, path, kind string }{
	{`{"op": "write", "path": "../outside/file", "content": "x"}`, "../outside/file", "path-escape"},
	{`{"op": "write", "path": "d/../../outside/file", "content": "x"}`, "d/../../outside/file", "path-escape"},
	{`{"op": "write", "path": "/tmp/x", "content": "x"}`, "/tmp/x", "path-escape"},
	{`{"op": "write", "path": "out/file", "content": "x"}`, "out/file", "path-escape"},
	{`{"op": "write", "path": "abs/file", "content": "x"}`, "abs/file", "path-escape"},
	{`{"op": "create", "path": "out/new", "content": "x"}`, "out/new", "path-escape"},
	{`{"op": "delete", "path": "out/file"}`, "out/file", "path-escape"},
	{`{"op": "rename", "from": "file", "to": "out/moved"}`, "out/moved", "path-escape"},
	{`{"op": "write", "path": ".git/config", "content": "x"}`, ".git/config", "path-escape"},
	{`{"op": "write", "path": ".GIT/config", "content": "x"}`, ".GIT/config", "path-escape"},
	{`{"op": "write", "path": "git/config", "content": "x"}`, "git/config", "path-escape"},
	{`{"op": "write", "path": ".emend/wal.log", "content": "x"}`, ".emend/wal.log", "path-escape"},
	{`{"op": "write", "path": "inner/file", "content": "x"}`, "inner/file", "path-escape"},
	{`{"op": "write", "path": "dangling", "content": "x"}`, "dangling", "symlink-refused"},
	{`{"op": "write", "path": "circle", "content": "x"}`, "circle", "symlink-refused"},
	{`{"op": "write", "path": "d", "content": "x"}`, "d", "not-regular"},
	{`{"op": "delete", "path": "d"}`, "d", "not-regular"},
	{`{"op": "edit", "path": "file/x", "edits": [{"start": 0, "end": 0, "text": "x"}]}`, "file/x", "not-found"},
	{`{"op": "edit", "path": "gone", "edits": [{"start": 0, "end": 0, "text": "x"}]}`, "gone", "not-found"},
	{`{"op": "edit", "path": "readonly", "edits": [{"start": 0, "end": 0, "text": "x"}]}`, "readonly", "read-only"},
	{`{"op": "edit", "path": "file", "edits": [{"start": 4, "end": 9, "text": "x"}]}`, "file", "position"},
	{`{"op": "edit", "path": "file", "edits": [{"start": 3, "end": 2, "text": "x"}]}`, "file", "position"},
	{`{"op": "edit", "path": "file", "edits": [{"start": 0, "end": 3, "text": ""}, {"start": 2, "end": 4, "text": ""}]}`,
		"file", "conflict"},
	{`{"op": "edit", "path": "file", "edits": [{"find": "t", "text": "x"}]}`, "file", "ambiguous"},
	{`{"op": "create", "path": "file", "content": "x"}`, "file", "exists"},
	{`{"op": "rename", "from": "file", "to": "two"}`, "two", "exists"},
	{`{"op": "symlink", "path": "file", "target": "d"}`, "file", "exists"},
}

// TestLesson43NothingLeavesTheRoot goes through the hostile operations, each
// behind one that would be fine.
func TestLesson43NothingLeavesTheRoot(t *testing.T) {
	if os.Getuid() == -1 {
		t.Skip("links and modes differ on " + runtime.GOOS)
	}
	root, outside := hostileTree(t)
	before, beyond := readTree(t, root), readTree(t, outside)
	plan := filepath.Join(t.TempDir(), "plan.json")
	for _, h := range hostile {
		t.Run(h.kind+" "+strings.ReplaceAll(h.path, "/", "-"), func(t *testing.T) {
			doc := `{"emend": 1, "ops": [{"op": "create", "path": "fine", "content": "x"}, ` + h.op + `]}`
			require.NoError(t, os.WriteFile(plan, []byte(doc), 0o666))
			failure := emendJSON(t, root, 1, "apply", plan)["error"].(map[string]any)
			require.Equal(t, h.kind, failure["kind"], failure["message"])
			require.Equal(t, h.path, failure["path"])
			require.Equal(t, "unchanged", failure["state"])
			requireTree(t, before, readTree(t, root))
			requireTree(t, beyond, readTree(t, outside))
		})
	}
}

// TestMalformedPlans: what cannot be read is exit 2, and changes nothing.
func TestMalformedPlans(t *testing.T) {
	root := copyOfDemo(t)
	before := readTree(t, root)
	plan := filepath.Join(t.TempDir(), "plan")
	for name, doc := range map[string]string{
		"empty":         "",
		"not a plan":    "hello\n",
		"cut off":       `{"emend": 1, "ops": [{"op": "del`,
		"two":           `{"emend": 1, "ops": []} {"emend": 1, "ops": []}`,
		"unknown op":    `{"emend": 1, "ops": [{"op": "frobnicate", "path": "a"}]}`,
		"unknown field": `{"emend": 1, "ops": [{"op": "delete", "path": "a", "force": true}]}`,
		"bad hash":      `{"emend": 1, "ops": [{"op": "delete", "path": "a", "expect": {"raw": "xxh3:12"}}]}`,
		"bad base64":    `{"emend": 1, "ops": [{"op": "create", "path_base64": "?", "content": ""}]}`,
		"cut patch":     "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,3 @@\n # barograph\n",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(plan, []byte(doc), 0o666))
			failure := emendJSON(t, root, 2, "apply", plan)["error"].(map[string]any)
			require.Equal(t, "parse", failure["kind"], failure["message"])
			requireTree(t, before, readTree(t, root))
		})
	}
	_, err := os.Stat(filepath.Join(root, ".emend"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
