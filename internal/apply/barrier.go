package apply

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// touched lists the directories whose names the steps change, once each.
func touched(steps []wal.Step) []string {
	seen := make(map[string]bool)
	add := func(p string) {
		dir, _ := path.Split(p)
		seen[strings.TrimSuffix(dir, "/")] = true
	}
	for i := range steps {
		add(steps[i].Path)
		if steps[i].DirFrom != "" {
			add(steps[i].DirFrom)
		}
	}
	dirs := make([]string, 0, len(seen))
	for d := range seen {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	return dirs
}

// Barrier makes the published state of every path durable: each touched
// directory once, the slots' directory, and the files whose inode itself was
// changed. With all it syncs every file that stands at a path of the job, for
// a recovery that trusts nothing because it can read it.
func (j *Job) Barrier(all bool) error {
	dirs := touched(j.Steps)
	err := Parallel(len(dirs), func(i int) error { return j.syncDir(dirs[i]) })
	if err != nil {
		return err
	}
	if err := j.stage.Sync(); err != nil {
		return fail.Wrap(err, "sync", EmendDir+"/"+stageName)
	}
	return Parallel(len(j.Steps), func(i int) error {
		st := &j.Steps[i]
		if !all && !IsChmod(st) && !st.InPlace {
			return nil
		}
		return j.syncPath(st.Path)
	})
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
		p = strings.TrimSuffix(p[:strings.LastIndexByte(p, '/')+1], "/")
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
