package editor_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// barriers holds the operations of a run to what the protocol wants durable
// before each of them. What a power cut makes of a broken rule is for the
// sweeps to find; here a missing sync shows at once, whatever luck the disk has.
type barriers struct {
	fs        *crashfs.FS
	published bool            // the user's tree has changed since the last retire, or the decision to go back
	unsynced  bool            // the log holds frames that are not synced; marks and clean closes need not be
	cut       bool            // of these, zeros over what was cut off
	empty     bool            // the log is new, or nothing was done to it yet
	users     map[uint64]bool // inodes that emend did not make
	inPlace   map[string]bool // files that are being written in place
	broken    error
}

// watch holds what is done on fs to the rules until over is called, which tells
// the first one that was broken. These inodes are the user's own.
func watch(fsys *crashfs.FS, users map[uint64]bool) (over func() error) {
	b := &barriers{fs: fsys, empty: true, users: users, inPlace: map[string]bool{}}
	fsys.OnOp(b.look)
	return func() error {
		fsys.OnOp(nil)
		b.settleLog()
		b.want("at the end", func(o op.Op) bool { return !b.anyPlace(o, "tree", "root") && !b.harmless(o) })
		return b.broken
	}
}

func (b *barriers) look(o op.Op) {
	b.settleLog()
	switch {
	case place(o.Path) == "wal.log" && o.Kind == op.Write:
		b.append(o)
	case publishes(o):
		b.publish(o)
	case emptied(o) && !b.published && b.names(o.Path) != nil:
		b.want("before "+o.String(), b.inLog)
	}
	switch made := namesOf(o)[len(namesOf(o))-1]; {
	case sibling(made) && !o.Kind.Looks() && !o.Kind.Syncs() && !emptied(o):
		b.makeSibling(o, made)
	case place(o.Path) == "record" && o.Kind == op.Remove && calledBy("apply.(*Tree).removeSlot"):
		b.want("before "+o.String(), func(u op.Op) bool { return sibling(u.Path) && b.names(u.Path) == nil })
	}
	switch {
	case o.Kind == op.Remove:
		b.dropsName(o, o.Path)
	case o.Kind == op.Rename:
		b.empty = b.empty && !calledBy("wal.(*shared).compact")
		b.dropsName(o, o.To)
		b.want("before "+o.String(), func(u op.Op) bool {
			return u.Path == o.Path && u.Kind == op.Write && strings.HasPrefix(place(o.Path), "new ")
		})
	}
}

// append: what a frame says has been made, is; a tail that was cut off has a
// copy, and is gone for good; what is retired cannot come back.
func (b *barriers) append(o op.Op) {
	cuts := calledBy("wal.(*shared).zero")
	if b.cut && !cuts {
		b.want("before something is appended", b.inLog)
	}
	b.want("before the log is written", func(u op.Op) bool { return b.anyPlace(u, "torn tail", "shelf") })
	if calledBy("wal.(*Log).Retire") {
		b.want("before the retire", func(u op.Op) bool { return b.anyPlace(u, "tree", "root") })
		b.inPlace = map[string]bool{}
	}
	b.published = b.published && !calledBy("wal.(*Log).Retire", "wal.(*Log).Decide")
	if !calledBy("wal.(*shared).mark", "wal.(*shared).closeCleanly") {
		b.unsynced, b.empty, b.cut = true, false, b.cut || cuts
	}
}

// publish: the seal, or the decision, is durable, and every slot is when the
// first path changes.
func (b *barriers) publish(o op.Op) {
	when := "before " + o.String()
	b.want(when, b.inLog)
	if !b.published {
		b.want(when, func(u op.Op) bool {
			return !b.anyPlace(u, "tree", "root") && !b.harmless(u) && !b.displaced(u)
		})
		b.want(when, func(u op.Op) bool { return u.Kind != op.Write && u.Path == crashRoot+"/.emend" })
	}
	b.published = true
	if o.Kind == op.Write && !b.inPlace[o.Path] && !calledBy("recovery.Run") {
		b.want(when, func(u op.Op) bool { return u.Kind == op.Write && u.Path == o.Path })
		b.inPlace[o.Path] = true
	}
}

// makeSibling: a durable record tells where siblings of the intent are.
func (b *barriers) makeSibling(o op.Op, name string) {
	intent, _, _ := strings.Cut(strings.TrimPrefix(path.Base(name), ".emend-"), "-")
	for p, n := range b.fs.Survive(crashfs.AllLost()).Tree(crashRoot) {
		if place(p) == "record" && strings.Contains(p, intent) && n.Data == path.Clean("."+strings.TrimPrefix(path.Dir(name), crashRoot)) {
			return
		}
	}
	b.breaks(fmt.Errorf("before %v, no record of it is durable", o))
}

