package editor_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// onDisks runs test in a directory of each file system that can be had here: a
// loop image of each kind as root, and always the one of the temporary files.
func onDisks(t *testing.T, test func(t *testing.T, dir string)) {
	if testing.Short() {
		t.Run("here", func(t *testing.T) { test(t, t.TempDir()) })
		return
	}
	t.Run("here", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("tmpfs", func(t *testing.T) { test(t, mounted(t, "tmpfs", "-t", "tmpfs", "none")) })
	t.Run("overlayfs", func(t *testing.T) {
		at := mounted(t, "tmpfs", "-t", "tmpfs", "none") // one overlay must not lie on another
		for _, d := range []string{"lower", "upper", "work"} {
			require.NoError(t, os.Mkdir(at+"/"+d, 0o755))
		}
		test(t, mounted(t, "overlayfs", "-t", "overlay", "none",
			"-o", fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", at, at, at)))
	})
	for kind, mkfs := range map[string][]string{
		"ext4": {"mkfs.ext4", "-q"}, "xfs": {"mkfs.xfs", "-q"}, "btrfs": {"mkfs.btrfs", "-q"},
	} {
		t.Run(kind, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "image")
			f, err := os.Create(image)
			require.NoError(t, err)
			require.NoError(t, f.Truncate(512<<20))
			require.NoError(t, f.Close())
			mustRun(t, kind, append(mkfs, image)...)
			test(t, mounted(t, kind, "-o", "loop", image))
		})
	}
}

// mounted mounts what args say and returns the directory.
func mounted(t *testing.T, what string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	mustRun(t, what, append(append([]string{"mount"}, args...), dir)...)
	t.Cleanup(func() {
		out, err := exec.Command("umount", dir).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
	return dir
}

// mustRun skips the test, and says why, where the file system cannot be had.
func mustRun(t *testing.T, what string, command ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("skipped: %s needs root", what)
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("skipped: %s: there is no %s here", what, command[0])
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Skipf("skipped: %s: %s", what, out)
	}
}

// look is all that can be told of one name.
type look struct {
	Kind     vfs.Kind
	Mode     uint32
	UID, GID uint32
	Xattrs   string
	Nlink    uint64
	Data     string // or the target of a link
	Ino      uint64
}

// look1 describes name in d.
func look1(t *testing.T, d vfs.Dir, name string) look {
	t.Helper()
	i, err := d.Lstat(name)
	require.NoError(t, err)
	x, err := d.Xattrs(name)
	require.NoError(t, err)
	l := look{Kind: i.Kind, Mode: i.Mode, UID: i.UID, GID: i.GID, Xattrs: fmt.Sprintf("%q", x), Nlink: i.Nlink, Ino: i.Ino}
	switch i.Kind {
	case vfs.Symlink:
		l.Data, err = d.Readlink(name)
	case vfs.Regular:
		var f vfs.File
		f, err = d.Open(name)
		require.NoError(t, err)
		var b []byte
		b, err = io.ReadAll(f)
		l.Data = string(b)
		f.Close()
	case vfs.Directory:
		l.Nlink = 0 // file systems count differently
	}
	require.NoError(t, err)
	return l
}

// lookAll describes everything in the workspace that is not emend's.
func lookAll(t *testing.T, root string) map[string]look {
	t.Helper()
	all := make(map[string]look)
	var walk func(d vfs.Dir, at string)
	walk = func(d vfs.Dir, at string) {
		defer d.Close()
		entries, err := d.ReadDir()
		require.NoError(t, err)
		for _, e := range entries {
			p := path.Join(at, e.Name)
			if p == ".emend" {
				continue
			}
			all[p] = look1(t, d, e.Name)
			if all[p].Kind == vfs.Directory {
				sub, err := d.OpenDir(e.Name)
				require.NoError(t, err)
				walk(sub, p)
			}
		}
	}
	d, err := vfs.OS().OpenRoot(root)
	require.NoError(t, err)
	walk(d, "")
	return all
}

// withoutInodes leaves out the inode numbers of what may get new ones.
func withoutInodes(all map[string]look) map[string]look {
	all = maps.Clone(all)
	for p, l := range all {
		l.Ino = 0
		all[p] = l
	}
	return all
}

// acl is a POSIX ACL as Linux keeps it: entries of tag, permissions and id.
func acl(entries ...[3]uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

const (
	userObj, userID, groupObj, groupID, maskObj, otherObj = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
	noID                                                  = 0xffffffff
	accessACL                                             = "system.posix_acl_access"
	defaultACL                                            = "system.posix_acl_default"
)

var sharedACL = acl([3]uint32{userObj, 6, noID}, [3]uint32{userID, 6, 1234}, [3]uint32{groupObj, 4, noID},
	[3]uint32{maskObj, 6, noID}, [3]uint32{otherObj, 4, noID})

// capBind is cap_net_bind_service, permitted and effective.
var capBind = []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// fileKinds are the files of the table: each dresses up f in d.
var fileKinds = map[string]func(d vfs.Dir) error{
	"plain":   func(vfs.Dir) error { return nil },
	"private": func(d vfs.Dir) error { return d.Chmod("f", 0o600) },
	"owned":   func(d vfs.Dir) error { return d.Chown("f", 1234, 4321) },
	"special bits": func(d vfs.Dir) error {
		if err := d.Chown("f", 1234, 4321); err != nil {
			return err
		}
		return d.Chmod("f", 0o7755)
	},
	"attributes": func(d vfs.Dir) error { return d.SetXattr("f", "user.emend.test", []byte("x\x00y")) },
	"acl":        func(d vfs.Dir) error { return d.SetXattr("f", accessACL, sharedACL) },
	"capability": func(d vfs.Dir) error {
		if err := d.Chmod("f", 0o755); err != nil {
			return err
		}
		return d.SetXattr("f", "security.capability", capBind)
	},
	"two names": func(d vfs.Dir) error { return d.Link("f", d, "other") },
	"all of it, two names": func(d vfs.Dir) error {
		for _, set := range []func() error{
			func() error { return d.Chown("f", 1234, 4321) },
			func() error { return d.SetXattr("f", accessACL, sharedACL) },
			func() error { return d.SetXattr("f", "security.capability", capBind) },
			func() error { return d.Chmod("f", 0o6775) },
			func() error { return d.Link("f", d, "other") },
		} {
			if err := set(); err != nil {
				return err
			}
		}
		return nil
	},
	"link": func(d vfs.Dir) error {
		if err := d.Rename("f", d, "real"); err != nil {
			return err
		}
		if err := d.Chmod("real", 0o640); err != nil {
			return err
		}
		if err := d.Symlink("real", "hop"); err != nil {
			return err
		}
		return d.Symlink("hop", "f")
	},
}

// change changes p in all, and every other name of its inode.
func change(all map[string]look, p string, do func(*look)) {
	if _, ok := all[p]; !ok {
		return
	}
	ino := all[p].Ino
	for q, l := range all {
		if l.Ino == ino {
			do(&l)
			all[q] = l
		}
	}
}

func move(all map[string]look, from, to string) { all[to] = all[from]; delete(all, from) }

// content is the name of the file that f leads to.
func content(all map[string]look) string {
	if _, ok := all["real"]; ok {
		return "real"
	}
	return "f"
}

func setText(l *look) { l.Data = newText }

// fileOps are the operations of the table, with what they make of the tree.
var fileOps = map[string]struct {
	ops  []editor.Op
	want func(all map[string]look)
	// inode: the file at g, or else f, is still the same inode.
	inode bool
}{
	"edit": {[]editor.Op{editor.Edit{Path: "f", Edits: find("two", "2")}},
		func(all map[string]look) { change(all, content(all), setText) }, false},
	"write": {[]editor.Op{editor.Write{Path: "f", Content: []byte(newText)}},
		func(all map[string]look) { change(all, content(all), setText) }, false},
	"chmod": {[]editor.Op{editor.Chmod{Path: "f", Mode: 0o6711}},
		func(map[string]look) {}, true},
	"edit and chmod": {[]editor.Op{editor.Edit{Path: "f", Edits: find("two", "2")}, editor.Chmod{Path: "f", Mode: 0o6711}},
		func(all map[string]look) {
			change(all, content(all), setText)
		}, false},
	"rename": {[]editor.Op{editor.Rename{From: "f", To: "g"}}, func(all map[string]look) { move(all, "f", "g") }, true},
	"delete": {[]editor.Op{editor.Delete{Path: "f"}}, func(all map[string]look) {
		change(all, "f", func(l *look) { l.Nlink-- })
		delete(all, "f")
	}, false},
	"rename and edit": {[]editor.Op{editor.Rename{From: "f", To: "g"}, editor.Edit{Path: "g", Edits: find("two", "2")}},
		func(all map[string]look) {
			move(all, "f", "g")
			change(all, strings.Replace(content(all), "f", "g", 1), setText)
		}, false},
}

// TestFilesStayTheSame is the table of file kinds, operations and ends: bytes,
// mode, owner, attributes, ACL, names and link targets are what they were, but
// for what the plan asks.
func TestFilesStayTheSame(t *testing.T) {
	onDisks(t, func(t *testing.T, dir string) {
		n := 0
		for kind, dress := range fileKinds {
			for name := range fileOps {
				if !long() && path.Base(t.Name()) != "tmpfs" && name != "edit and chmod" {
					continue // the whole table runs where it is quick
				}
				t.Run(kind+", "+name, func(t *testing.T) {
					n++
					newCase(t, fmt.Sprintf("%s/%d", dir, n), dress, name).run()
				})
			}
		}
	})
}

// tableCase is one kind of file under one operation.
type tableCase struct {
	t             *testing.T
	root          string
	op            string
	before, after map[string]look
	kind          fail.Kind // the refusal that is wanted
	rounds        int
	dress         func(d vfs.Dir) error
}

func newCase(t *testing.T, root string, dress func(d vfs.Dir) error, op string) *tableCase {
	c := &tableCase{t: t, root: root, op: op, dress: dress}
	if !c.make() {
		t.Skip("skipped: such a file cannot be made here")
	}
	return c
}

// make makes the workspace anew.
func (c *tableCase) make() bool {
	t := c.t
	c.rounds++
	root := fmt.Sprintf("%s-%d", c.root, c.rounds)
	require.NoError(t, os.Mkdir(root, 0o755))
	for name, text := range map[string]string{"f": oldText, "y": "y", "zz": "zz"} {
		require.NoError(t, os.WriteFile(root+"/"+name, []byte(text), 0o644))
	}
	d, err := vfs.OS().OpenRoot(root)
	require.NoError(t, err)
	defer d.Close()
	if c.dress(d) != nil {
		return false
	}
	c.before = lookAll(t, root)
	c.after = maps.Clone(c.before)
	if strings.HasSuffix(c.op, "chmod") { // the system says what becomes of an ACL
		mode := c.before[content(c.before)].Mode
		require.NoError(t, d.Chmod(content(c.before), 0o6711))
		c.after = lookAll(t, root)
		require.NoError(t, d.Chmod(content(c.before), mode))
	}
	fileOps[c.op].want(c.after)
	change(c.after, "y", func(l *look) { l.Data = "Y" })
	delete(c.after, "zz")
	c.kind = ""
	_, two := c.before["other"]
	if two && c.op == "rename and edit" {
		c.kind = fail.IdentityLost
	}
	return true
}

func (c *tableCase) plan() editor.Plan {
	ops := fileOps[c.op].ops
	return editor.Plan{Ops: append(append([]editor.Op{}, ops...),
		editor.Write{Path: "y", Content: []byte("Y")}, editor.Delete{Path: "zz"})}
}

func (c *tableCase) path() string { return fmt.Sprintf("%s-%d", c.root, c.rounds) }

// apply applies the plan; with a fault, removing zz, the last step of all,
// fails, and with forever nothing works after that.
func (c *tableCase) apply(fault, forever bool) (*editor.Result, error) {
	disk := faultfs.New(vfs.OS())
	if fault {
		met := false
		disk.Arm(faultfs.Fault{N: 1, Forever: forever, Err: syscall.EIO, Match: func(o op.Op) bool {
			met = met || o.Kind == op.RenameNoReplace && strings.HasSuffix(o.Path, "zz")
			return met && faultfs.Changes(o)
		}})
	}
	ed, err := editor.Open(context.Background(), c.path(), editor.WithFS(disk))
	require.NoError(c.t, err)
	defer ed.Close()
	return ed.Apply(context.Background(), c.plan())
}

func (c *tableCase) is(want map[string]look, what string) {
	c.t.Helper()
	got := lookAll(c.t, c.path())
	require.Equal(c.t, withoutInodes(want), withoutInodes(got), what)
	_, two := c.before["other"]
	for p := range want {
		switch {
		case want[p].Kind == vfs.Symlink: // has no identity but its target
		case two && (p == "f" || p == "other"), fileOps[c.op].inode && p != "y", what == "rolled back":
			require.Equal(c.t, want[p].Ino, got[p].Ino, "%s: inode of %s", what, p)
		}
	}
}

func (c *tableCase) run() {
	t := c.t
	res, err := c.apply(false, false)
	require.Equal(t, c.kind, fail.KindOf(err), err)
	if c.kind != "" {
		c.is(c.before, "refused")
		return
	}
	c.is(c.after, "committed")

	ed, err := editor.Open(context.Background(), c.path())
	require.NoError(t, err)
	_, err = ed.Undo(context.Background(), res.ID)
	require.NoError(t, err)
	require.NoError(t, ed.Close())
	undone := lookAll(t, c.path())
	if c.op == "delete" { // a deleted name comes back as a file of its own
		for _, all := range []map[string]look{c.before, undone} {
			change(all, "f", func(l *look) { l.Nlink = 0 })
			change(all, "other", func(l *look) { l.Nlink = 0 })
		}
	}
	require.Equal(t, withoutInodes(c.before), withoutInodes(undone), "undone")

	c.make()
	_, err = c.apply(true, false)
	require.Equal(t, string(fail.Unchanged), stateOf(t, err, "rollback"), err)
	c.is(c.before, "rolled back")

	for policy, want := range map[recovery.Policy]*map[string]look{recovery.Auto: &c.after, recovery.PolicyBack: &c.before} {
		c.make()
		_, err = c.apply(true, true)
		require.Equal(t, string(fail.NeedsRecovery), stateOf(t, err, "crash"), err)
		r, err := recovery.Run(context.Background(), c.path(), recovery.Options{Policy: policy})
		require.NoError(t, err)
		require.Len(t, r.Intents, 1)
		c.is(*want, "recovered")
	}
}

// TestNewFilesGetWhatTheirDirectoryGives compares what emend makes, in a slot
// elsewhere, with what the system makes in the directory itself.
func TestNewFilesGetWhatTheirDirectoryGives(t *testing.T) {
	minimal := acl([3]uint32{userObj, 7, noID}, [3]uint32{groupObj, 5, noID}, [3]uint32{otherObj, 0, noID})
	named := acl([3]uint32{userObj, 7, noID}, [3]uint32{userID, 6, 1234}, [3]uint32{groupObj, 5, noID},
		[3]uint32{groupID, 7, 4321}, [3]uint32{maskObj, 7, noID}, [3]uint32{otherObj, 1, noID})
	parents := map[string]func(d vfs.Dir) error{
		"plain":                                func(vfs.Dir) error { return nil },
		"setgid":                               func(d vfs.Dir) error { return setgidDir(d) },
		"an acl that says no more than a mode": func(d vfs.Dir) error { return d.SetXattr("dir", defaultACL, minimal) },
		"an acl":                               func(d vfs.Dir) error { return d.SetXattr("dir", defaultACL, named) },
		"setgid and an acl": func(d vfs.Dir) error {
			if err := setgidDir(d); err != nil {
				return err
			}
			return d.SetXattr("dir", defaultACL, named)
		},
	}
	onDisks(t, func(t *testing.T, disk string) {
		n := 0
		for name, dress := range parents {
			t.Run(name, func(t *testing.T) {
				n++
				root := fmt.Sprintf("%s/%d", disk, n)
				require.NoError(t, os.MkdirAll(root+"/dir", 0o755))
				d, err := vfs.OS().OpenRoot(root)
				require.NoError(t, err)
				defer d.Close()
				if err := dress(d); err != nil {
					t.Skipf("skipped: no such directory here: %v", err)
				}
				require.NoError(t, os.Mkdir(root+"/dir/theirs", 0o777))
				for p, mode := range map[string]os.FileMode{"dir/file": 0o666, "dir/run": 0o777, "dir/theirs/file": 0o666} {
					require.NoError(t, os.WriteFile(root+"/"+p, []byte("x"), mode))
				}
				require.NoError(t, os.Symlink("file", root+"/dir/link"))
				_, err = applyIn(root, editor.Create{Path: "dir/emends/file", Content: []byte("x")},
					editor.Create{Path: "dir/file2", Content: []byte("x")},
					editor.Create{Path: "dir/run2", Content: []byte("x"), Mode: editor.Executable},
					editor.Symlink{Path: "dir/link2", Target: "file"})
				require.NoError(t, err)
				all := withoutInodes(lookAll(t, root))
				require.Equal(t, all["dir/theirs"], all["dir/emends"])
				require.Equal(t, all["dir/theirs/file"], all["dir/emends/file"])
				require.Equal(t, all["dir/file"], all["dir/file2"])
				require.Equal(t, all["dir/run"], all["dir/run2"])
				require.Equal(t, all["dir/link"], all["dir/link2"])
			})
		}
	})
}

func setgidDir(d vfs.Dir) error {
	if os.Geteuid() == 0 {
		if err := d.Chown("dir", 0, 4321); err != nil {
			return err
		}
	}
	return d.Chmod("dir", 0o2775)
}
