package editor

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// maxLinks bounds the links that one path may pass through, as the system does.
const maxLinks = 40

// walk says how a path of the plan is followed to a slot.
type walk struct {
	follow bool // a link at the end is followed
	make   bool // missing directories on the way are made
}

// components takes a path of the plan apart. `./a`, `a//.` and `a` are one
// path. What leaves the root or means emend's or git's own files is an error
// of kind path-escape.
func components(path string) ([]string, error) {
	switch {
	case path == "":
		return nil, escape("the path is empty")
	case strings.HasPrefix(path, "/"):
		return nil, escape("the path is not relative to the root")
	}
	names := strings.Split(path, "/")
	if slices.Contains(names, "..") {
		return nil, escape("the path may not contain ..")
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" || name == "." })
	if len(names) == 0 {
		return nil, escape("the path is the root itself")
	}
	return names, checkNames(names)
}

// checkNames refuses names that are not for plans, and so also links to them.
func checkNames(names []string) error {
	for _, name := range names {
		if name == ".." { // of a link
			continue
		}
		if err := apply.CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func escape(message string) *fail.Error { return fail.New(fail.PathEscape, "", "", "%s", message) }

// walker is one path being followed.
type walker struct {
	*virtual
	walk
	dir   *node
	todo  []string // the names still to go
	plain int      // how many of them the plan wrote; those before came out of a link
	links int
}

// resolve follows path to the slot that it names: no component on the way
// there is a link. What stands at the slot, if anything, is for the caller.
func (v *virtual) resolve(path string, how walk) (*slot, error) {
	names, err := components(path)
	if err != nil {
		return nil, err
	}
	w := &walker{virtual: v, walk: how, dir: v.root, todo: names, plain: len(names)}
	for {
		s, err := w.step()
		if err != nil {
			return nil, err
		}
		if s != nil {
			return s, v.vacate(s)
		}
	}
}

// step takes the next name; it returns the slot where that was the last.
func (w *walker) step() (*slot, error) {
	name := w.todo[0]
	linked := len(w.todo) > w.plain
	w.todo = w.todo[1:]
	w.plain = min(w.plain, len(w.todo))
	last := len(w.todo) == 0
	if name == ".." {
		return w.up(last)
	}
	s, err := w.lookup(w.dir, name)
	if err != nil {
		return nil, err
	}
	n := s.now
	switch {
	case n == nil && linked:
		return nil, fail.New(fail.SymlinkRefused, "", "", "the path goes through a link that leads nowhere")
	case n.isLink() && (!last || w.follow):
		return nil, w.followLink(n.is.Target)
	case last:
		return s, nil
	case n == nil && w.make:
		n, err = w.makeParent(s)
	case n == nil:
		return nil, fail.New(fail.NotFound, "", "", "%s does not exist", fail.QuotePath(s.path()))
	case !n.isDir() && w.make:
		err = fail.New(fail.NotRegular, "", "", "%s is %s, not a directory", fail.QuotePath(s.path()), n.what())
	case !n.isDir():
		err = fail.New(fail.NotFound, "", "", "%s is %s, not a directory", fail.QuotePath(s.path()), n.what())
	}
	if err != nil {
		return nil, err
	}
	w.dir = n
	return nil, w.enter(n)
}

// up goes to the directory above, which only a link can ask for.
func (w *walker) up(last bool) (*slot, error) {
	home := w.dir.at
	if home == nil {
		return nil, escape("a link leads out of the root")
	}
	w.dir = home.dir
	if !last {
		return nil, nil
	}
	if s := w.dir.home(); s != nil {
		return s, nil
	}
	return nil, escape("a link leads to the root itself")
}

// followLink puts the target's names before what is left of the path.
func (w *walker) followLink(target string) error {
	if w.links++; w.links > maxLinks {
		return fail.New(fail.SymlinkRefused, "", "", "the path goes through too many links, or in a circle")
	}
	if strings.HasPrefix(target, "/") {
		rest, ok := strings.CutPrefix(target+"/", strings.TrimSuffix(w.tree.RealRoot(), "/")+"/")
		if !ok {
			return escape("a link leads out of the root")
		}
		w.dir, target = w.root, rest
	}
	names := slices.DeleteFunc(strings.Split(target, "/"), func(name string) bool { return name == "" || name == "." })
	if err := checkNames(names); err != nil {
		return err
	}
	w.todo = append(names, w.todo...)
	if len(w.todo) > 0 {
		return nil
	}
	s := w.dir.home()
	if s == nil {
		return escape("a link leads to the root itself")
	}
	w.todo, w.dir = []string{s.name}, s.dir // the link named its own directory
	return nil
}

// makeParent makes a directory that is missing on the way.
func (w *walker) makeParent(s *slot) (*node, error) {
	meta, err := w.newMeta(s.dir, vfs.Directory, 0o777, false)
	if err != nil {
		return nil, err
	}
	return w.makeDir(s, meta, wal.StepNone), nil
}

// enter refuses a directory that is a workspace of its own: its log knows
// nothing of what would be done here.
func (v *virtual) enter(dir *node) error {
	if dir.entered {
		return nil
	}
	d, err := v.tree.Dir(dir.diskPath())
	if err != nil {
		return err
	}
	defer d.Close()
	switch _, err := d.Lstat(apply.EmendDir); {
	case err == nil:
		return escape(fail.QuotePath(dir.home().path()) + " is a workspace of its own")
	case !vfs.NotExist(err):
		return err
	}
	dir.entered = true
	return nil
}

func isNameTooLong(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }
