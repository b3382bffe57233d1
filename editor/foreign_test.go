package editor_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// meddling is what somebody may do to a path. False: not to this one.
type meddling func(d vfs.Dir, name string, there vfs.Info) (bool, error)

const users = "somebody's own bytes\n"

var meddlings = map[string]meddling{
	"edits in place": func(d vfs.Dir, name string, there vfs.Info) (bool, error) {
		if there.Kind != vfs.Regular {
			return false, nil
		}
		f, err := d.OpenWrite(name)
		if err != nil {
			return false, err
		}
		_, err = f.WriteAt([]byte(users), there.Size)
		return true, errors.Join(err, f.Sync(), f.Close())
	},
	"replaces": func(d vfs.Dir, name string, there vfs.Info) (bool, error) {
		if there.Kind == vfs.Directory {
			return false, nil
		}
		f, err := d.Create("saved", 0o600)
		if err != nil {
			return false, err
		}
		_, err = f.Write([]byte(users))
		err = errors.Join(err, f.Sync(), f.Close())
		return true, errors.Join(err, d.Rename("saved", d, name), d.Sync())
	},
	"deletes": func(d vfs.Dir, name string, there vfs.Info) (bool, error) {
		if there.Kind != vfs.Regular && there.Kind != vfs.Symlink {
			return false, nil
		}
		return true, errors.Join(d.Remove(name), d.Sync())
	},
	"chmods": func(d vfs.Dir, name string, there vfs.Info) (bool, error) {
		if there.Kind != vfs.Regular {
			return false, nil
		}
		return true, errors.Join(d.Chmod(name, 0o640), d.Sync())
	},
}

// meddle has somebody do it to the path p, durably.
func meddle(fs *crashfs.FS, p string, do meddling) (bool, error) {
	dir, name := crashRoot, p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		dir, name = crashRoot+"/"+p[:i], p[i+1:]
	}
	d, err := fs.Meddler().OpenRoot(dir)
	if vfs.NotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer d.Close()
	info, err := d.Lstat(name)
	if err != nil && !vfs.NotExist(err) {
		return false, err
	}
	return do(d, name, info)
}

