package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// release is one version of a module, pinned by its checksum.
type release struct{ version, sum string }

// upgrade is two released versions of one module, and what their difference
// must bring along to be worth testing.
type upgrade struct {
	module   string
	from, to release
	changed  int // files that differ, at least
	crlf     int // of these, files with CRLF line endings, at least
}

var upgrades = []upgrade{
	{
		// Hundreds of files, most renames of similar ones; text that is not UTF-8.
		module:  "github.com/BurntSushi/toml",
		from:    release{"v1.5.0", "h1:W5quZX/G/csjUnuI8SUYlsHs9M38FC7znL0lIO+DvMg="},
		to:      release{"v1.6.0", "h1:dRaEfpa2VI55EwlIW72hMRHdWouJeRF7TPYhI+AUQjk="},
		changed: 500,
	},
	{
		// CRLF files beside LF files, some of which went from one to the other.
		module:  "github.com/microsoft/go-mssqldb",
		from:    release{"v0.17.0", "h1:Fto83dMZPnYv1Zwx5vHHxpNraeEaUlQ/hhHLgZiaenE="},
		to:      release{"v1.8.0", "h1:7cyZ/AT7ycDsEoWPIXibd+aVKFtteUNhDGf3aobP+tw="},
		changed: 50,
		crlf:    3,
	},
	{
		// Directories that come and go.
		module:  "github.com/rogpeppe/go-internal",
		from:    release{"v1.10.0", "h1:TMyTOH3F/DB16zRVcYyreMH6GnZZrwQVAoYjRBZyWFQ="},
		to:      release{"v1.16.0", "h1:O9DK+vNMDVGLr2BeZqmpLeMjiMNkuXfcqntWbZV6S5g="},
		changed: 100,
	},
}

// fetch returns the tree of a released module, with the modes of a fresh
// checkout.
func fetch(t *testing.T, module string, r release) tree {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module+"@"+r.version)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s %s is neither in the module cache nor to be had: %s", module, r.version, out)
	}
	var got struct{ Dir, Sum string }
	require.NoError(t, json.Unmarshal(out, &got))
	require.Equal(t, r.sum, got.Sum)

	return readTree(t, got.Dir).withFreshModes(t)
}

// applyDiff applies patch to a workspace that holds from, and compares with to.
func applyDiff(t *testing.T, from, to tree, patch []byte, args ...string) {
	t.Helper()
	dir := t.TempDir()
	root, file := filepath.Join(dir, "root"), filepath.Join(dir, "patch")
	from.write(t, root)
	require.NoError(t, os.WriteFile(file, patch, 0o666))
	r := emend(t, root, append([]string{"apply", file}, args...)...)
	require.Zero(t, r.exit, "%s%s", r.stdout, r.stderr)
	requireTree(t, to, readTree(t, root))
	requireSettled(t, root)
}

func TestReleasedVersionsOfRealModules(t *testing.T) {
	for _, u := range upgrades {
		t.Run(filepath.Base(u.module), func(t *testing.T) {
			from, to := fetch(t, u.module, u.from), fetch(t, u.module, u.to)
			require.GreaterOrEqual(t, len(differences(from, to)), u.changed)
			require.GreaterOrEqual(t, withCR(from, to), u.crlf)

			diff := gitDiff(t, from, to)
			t.Run("renames and copies", func(t *testing.T) {
				applyDiff(t, from, to, diff("--binary", "-M", "-C"))
			})
			t.Run("back, without context", func(t *testing.T) {
				applyDiff(t, to, from, diff("--binary", "--no-renames", "-U0", "-R"))
			})
			t.Run("plain diff", func(t *testing.T) {
				from, to := from.withoutEmptyFiles(), to.withoutEmptyFiles()
				applyDiff(t, from, to, plainDiff(t, from, to), "--format", "diff")
			})
		})
	}
}

// plainDiff returns what diff -ruN prints between two trees.
func plainDiff(t *testing.T, from, to tree) []byte {
	t.Helper()
	requireProgram(t, "diff")
	dir := t.TempDir()
	from.write(t, filepath.Join(dir, "a"))
	to.write(t, filepath.Join(dir, "b"))
	return run(t, dir, "diff", "-ruN", "--text", "a", "b")
}

// withoutEmptyFiles leaves out what a plain diff cannot tell of: empty files,
// and directories with nothing else in them.
func (names tree) withoutEmptyFiles() tree {
	kept := tree{}
	for name, n := range names {
		if n.content == "" {
			continue
		}
		kept[name] = n
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			kept[dir] = names[dir]
		}
	}
	return kept
}
