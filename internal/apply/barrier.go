package apply

import (
	"errors"
	"maps"
	"slices"
	"syscall"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// places lists the paths at which step n's file may stand: the second is the
// one beneath directories that were not renamed, or no longer are.
func (j *Job) places(n int) []string {
	now, old := j.Steps[n].Path, j.WhereBefore(n)
	if now == old {
		return []string{now}
	}
	return []string{now, old}
}

// touched lists the directories whose names the steps change, those of siblings
// among them, once each.
func (j *Job) touched() []string {
	seen := make(map[string]bool)
	for n := range j.Steps {
		for _, p := range j.places(n) {
			seen[parentOf(p)] = true
		}
		if from := j.Steps[n].DirFrom; from != "" {
			seen[parentOf(from)] = true
		}
		if home := j.Steps[n].Sibling; home != "" {
			seen[home] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Barrier makes the published state of every path durable: each touched
// directory once, the slots' directory, and the files whose inode itself was
// changed; what was written in place is synced already. With all it syncs every file that stands at a path of the job, for
// a recovery that trusts nothing because it can read it.
func (j *Job) Barrier(all bool) error {
	dirs := j.touched()
	var files []int
	for n := range j.Steps {
		if all || IsChmod(&j.Steps[n]) {
			files = append(files, n)
		}
	}
	return Parallel(1+len(dirs)+len(files), func(i int) error {
		switch d := i - 1; {
		case i == 0:
			return fail.Wrap(j.stage.Sync(), "sync", EmendDir+"/"+stageName)
		case d < len(dirs):
			return j.syncDir(dirs[d])
		default:
			return j.syncFile(files[d-len(dirs)])
		}
	})
}

// syncFile syncs what stands at step n's path.
func (j *Job) syncFile(n int) error {
	for _, p := range j.places(n) {
		if err := j.syncPath(p); err != nil {
			return err
		}
	}
	return nil
}

// syncDir syncs the directory p; where it is gone, with what was in it, its
// nearest ancestor that is there.
func (j *Job) syncDir(p string) error {
	for {
		d, err := j.Tree.Dir(p)
		if err == nil {
			err = d.Sync()
			d.Close()
			return fail.Wrap(err, "sync", p)
		}
		if !vfs.NotExist(err) || p == "" {
			return fail.Wrap(err, "sync", p)
		}
		p = parentOf(p)
	}
}

func (j *Job) syncPath(p string) error {
	d, name, err := j.Tree.Parent(p)
	if vfs.NotExist(err) {
		return nil
	}
	if err != nil {
		return fail.Wrap(err, "sync", p)
	}
	defer d.Close()
	i, err := d.Lstat(name)
	if vfs.NotExist(err) {
		return nil
	}
	if err == nil {
		err = syncName(d, name, i.Kind)
	}
	if vfs.NotExist(err) || errors.Is(err, syscall.ELOOP) { // somebody has just removed it, or put a link there
		return nil
	}
	return fail.Wrap(err, "sync", p)
}

func syncName(d vfs.Dir, name string, kind vfs.Kind) error {
	switch kind {
	case vfs.Regular:
		f, err := d.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	case vfs.Directory:
		sub, err := d.OpenDir(name)
		if err != nil {
			return err
		}
		return errors.Join(sub.Sync(), sub.Close())
	}
	return nil
}
