package editor

import (
	"path"
	"strings"
	"unicode"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// spelling says whether the case of names counts in a directory. Where it does
// not, all spellings of a name lead to the slot of the one that stands there; a
// name that is free is there in each spelling that was asked for.
type spelling uint8

const (
	spellingUnknown spelling = iota
	spellingCounts
	spellingFolds
)

func folded(name string) string { return strings.ToLower(name) }

// known returns the slot of name that was asked for before, nil for none.
func (dir *node) known(name string) *slot {
	exact := dir.slots[name]
	if dir.spelling != spellingFolds || exact != nil && exact.now != nil {
		return exact
	}
	for _, s := range dir.spelled[folded(name)] {
		if s.now != nil {
			return s
		}
	}
	return exact
}

// add makes s a slot of its directory.
func (dir *node) add(s *slot) {
	dir.slots[s.name] = s
	if dir.spelling == spellingFolds {
		dir.spelled[folded(s.name)] = append(dir.spelled[folded(s.name)], s)
	}
}

// onDisk reports whether the disk can have something at a name that was not
// asked for before. Another spelling of one that was is not there any more.
func (v *virtual) onDisk(dir *node, name string) bool {
	return (dir.disk != nil || dir == v.root) && len(dir.spelled[folded(name)]) == 0
}

// spell gives the slot s, at which something stands on disk, the name that the
// directory has for it.
func (v *virtual) spell(s *slot, d vfs.Dir, info vfs.Info) error {
	dir := s.dir
	if dir.spelling == spellingUnknown {
		if err := dir.findSpelling(s.name, d, info); err != nil {
			return err
		}
	}
	if is, ok := dir.listing[folded(s.name)]; ok {
		s.name = is
	}
	return nil
}

// findSpelling finds out whether case counts in the directory d, by what stands
// at name and at its other spelling: two links to one file are both listed.
func (dir *node) findSpelling(name string, d vfs.Dir, info vfs.Info) error {
	other := otherCase(name)
	if other == name {
		return nil
	}
	dir.spelling = spellingCounts
	if there, err := d.Lstat(other); err != nil || !there.SameFile(info) {
		if vfs.NotExist(err) {
			return nil
		}
		return err
	}
	entries, err := d.ReadDir()
	if err != nil {
		return err
	}
	listing := make(map[string]string, len(entries))
	for _, e := range entries {
		listing[folded(e.Name)] = e.Name
	}
	if len(listing) < len(entries) {
		return nil
	}
	dir.spelling, dir.listing, dir.spelled = spellingFolds, listing, make(map[string][]*slot)
	for _, s := range dir.slots {
		dir.spelled[folded(s.name)] = append(dir.spelled[folded(s.name)], s)
	}
	return nil
}

func otherCase(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, name)
}

// respelled returns the slot to which a rename of s to the path to leads: where
// case does not count, a name can get another spelling.
func (p *preparer) respelled(s *slot, to string) *slot {
	name := path.Base(to)
	if name == s.name || s.dir.spelling != spellingFolds || folded(name) != folded(s.name) {
		return s
	}
	if free := s.dir.slots[name]; free != nil {
		return free
	}
	free := &slot{dir: s.dir, name: name, order: -1}
	s.dir.add(free)
	return free
}

// isAt reports whether path is that of the slot, in whatever spelling where case
// does not count.
func (s *slot) isAt(path string) bool {
	if s.path() == path {
		return true
	}
	folds := false
	for home := s; home != nil; home = home.dir.home() {
		folds = folds || home.dir.spelling == spellingFolds
	}
	return folds && strings.EqualFold(s.path(), path)
}

// checkSpellings refuses two new names in a directory that are one to the system:
// nothing that stood there told so.
func (p *preparer) checkSpellings(drafts []*draft) error {
	type name struct {
		dir    *node
		folded string
	}
	seen := make(map[name]*slot)
	for _, d := range drafts {
		s := d.slot
		if s.now == nil || s.disk != nil {
			continue
		}
		key := name{s.dir, folded(s.name)}
		other := seen[key]
		if seen[key] = s; other == nil {
			continue
		}
		folds, err := p.folds(s.dir)
		if err == nil && folds {
			err = fail.New(fail.Exists, "", "", "%s is the same name to this file system", fail.QuotePath(other.path()))
		}
		if err != nil {
			return s.failed(err, d.Path)
		}
	}
	return nil
}

// folds asks the system whether case does not count in dir. A new directory is
// like the one that it is made in.
func (v *virtual) folds(dir *node) (bool, error) {
	for dir.disk == nil && dir != v.root {
		dir = dir.at.dir
	}
	d, err := v.tree.Dir(dir.diskPath())
	if err != nil {
		return false, err
	}
	defer d.Close()
	return d.Folds()
}

// otherSpelling reports whether something is to stand at another spelling of
// the slot's name: what stands here has to go first.
func (s *slot) otherSpelling() bool {
	if s.dir.spelling != spellingFolds {
		return false
	}
	for _, t := range s.dir.spelled[folded(s.name)] {
		if t != s && t.now != nil {
			return true
		}
	}
	return false
}