// changed lists the paths that the plan changes.
func (tr trees) changed() []string {
	var list []string
	before, after := comparable(tr.before), comparable(tr.after)
	for p := range before {
		if before[p] != after[p] {
			list = append(list, p)
		}
	}
	for p := range after {
		if _, ok := before[p]; !ok {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// alias is the other place of a path of the plan that renames a directory.
func alias(p string) string {
	if name, ok := strings.CutPrefix(p, "top/"); ok {
		return "dir/sub/" + name
	}
	if name, ok := strings.CutPrefix(p, "dir/sub/"); ok {
		return "top/" + name
	}
	return p
}

// isBesides: but for p, and the directories that it may keep, the tree is this.
func isBesides(p string, tree, want map[string]crashfs.Node) bool {
	strip := func(m map[string]crashfs.Node) map[string]crashfs.Node {
		m = maps.Clone(m)
		delete(m, p)
		delete(m, alias(p))
		for q, n := range tree { // other names of the file that somebody edited
			if strings.Contains(n.Data, users) {
				delete(m, q)
			}
		}
		maps.DeleteFunc(m, func(dir string, n crashfs.Node) bool {
			return n.Kind == vfs.Directory && (strings.HasPrefix(p, dir+"/") || strings.HasPrefix(alias(p), dir+"/"))
		})
		return m
	}
	return treesEqual(strip(tree), strip(want))
}

// afterMeddling lets somebody meddle with p in what a crash left, recovers, and
// says what is wrong then. Done is false where there was nothing to do to p.
func (tr trees) afterMeddling(fs *crashfs.FS, p string, do meddling) (done bool, wrong error) {
	seen := userTree(fs)
	if done, err := meddle(fs, p, do); !done || err != nil {
		return done, err
	}
	edited := userTree(fs)
	report, err := recoverOn(fs)
	if err != nil {
		return true, err
	}
	now := userTree(fs)
	parked := slices.ContainsFunc(report.Intents, func(i recovery.IntentReport) bool { return i.Action == recovery.ActionParked })
	again, err := recoverOn(fs)
	switch {
	case err != nil:
		return true, err
	case len(again.Intents) > 0:
		return true, errors.New("a second recovery has something to do")
	case len(leftovers(fs)) > 0:
		return true, errors.New("slots are left: " + leftovers(fs)[0])
	case parked:
		if !treesEqual(now, edited) {
			return true, errors.New("parked, and yet something moved")
		}
		return true, shelfIsFull(fs)
	case tr.isState(edited, p):
		if !isBesides(p, now, tr.before) && !isBesides(p, now, tr.after) {
			return true, errMixed
		}
		return true, nil
	}
	if !sameBytes(now, p, edited, p) && (alias(p) == p || !sameBytes(now, alias(p), edited, p)) {
		return true, fmt.Errorf("%s is not as the user left it", p)
	}
	back, forward := isBesides(p, now, tr.before), isBesides(p, now, tr.after)
	switch {
	case !back && !forward:
		return true, errors.New("the other paths are mixed")
	case back && forward, tr.modeOnly(p) && (hasMode(edited, p, tr.before) || hasMode(edited, p, tr.after)):
		return true, nil
	case tr.lacks.NoRenameNoReplace: // there a slot outlives its publish for a moment, and is no evidence
	case isNode(seen, p, tr.after) && !isNode(seen, p, tr.before) && !forward:
		return true, errors.New("an edit of the after made the others before")
	case isNode(seen, p, tr.before) && !isNode(seen, p, tr.after) && !back:
		return true, errors.New("an edit of the before made the others after")
	}
	return true, nil
}

func isNode(tree map[string]crashfs.Node, p string, want map[string]crashfs.Node) bool {
	return comparable(tree)[p] == comparable(want)[p]
}

// modeOnly: of what the plan changes p itself only the mode is.
func (tr trees) modeOnly(p string) bool {
	return sameBytes(tr.before, p, tr.after, p) || sameBytes(tr.before, p, tr.after, alias(p)) ||
		sameBytes(tr.before, alias(p), tr.after, p)
}

func hasMode(a map[string]crashfs.Node, p string, b map[string]crashfs.Node) bool {
	return a[p].Mode == b[p].Mode || a[p].Mode == b[alias(p)].Mode
}

// isState: p is before or after, for all that the plan has to do with it. A mode
// belongs to it only where the plan changes that.
func (tr trees) isState(tree map[string]crashfs.Node, p string) bool {
	if sameBytes(tr.before, p, tr.after, p) {
		return isNode(tree, p, tr.before) || isNode(tree, p, tr.after)
	}
	for _, q := range []string{p, alias(p)} {
		if sameBytes(tree, p, tr.before, q) || sameBytes(tree, p, tr.after, q) {
			return true
		}
	}
	return false
}

func sameBytes(a map[string]crashfs.Node, p string, b map[string]crashfs.Node, q string) bool {
	x, y := a[p], b[q]
	return x.Kind == y.Kind && x.Data == y.Data && x.Target == y.Target
}

// shelfIsFull: a parked intent keeps an index, and images for a person.
func shelfIsFull(fs *crashfs.FS) error {
	var index, images bool
	for p := range fs.Tree(crashRoot) {
		if strings.Contains(p, ".emend/parked/") {
			index = index || strings.HasSuffix(p, "/index")
			images = images || strings.HasSuffix(p, ".before") || strings.HasSuffix(p, ".after")
		}
	}
	if !index || !images {
		return errors.New("the shelf of the parked intent is not full")
	}
	return nil
}

// TestForeignBytesAfterACrash crashes a commit at every operation and lets
// somebody work on one of its paths before recovery runs: their bytes stay, and
// every other path is before, or after, or as the crash left it with all images
// on the shelf.
func TestForeignBytesAfterACrash(t *testing.T) {
	pick := newSampler(t)
	for planName, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			t.Run(planName+optName, func(t *testing.T) {
				tr := treesOf(t, plan, o)
				fs := crashTree(t, o)
				meddled := map[string]int{}
				fs.OnOp(func(at op.Op) {
					for _, p := range tr.changed() {
						for what, do := range meddlings {
							if what == "chmods" && !tr.modeOnly(p) || !pick.chosen(8) {
								continue
							}
							for cut, survivor := range cuts(fs, pick.Uint64()) {
								name := fmt.Sprintf("at %v, %s; then somebody %s %s", at, cut, what, p)
								done, err := tr.afterMeddling(survivor, p, do)
								if err != nil && !t.Failed() {
									t.Errorf("%s: %v", name, err) // nothing may stop a goroutine in here
								}
								if done {
									meddled[what]++
								}
							}
						}
					}
				})
				require.NoError(t, applyOn(fs, plan))
				t.Logf("%v", meddled)
			})
		}
	}
}
