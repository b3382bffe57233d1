package apply

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// A step whose path is on another volume than .emend/stage has its slots in a
// directory of that volume, its home, as siblings of the user's files: hidden,
// and named after the intent, so that nobody else's file has such a name. A
// record in .emend/stage says where siblings of an intent can be; it is durable
// before the first of them is made and goes after the last, so that whoever
// finds an intent to be over finds its siblings as well.

// siblingPrefix begins a sibling's name; what follows is that of a slot.
const siblingPrefix = EmendDir + "-"

// recordLetter ends a record's name, which otherwise is that of a slot.
const recordLetter = ".s"

// IsSibling reports whether a name is one that siblings have.
func IsSibling(name string) bool {
	if len(name) < len(siblingPrefix) || !strings.EqualFold(name[:len(siblingPrefix)], siblingPrefix) {
		return false
	}
	intent, _, ok := strings.Cut(name[len(siblingPrefix):], "-")
	_, err := wal.ParseID(intent)
	return ok && err == nil
}

// CheckSibling refuses a home in which no slots of a step with this path are
// made: one that the path is not in.
func CheckSibling(home, path string) error {
	if home == "" || home == "." {
		return nil
	}
	err := CheckPath(home)
	if err == nil && (path == home || !Below(path, home)) {
		err = fail.New(fail.PathEscape, "", home, "no slot of %s can be there", fail.QuotePath(path))
	}
	return err
}

// openHome opens the directory of siblings. Where it is gone, so are they, and
// .emend/stage takes its place.
func (j *Job) openHome(home string) error {
	if home == "" || j.homes[home] != nil {
		return nil
	}
	d, err := j.Tree.Dir(home)
	if vfs.NotExist(err) {
		return nil
	}
	if err != nil {
		return fail.Wrap(err, "open", home)
	}
	j.homes[home] = d
	return nil
}

func (j *Job) homePaths() []string { return slices.Sorted(maps.Keys(j.homes)) }

// Announce records, durably, where siblings of the job are going to be. Without
// any it does nothing.
func (j *Job) Announce() error {
	homes := j.homePaths()
	if len(homes) == 0 {
		return nil
	}
	err := Parallel(len(homes), func(i int) error {
		name := j.prefix() + strconv.Itoa(i) + recordLetter
		return fail.Wrap(j.record(name, homes[i]), "stage", name)
	})
	if err != nil {
		return err
	}
	return j.syncStage(j.stage.Sync, nil)
}

func (j *Job) record(name, home string) error {
	if err := removeAny(j.stage, name); err != nil {
		return err
	}
	f, err := j.stage.Create(name, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, home)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// recordOf returns the intent whose record has this name.
func recordOf(name string) (intent string, ok bool) {
	if !strings.HasSuffix(name, recordLetter) {
		return "", false
	}
	intent, _, ok = strings.Cut(name, "-")
	return intent, ok
}

// removeSiblings removes, durably, the siblings that the record tells of. One
// that was torn before it was synced tells of none.
func (t *Tree) removeSiblings(stage vfs.Dir, record, intent string) error {
	var b bytes.Buffer
	if err := copyFrom(&b, stage, record); err != nil {
		return err
	}
	home := b.String()
	if home != "." && CheckPath(home) != nil {
		return nil
	}
	d, err := t.Dir(home)
	if vfs.NotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.ReadDir()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, siblingPrefix+intent+"-") {
			if err := removeAny(d, e.Name); err != nil {
				return err
			}
		}
	}
	return d.Sync()
}
