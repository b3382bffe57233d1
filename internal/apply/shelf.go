package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// ReadShelf returns a file of the intent's shelf.
func (w *Workspace) ReadShelf(id wal.ID, name string) ([]byte, error) {
	p := EmendDir + "/" + parkName + "/" + id.String()
	d, err := w.Tree.Dir(p)
	if err != nil {
		return nil, fail.Wrap(err, "read", p)
	}
	defer d.Close()
	var b bytes.Buffer
	if err := copyFrom(&b, d, name); err != nil {
		return nil, fail.Wrap(err, "read", p+"/"+name)
	}
	return b.Bytes(), nil
}

// PutNew puts content onto the shelf under a name that nothing has yet: name, or
// name with a number. Where a file of that name has the content, it is enough.
func (s *Shelf) PutNew(name string, content []byte) error {
	for try := 1; ; try++ {
		free := name
		if try > 1 {
			free = fmt.Sprintf("%s-%d", name, try)
		}
		var b bytes.Buffer
		err := copyFrom(&b, s.dir, free)
		switch {
		case err == nil && bytes.Equal(b.Bytes(), content):
			return nil
		case err == nil:
			continue
		case !vfs.NotExist(err):
			return fail.Wrap(err, "park", s.path+"/"+free)
		}
		return s.Put(free, func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
	}
}

// Shelves lists the intents that have a shelf.
func (w *Workspace) Shelves() ([]wal.ID, error) {
	d, err := w.Tree.Dir(EmendDir + "/" + parkName)
	if vfs.NotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fail.Wrap(err, "list", EmendDir+"/"+parkName)
	}
	defer d.Close()
	entries, err := d.ReadDir()
	var ids []wal.ID
	for _, e := range entries {
		if id, perr := wal.ParseID(e.Name); perr == nil {
			ids = append(ids, id)
		}
	}
	return ids, fail.Wrap(err, "list", EmendDir+"/"+parkName)
}

// RemoveShelf removes the intent's shelf with all that is on it.
func (w *Workspace) RemoveShelf(id wal.ID) error {
	parent, err := w.Parked()
	if err != nil {
		return err
	}
	defer parent.Close()
	name := id.String()
	w.Tree.Forget(EmendDir + "/" + parkName + "/" + name)
	return fail.Wrap(removeTree(parent, name), "remove", EmendDir+"/"+parkName+"/"+name)
}

// removeTree removes name and all beneath it, following no link.
func removeTree(d vfs.Dir, name string) error {
	err := removeAny(d, name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sub, oerr := d.OpenDir(name)
	if oerr != nil {
		return err
	}
	entries, err := sub.ReadDir()
	for _, e := range entries {
		err = errors.Join(err, removeTree(sub, e.Name))
	}
	if err = errors.Join(err, sub.Close()); err != nil {
		return err
	}
	return d.Rmdir(name)
}