// displaced: o wrote to a user's file in a slot that nothing will be published
// from: it is on its way out, or has never left its place.
func (b *barriers) displaced(o op.Op) bool {
	f := b.names(o.Path)
	if place(o.Path) != "slot" || o.To != "" || f == nil || !b.users[f.Ino] {
		return false
	}
	return calledBy("recovery.(*view).back") == (f.Nlink > 1)
}

// dropsName: a user's file that has another name, or is at its place, keeps a
// durable one.
func (b *barriers) dropsName(o op.Op, name string) {
	of := b.names(name)
	if of == nil || of.Kind != vfs.Regular || !b.users[of.Ino] || of.Nlink < 2 && place(name) != "tree" {
		return
	}
	durable := b.fs.Survive(crashfs.AllLost())
	for p := range durable.Tree(crashRoot) {
		if p = path.Join(crashRoot, p); p == name {
			continue
		}
		if i, err := lstat(durable, p); err == nil && i.SameFile(*of) {
			return
		}
	}
	b.breaks(fmt.Errorf("before %v, the file has no other name that is synced", o))
}

// want: nothing unsynced is of this kind.
func (b *barriers) want(when string, matters func(op.Op) bool) {
	for _, o := range b.fs.Unsynced() {
		if matters(o) {
			b.breaks(fmt.Errorf("%s, %v is not synced", when, o))
			return
		}
	}
}

func (b *barriers) breaks(err error) {
	if b.broken == nil {
		b.broken = err
	}
}

// settleLog takes note of a sync of the log.
func (b *barriers) settleLog() {
	if !slices.ContainsFunc(b.fs.Unsynced(), func(o op.Op) bool { return o.Kind == op.Write && place(o.Path) == "wal.log" }) {
		b.unsynced, b.cut = false, false
	}
}

func (b *barriers) inLog(o op.Op) bool {
	return b.unsynced && o.Kind == op.Write && place(o.Path) == "wal.log"
}

// harmless: nobody relies on it.
func (b *barriers) harmless(o op.Op) bool {
	return !slices.ContainsFunc(namesOf(o), func(p string) bool {
		switch kind := place(p); {
		case kind == "tree" || kind == "root":
			return true
		case kind == "wal.log":
			return !b.empty && (o.Kind != op.Write || b.unsynced)
		case kind == "slot" || kind == "record" || strings.HasPrefix(kind, "new "):
			return b.names(p) != nil
		default:
			return !b.empty && kind != "lock"
		}
	})
}

func (b *barriers) anyPlace(o op.Op, places ...string) bool {
	return slices.ContainsFunc(namesOf(o), func(p string) bool { return slices.Contains(places, place(p)) })
}

// namesOf are the paths that o makes, changes or takes away.
func namesOf(o op.Op) []string {
	switch {
	case o.To == "":
		return []string{o.Path}
	case o.Kind == op.Link:
		return []string{o.To}
	}
	return []string{o.Path, o.To}
}

// names is what stands at the path p, nil for nothing.
func (b *barriers) names(p string) *vfs.Info {
	i, err := lstat(b.fs, p)
	if err != nil {
		return nil
	}
	return &i
}

// inodesOf are those of the files in the workspace.
func inodesOf(fsys *crashfs.FS) map[uint64]bool {
	set := map[uint64]bool{}
	for p := range fsys.Tree(crashRoot) {
		if i, err := lstat(fsys, path.Join(crashRoot, p)); err == nil {
			set[i.Ino] = true
		}
	}
	return set
}

func lstat(fsys *crashfs.FS, p string) (vfs.Info, error) {
	d, err := fsys.Meddler().OpenRoot(path.Dir(p))
	if err != nil {
		return vfs.Info{}, err
	}
	i, err := d.Lstat(path.Base(p))
	return i, errors.Join(err, d.Close())
}

// publishes: o changes the user's part of the tree.
func publishes(o op.Op) bool {
	if o.Kind.Looks() || o.Kind.Syncs() {
		return false
	}
	return slices.ContainsFunc(namesOf(o), func(p string) bool { return place(p) == "tree" })
}

// sibling reports whether p is a slot in the user's tree.
func sibling(p string) bool { return strings.HasPrefix(path.Base(p), ".emend-") }

// emptied: o removes a slot.
func emptied(o op.Op) bool {
	return place(o.Path) == "slot" && (o.Kind == op.Remove || o.Kind == op.Rmdir)
}

// calledBy reports whether one of these functions of emend is at work.
func calledBy(names ...string) bool {
	for f := range callers() {
		if slices.Contains(names, f) {
			return true
		}
	}
	return false
}
