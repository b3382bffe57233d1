package editor

import (
	"io"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// diskImages are the images of changes that are not yet made.
type diskImages struct {
	tree    *apply.Tree
	changes []change
}

func (d *diskImages) before(i int) ([]byte, error) { return readFile(d.tree, d.changes[i].disk) }

func (d *diskImages) after(i int) ([]byte, error) {
	c := &d.changes[i]
	switch c.source {
	case sourceLiteral:
		return c.content, nil
	case sourceNone:
		return d.before(i)
	}
	origin, err := readFile(d.tree, c.origin)
	if err != nil {
		return nil, err
	}
	return locator.Splice(origin, spliceOf(c.edits))
}

func (d *diskImages) beneath(dir string) (map[string]wal.State, error) {
	found := make(map[string]wal.State)
	return found, walkDir(d.tree, dir, "", found)
}

func readFile(tree *apply.Tree, path string) ([]byte, error) {
	d, name, err := tree.Parent(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// walkDir notes the files and links in dir, whose path from the top is prefix.
func walkDir(tree *apply.Tree, dir, prefix string, found map[string]wal.State) error {
	d, err := tree.Dir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.ReadDir()
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := d.Lstat(e.Name)
		if err != nil {
			return err
		}
		path := under(prefix, e.Name)
		switch info.Kind {
		case vfs.Directory:
			if err := walkDir(tree, under(dir, e.Name), path, found); err != nil {
				return err
			}
		case vfs.Regular, vfs.Symlink:
			found[path] = wal.State{Kind: info.Kind, Meta: wal.Meta{Mode: info.Mode}}
		}
	}
	return nil
}
