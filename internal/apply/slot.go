package apply

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// Slot is where an image of one step waits: a name in .emend/stage or, where no
// rename leads from there to the step's path, a sibling. A name never carries
// another image.
type Slot struct {
	dir  vfs.Dir // nil: there is no stage yet, and nothing in it
	name string
}

// The letters of slots: the after-image (and what its publish displaced), the
// image that a rollback writes, the displaced file where exchange is missing,
// and an image that is still being written by recovery.
const (
	SlotA   = "a"
	SlotB   = "b"
	SlotD   = "d"
	slotTmp = "t"
)

// Slot is step n's slot with the letter.
func (j *Job) Slot(n int, letter string) Slot {
	name := j.prefix() + strconv.Itoa(n) + "." + letter
	if home, ok := j.homes[j.Steps[n].Sibling]; ok {
		return Slot{home, siblingPrefix + name}
	}
	return Slot{j.stage, name}
}

// SlotPath is the path at which a directory stands that step n renames, and that
// is between its two names.
func (j *Job) SlotPath(n int) string { return path.Join(j.Steps[n].Sibling, j.Slot(n, SlotA).name) }

// Features describes the file system of .emend/stage.
func (j *Job) Features() (vfs.Features, error) { return j.stage.Features() }

// prefix begins the names of all slots of the job.
func (j *Job) prefix() string { return j.ID.String() + "-" }

// SyncStage makes the slots' names durable, and those that lead there.
func (j *Job) SyncStage() error { return j.syncStage(j.stage.Sync, j.homePaths()) }

// SyncStageFS is SyncStage, and makes everything on the file system of
// .emend/stage durable.
func (j *Job) SyncStageFS() error { return j.syncStage(j.stage.SyncFS, j.homePaths()) }

func (j *Job) syncStage(sync func() error, homes []string) error {
	return Parallel(2+len(homes), func(i int) error {
		switch i {
		case 0:
			return fail.Wrap(sync(), "sync", EmendDir+"/"+stageName)
		case 1:
			return j.w.syncNames()
		}
		return j.syncHome(homes[i-2])
	})
}

func (j *Job) syncHome(home string) error {
	return fail.Wrap(j.homes[home].Sync(), "sync", home)
}

// Slots lists the names in .emend/stage; none where it is missing.
func (w *Workspace) Slots() ([]string, error) {
	d, err := w.Tree.Dir(EmendDir + "/" + stageName)
	if vfs.NotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir()
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names, err
}

// RemoveSlot removes a slot of an intent that is over; with the record of
// siblings these go as well.
func (w *Workspace) RemoveSlot(name string) error {
	d, err := w.Stage()
	if err != nil {
		return err
	}
	defer d.Close()
	return w.Tree.removeSlot(d, name)
}

// EmptyAll removes all slots of the job. Nothing that is left in them is
// anybody's: strange ones were moved to the shelf before the intent was
// retired.
func (j *Job) EmptyAll() error {
	entries, err := j.stage.ReadDir()
	if err != nil {
		return fail.Wrap(err, "empty", EmendDir+"/"+stageName)
	}
	entries = slices.DeleteFunc(entries, func(e vfs.Entry) bool { return !strings.HasPrefix(e.Name, j.prefix()) })
	return Parallel(len(entries), func(i int) error {
		name := entries[i].Name
		return fail.Wrap(j.Tree.removeSlot(j.stage, name), "empty", EmendDir+"/"+stageName+"/"+name)
	})
}

func (t *Tree) removeSlot(stage vfs.Dir, name string) error {
	if intent, ok := recordOf(name); ok {
		err := t.removeSiblings(stage, name, intent)
		if fail.KindOf(err) == fail.Permission { // the next sweep tries again
			return nil
		}
		if err != nil {
			return err
		}
	}
	return removeAny(stage, name)
}
