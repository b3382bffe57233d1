package input

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
)

// tree is the files of a workspace by their names. Behind the name " | x" says
// that a file can be executed, and " | link" that the text is, but for its line
// end, where a link leads; an empty directory is a file called "NAME/.".
type tree map[string]string

func (tr tree) write(t *testing.T, root string) {
	for name, text := range tr {
		name, attr, _ := strings.Cut(name, " | ")
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if dir, ok := strings.CutSuffix(name, "/."); ok {
			require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
			continue
		}
		switch attr {
		case "link":
			require.NoError(t, os.Symlink(strings.TrimSuffix(text, "\n"), path))
		case "x":
			require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
		default:
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
}

func readTree(t *testing.T, root string) tree {
	files := tree{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.Name() == ".emend":
			return filepath.SkipDir
		case d.IsDir():
			inside, err := os.ReadDir(path)
			if len(inside) == 0 && name != "." {
				files[name+"/."] = ""
			}
			return err
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			files[name+" | link"] = target + "\n"
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			name += " | x"
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	}))
	return files
}

func applyPlan(root string, plan editor.Plan) error {
	ed, err := editor.Open(context.Background(), root, editor.WithDurability(editor.DurabilityNone))
	if err != nil {
		return err
	}
	defer ed.Close()
	_, err = ed.Apply(context.Background(), plan)
	return err
}
