// Package apply moves one path of an intent forward or back, idempotently. It
// is what a commit publishes with and what recovery finishes or undoes with.
package apply

import (
	"container/list"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// Tree is a workspace as held directory handles. Directories are reached from
// the root name by name and no component may be a link, so no swap of a
// directory for a link can lead outside the root. Safe for concurrent use.
type Tree struct {
	fs   vfs.FS
	real string
	root *handle

	mu     sync.Mutex
	byPath map[string]*handle
	recent *list.List // of *handle, most recently used first
	most   int        // of them
}

// handle is a counted directory handle; the cache itself counts as one user.
type handle struct {
	vfs.Dir
	tree  *Tree
	path  string
	users int
	entry *list.Element // nil once evicted
}

// OpenTree opens the directory root. Only its own path may hold links.
func OpenTree(fsys vfs.FS, root string) (*Tree, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fail.Wrap(err, "open", root)
	}
	real := abs
	if r, err := filepath.EvalSymlinks(abs); err == nil {
		real = r
	}
	d, err := fsys.OpenRoot(abs)
	if err != nil {
		return nil, fail.Wrap(err, "open", root)
	}
	t := &Tree{fs: fsys, real: real, byPath: make(map[string]*handle), recent: list.New(), most: maxDirs()}
	t.root = &handle{Dir: d, tree: t, users: 1}
	return t, nil
}

// FS is the file system that the tree was opened on.
func (t *Tree) FS() vfs.FS { return t.fs }

// RealRoot is the root's absolute path without links.
func (t *Tree) RealRoot() string { return t.real }

// CheckPath refuses what cannot be a path of an intent: absolute, empty,
// unclean, leaving the root, or in .git or .emend. Paths read from the log
// pass through it like any other.
func CheckPath(p string) error {
	if p == "" || strings.HasPrefix(p, "/") || path.Clean(p) != p || p == "." {
		return fail.New(fail.PathEscape, "", p, "not a relative path inside the root")
	}
	for c := range strings.SplitSeq(p, "/") {
		if c == ".." {
			return fail.New(fail.PathEscape, "", p, "leaves the root")
		}
		if err := CheckName(c); err != nil {
			return fail.Wrap(err, "", p)
		}
	}
	return nil
}

// CheckName refuses a component that no path of a plan or an intent has: git's
// own and emend's own, and what means something else to the system.
func CheckName(name string) error {
	switch {
	case strings.ContainsRune(name, 0):
		return fail.New(fail.PathEscape, "", "", "the path contains a NUL byte")
	case strings.EqualFold(name, ".git"), strings.EqualFold(name, EmendDir):
		return fail.New(fail.PathEscape, "", "", "%s is never touched", name)
	case IsSibling(name):
		return fail.New(fail.PathEscape, "", "", "%s is a slot of emend's own", fail.QuotePath(name))
	case runtime.GOOS == "windows" && !windowsName(name):
		return fail.New(fail.PathEscape, "", "", "%s means something else to Windows", fail.QuotePath(name))
	}
	return nil
}

// Dir returns the directory at p ("" is the root), which must have passed
// CheckPath. The caller closes it. A link on the way is kind symlink-refused,
// a missing directory satisfies fs.ErrNotExist.
func (t *Tree) Dir(p string) (vfs.Dir, error) {
	if p == "" || p == "." {
		return t.use(t.root), nil
	}
	if h := t.cached(p); h != nil {
		return h, nil
	}
	parent, name, err := t.Parent(p)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	d, err := parent.OpenDir(name)
	if err != nil {
		if info, lerr := parent.Lstat(name); lerr == nil && info.Kind == vfs.Symlink {
			return nil, &fail.Error{Kind: fail.SymlinkRefused, Path: p, Message: "a link stands where a directory was",
				State: fail.Unchanged, Err: fs.ErrNotExist}
		}
		return nil, err
	}
	return t.keep(p, d), nil
}

// Parent returns the directory that holds p, and p's name in it.
func (t *Tree) Parent(p string) (vfs.Dir, string, error) {
	d, err := t.Dir(parentOf(p))
	return d, path.Base(p), err
}

// Lstat describes p; a missing parent is fs.ErrNotExist as well.
func (t *Tree) Lstat(p string) (vfs.Info, error) {
	d, name, err := t.Parent(p)
	if err != nil {
		return vfs.Info{}, err
	}
	defer d.Close()
	return d.Lstat(name)
}

// Forget drops the cached handles of p and of all beneath it: a directory
// there was moved or removed.
func (t *Tree) Forget(p string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for q, h := range t.byPath {
		if q == p || strings.HasPrefix(q, p+"/") {
			t.evict(h)
		}
	}
}

// Refresh drops all cached handles: what others have moved or removed since
// is no longer found at its old name.
func (t *Tree) Refresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.byPath {
		t.evict(h)
	}
}

// Close closes all handles; those still in use close with their last user.
func (t *Tree) Close() error {
	t.Refresh()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.drop(t.root)
}

// Close gives the handle back.
func (h *handle) Close() error {
	h.tree.mu.Lock()
	defer h.tree.mu.Unlock()
	return h.tree.drop(h)
}

// Link, Rename, RenameNoReplace and Exchange hand the file system its own
// handle of the other directory.

func (h *handle) Link(name string, to vfs.Dir, toName string) error {
	return h.Dir.Link(name, base(to), toName)
}

func (h *handle) Rename(name string, to vfs.Dir, toName string) error {
	return h.Dir.Rename(name, base(to), toName)
}

func (h *handle) RenameNoReplace(name string, to vfs.Dir, toName string) error {
	return h.Dir.RenameNoReplace(name, base(to), toName)
}

func (h *handle) Exchange(name string, to vfs.Dir, toName string) error {
	return h.Dir.Exchange(name, base(to), toName)
}

func base(d vfs.Dir) vfs.Dir {
	if h, ok := d.(*handle); ok {
		return h.Dir
	}
	return d
}

func (t *Tree) use(h *handle) *handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.users++
	return h
}

func (t *Tree) cached(p string) *handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.byPath[p]
	if h != nil {
		h.users++
		t.recent.MoveToFront(h.entry)
	}
	return h
}

// keep puts d into the cache, or drops it for the handle that another
// goroutine has put there meanwhile.
func (t *Tree) keep(p string, d vfs.Dir) *handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.byPath[p]; h != nil {
		d.Close()
		h.users++
		return h
	}
	h := &handle{Dir: d, tree: t, path: p, users: 2}
	t.byPath[p] = h
	h.entry = t.recent.PushFront(h)
	for t.recent.Len() > t.most {
		t.evict(t.recent.Back().Value.(*handle))
	}
	return h
}

func (t *Tree) evict(h *handle) {
	delete(t.byPath, h.path)
	t.recent.Remove(h.entry)
	t.drop(h)
}

func (t *Tree) drop(h *handle) error {
	h.users--
	if h.users == 0 {
		return h.Dir.Close()
	}
	return nil
}

// Features describes the file system that the root is on.
func (t *Tree) Features() (vfs.Features, error) { return t.root.Features() }
