package apply

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// The names under the root that are emend's own.
const (
	EmendDir  = ".emend"
	stageName = "stage"
	parkName  = "parked"
)

// Workspace is a root with its .emend: the tree, the log, and the slots.
type Workspace struct {
	Tree *Tree
	Log  *wal.Log // nil where there is no .emend yet
	opts WorkspaceOptions

	emend vfs.Info // .emend as it was when the log was opened

	// What this process does not know to be durable yet: the name of .emend, and
	// those of directories in it. The process that made them may have died.
	newEmend, newNames newName
}

// WorkspaceOptions say how a workspace is opened.
type WorkspaceOptions struct {
	FS       vfs.FS // nil: the operating system
	ReadOnly bool   // nothing is written or made
	NoSync   bool   // durability none
}

// OpenWorkspace opens the workspace at root and makes nothing: without a
// .emend its Log is nil. A .emend that others could have planted is kind
// permission and nothing in it is read.
func OpenWorkspace(ctx context.Context, root string, o WorkspaceOptions) (*Workspace, error) {
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	if o.NoSync {
		o.FS = vfs.WithoutSync(o.FS)
	}
	t, err := OpenTree(o.FS, root)
	if err != nil {
		return nil, err
	}
	w := &Workspace{Tree: t, opts: o}
	w.newEmend.note()
	w.newNames.note()
	info, err := t.root.Lstat(EmendDir)
	switch {
	case vfs.NotExist(err):
		return w, nil
	case err == nil && info.Kind != vfs.Directory:
		err = untrusted(EmendDir, "is not a directory")
	case err == nil:
		err = w.openLog(ctx)
	}
	if err != nil {
		t.Close()
		return nil, fail.Wrap(err, "open", EmendDir)
	}
	return w, nil
}

// Ensure makes .emend and the slots' directory where they are missing, and
// opens the log. Their names are durable after the first barrier.
func (w *Workspace) Ensure(ctx context.Context) error {
	if w.Log == nil {
		if err := w.Tree.root.Mkdir(EmendDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fail.Wrap(err, "make", EmendDir)
		}
		if err := w.openLog(ctx); err != nil {
			return fail.Wrap(err, "open", EmendDir)
		}
	}
	if err := w.CheckCurrent(); err != nil {
		return err
	}
	d, err := w.subdir(stageName)
	if err != nil {
		return err
	}
	return d.Close()
}

// CheckCurrent is kind conflict where .emend is no longer the directory that
// was opened: its lock would keep nobody out, and nobody would find its log.
func (w *Workspace) CheckCurrent() error {
	now, err := w.Tree.root.Lstat(EmendDir)
	if err == nil && now.SameFile(w.emend) {
		return nil
	}
	if err != nil && !vfs.NotExist(err) {
		return fail.Wrap(err, "open", EmendDir)
	}
	return fail.New(fail.Conflict, "open", EmendDir, "it was removed or replaced while it was in use").
		WithHint("open the workspace again")
}

// Stage is the directory of the slots, made where it is missing.
func (w *Workspace) Stage() (vfs.Dir, error) { return w.subdir(stageName) }

// Parked is the directory of what a person has to look at.
func (w *Workspace) Parked() (vfs.Dir, error) { return w.subdir(parkName) }

// Creator says who new files of this process belong to.
func (w *Workspace) Creator() Creator {
	c := Creator{Umask: w.opts.FS.Umask()}
	if uid := w.opts.FS.EUID(); uid >= 0 {
		c.UID, c.GID = uint32(uid), uint32(os.Getegid())
	}
	if f, err := w.Tree.Features(); err == nil {
		c.Labels = f.Labels
	}
	return c
}

// Close closes log and tree.
func (w *Workspace) Close() error {
	var err error
	if w.Log != nil {
		err = w.Log.Close()
	}
	return errors.Join(err, w.Tree.Close())
}

func (w *Workspace) openLog(ctx context.Context) error {
	d, err := w.Tree.Dir(EmendDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := w.trust(d); err != nil {
		return err
	}
	own, err := w.Tree.root.OpenDir(EmendDir)
	if err != nil {
		return err
	}
	if w.emend, err = own.Stat(); err != nil {
		return errors.Join(err, own.Close())
	}
	w.Log, err = wal.OpenDir(ctx, own, EmendDir, wal.Options{FS: w.opts.FS, ReadOnly: w.opts.ReadOnly})
	return err
}

// subdir opens a directory in .emend, which it makes where it is missing.
func (w *Workspace) subdir(name string) (vfs.Dir, error) {
	p := EmendDir + "/" + name
	d, err := w.Tree.Dir(p)
	if w.opts.ReadOnly || err == nil || !vfs.NotExist(err) {
		return d, err
	}
	e, err := w.Tree.Dir(EmendDir)
	if err != nil {
		return nil, fail.Wrap(err, "open", EmendDir)
	}
	defer e.Close()
	w.newNames.note()
	if err := e.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fail.Wrap(err, "make", p)
	}
	d, err = w.Tree.Dir(p)
	return d, fail.Wrap(err, "open", p)
}

// syncNames makes durable what is new of .emend and in it.
func (w *Workspace) syncNames() error {
	return Parallel(2, func(i int) error {
		if i == 0 {
			return w.newEmend.sync(w.Tree, "")
		}
		return w.newNames.sync(w.Tree, EmendDir)
	})
}

// newName is whether a directory has names that are not known to be durable.
type newName struct {
	mu  sync.Mutex // held while the directory is being synced: others rely on it, too
	new bool
}

func (n *newName) note() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.new = true
}

func (n *newName) sync(t *Tree, dir string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.new {
		return nil
	}
	d, err := t.Dir(dir)
	if err != nil {
		return fail.Wrap(err, "open", dir)
	}
	defer d.Close()
	err = d.Sync()
	n.new = err != nil
	return fail.Wrap(err, "sync", dir)
}

// trust refuses a .emend that somebody else owns or can write to, and the same
// for every name in it: its log would be theirs to make up.
func (w *Workspace) trust(emend vfs.Dir) error {
	euid := w.opts.FS.EUID()
	if euid < 0 {
		return nil
	}
	root, err := w.Tree.root.Stat()
	if err != nil {
		return err
	}
	ours := func(i vfs.Info) bool { return int(i.UID) == euid || euid == 0 && i.UID == root.UID }
	self, err := emend.Stat()
	if err != nil {
		return err
	}
	if !ours(self) || self.Mode&0o022 != 0 {
		return untrusted(EmendDir, "belongs to, or can be written by, somebody else")
	}
	names, err := emend.ReadDir()
	if err != nil {
		return err
	}
	for _, n := range names {
		i, err := emend.Lstat(n.Name)
		if vfs.NotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		if i.Kind != vfs.Regular && i.Kind != vfs.Directory || !ours(i) || i.Mode&0o022 != 0 {
			return untrusted(EmendDir+"/"+n.Name, "is a link, or belongs to, or can be written by, somebody else")
		}
	}
	return nil
}

func untrusted(p, why string) error {
	return fail.New(fail.Permission, "open", p, "%s: nothing in it is trusted", why).
		WithHint("look at it; if it is yours, make it so (chown, chmod go-w) and try again")
}
