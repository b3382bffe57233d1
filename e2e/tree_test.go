package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// node is all that the tests compare of one name in a tree.
type node struct {
	mode    fs.FileMode // type and permissions; of a link its type only
	content string      // bytes of a file, target of a link
}

// tree is every name beneath a root, directories too, without .emend and .git.
type tree map[string]node

func readTree(t *testing.T, root string) tree {
	t.Helper()
	names := tree{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if name == ".emend" || name == ".git" {
			return filepath.SkipDir
		}
		names[name], err = readNode(path, d)
		return err
	})
	require.NoError(t, err)
	return names
}

func readNode(path string, d fs.DirEntry) (node, error) {
	info, err := d.Info()
	if err != nil {
		return node{}, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		content, err := os.ReadFile(path)
		return node{mode, string(content)}, err
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return node{fs.ModeSymlink, target}, err
	default:
		return node{mode: mode}, nil
	}
}

// differences lists the names that are not alike in want and got, in order and
// with what is wrong.
func differences(want, got tree) []string {
	var diffs []string
	for name, w := range want {
		switch g, ok := got[name]; {
		case !ok:
			diffs = append(diffs, name+": missing")
		case g.mode != w.mode:
			diffs = append(diffs, name+": mode "+g.mode.String()+", want "+w.mode.String())
		case g.content != w.content:
			diffs = append(diffs, name+": content differs")
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			diffs = append(diffs, name+": not expected")
		}
	}
	sort.Strings(diffs)
	return diffs
}

func requireTree(t *testing.T, want, got tree, msg ...any) {
	t.Helper()
	require.Empty(t, differences(want, got), msg...)
}

// write makes the tree beneath root, which must be empty or not exist.
func (names tree) write(t *testing.T, root string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(root, 0o777))
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted) // a directory before what is in it
	for _, name := range sorted {
		path, n := filepath.Join(root, name), names[name]
		switch {
		case n.mode.IsDir():
			require.NoError(t, os.Mkdir(path, 0o777))
		case n.mode&fs.ModeSymlink != 0:
			require.NoError(t, os.Symlink(n.content, path))
			continue
		default:
			require.NoError(t, os.WriteFile(path, []byte(n.content), 0o666))
		}
		require.NoError(t, os.Chmod(path, n.mode.Perm()))
	}
}

// freshModes is what a new file and a new directory get here.
func freshModes(t *testing.T) (file, dir fs.FileMode) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "d")
	require.NoError(t, os.Mkdir(at, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(at, "f"), nil, 0o666))
	info, err := os.Stat(at)
	require.NoError(t, err)
	dir = info.Mode()
	info, err = os.Stat(filepath.Join(at, "f"))
	require.NoError(t, err)
	return info.Mode(), dir
}

// withFreshModes returns names with the modes of a fresh checkout: git keeps
// whether a file may be executed, and nothing else.
func (names tree) withFreshModes(t *testing.T) tree {
	t.Helper()
	file, dir := freshModes(t)
	fresh := tree{}
	for name, n := range names {
		switch {
		case n.mode.IsDir():
			n.mode = dir
		case n.mode.IsRegular() && n.mode&0o100 != 0:
			n.mode = file | dir.Perm()&0o111
		case n.mode.IsRegular():
			n.mode = file
		}
		fresh[name] = n
	}
	return fresh
}

// withCR counts the files of changed names that have CRLF line endings.
func withCR(from, to tree) int {
	count := 0
	for name, n := range to {
		if old, ok := from[name]; ok && old != n && strings.Contains(n.content, "\r\n") {
			count++
		}
	}
	return count
}
