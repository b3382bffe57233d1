package apply

import (
	"path"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// Home says where the slots of a path are.
type Home struct {
	Volume  vfs.Volume // of the path's name
	Sibling string     // the directory of siblings, "." for the root; empty: .emend/stage
	Journal bool       // what is renamed there survives a power cut, as far as .emend/stage does
}

// Homes finds the homes of paths. Not safe for concurrent use.
type Homes struct {
	tree  *Tree
	stage vfs.Volume
	bars  func(dir string) bool // it stands now, and is no place for siblings
	known map[string]Home       // by the path's directory
}

// Homes looks where slots are made. No siblings are put into a directory that is
// barred, because it goes.
func (t *Tree) Homes(barred func(dir string) bool) (*Homes, error) {
	h := &Homes{tree: t, bars: barred, known: make(map[string]Home)}
	d, _, err := t.nearest(EmendDir + "/" + stageName)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	h.stage, err = d.Volume()
	return h, err
}

// nearest opens the directory dir or, where it is missing, the next one above
// it that is there.
func (t *Tree) nearest(dir string) (vfs.Dir, string, error) {
	for {
		d, err := t.Dir(dir)
		if err == nil || dir == "" || !vfs.NotExist(err) {
			return d, dir, err
		}
		dir = parentOf(dir)
	}
}

// parentOf is the directory above a path; that of the root is "".
func parentOf(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}

// Of returns the home of the path p, whose directory may be missing yet.
func (h *Homes) Of(p string) (Home, error) {
	dir := parentOf(p)
	if home, ok := h.known[dir]; ok {
		return home, nil
	}
	d, there, err := h.tree.nearest(dir)
	if err != nil {
		return Home{}, err
	}
	defer d.Close()
	home := Home{Journal: true}
	if home.Volume, err = d.Volume(); err != nil {
		return home, err
	}
	if home.Volume != h.stage {
		features, err := d.Features()
		if err != nil {
			return home, err
		}
		home.Journal = features.Journal
		if home.Sibling, err = h.sibling(there, home.Volume); err != nil {
			return home, err
		}
	}
	h.known[dir] = home
	return home, nil
}

// sibling picks the directory of v, from dir upward, for slots of what is in
// dir: the topmost in which we can make and remove whatever comes, so that there
// are few, away from where programs look for files.
func (h *Homes) sibling(dir string, v vfs.Volume) (string, error) {
	home := ""
	for ; ; dir = parentOf(dir) {
		same, ours, err := h.look(dir, v)
		if err != nil {
			return "", err
		}
		if !same || home != "" && !ours {
			break
		}
		if !h.bars(dir) {
			home = dir
		}
		if dir == "" {
			home = "."
			break
		}
	}
	if home == "" {
		return "", fail.New(fail.Unsupported, "", "", "no directory of its file system stays, in which it could be put meanwhile")
	}
	return home, nil
}

// look says whether dir is of the volume v, and whether names of any owner can
// be made and removed in it.
func (h *Homes) look(dir string, v vfs.Volume) (same, ours bool, err error) {
	d, err := h.tree.Dir(dir)
	if err != nil {
		return false, false, err
	}
	defer d.Close()
	if is, err := d.Volume(); err != nil || is != v {
		return false, false, err
	}
	info, err := d.Stat()
	if err != nil {
		return true, false, err
	}
	const sticky = 0o1000
	euid := h.tree.FS().EUID()
	if info.Mode&sticky != 0 && euid > 0 && euid != int(info.UID) {
		return true, false, nil
	}
	ours, err = d.Writable()
	return true, ours, err
}
