package editor_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
)

const oldText, newText = "one\ntwo\nthree\n", "one\n2\nthree\n"

// lines is n lines of text, no two alike, so that every sector differs.
func lines(word string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d\n", word, i)
	}
	return b.String()
}

// stubbornTree is a workspace of files that no rename may replace: some with
// several names, one mounted, one on another file system; and ordinary ones.
func stubbornTree(t testing.TB, o crashfs.Options) *crashfs.FS {
	t.Helper()
	fs := crashfs.New(o)
	require.NoError(t, fs.MkdirAll(crashRoot+"/dir", 0o755))
	require.NoError(t, fs.MkdirAll(crashRoot+"/far", 0o755))
	require.NoError(t, fs.Mount(crashRoot+"/far"))
	for name, data := range map[string]string{
		"grow": lines("grow", 300), "shrink": lines("shrink", 700), "same": lines("same", 900),
		"bound": lines("bound", 400), "far/f": lines("far", 400), "plain": "plain\n", "gone": "gone\n",
	} {
		require.NoError(t, fs.WriteFile(crashRoot+"/"+name, []byte(data), 0o644))
	}
	require.NoError(t, fs.Bind(crashRoot+"/bound"))
	d, err := fs.Meddler().OpenRoot(crashRoot)
	require.NoError(t, err)
	sub, err := d.OpenDir("dir")
	require.NoError(t, err)
	for _, name := range []string{"grow", "shrink", "same"} {
		require.NoError(t, d.Link(name, sub, name))
	}
	fs.Settle()
	return fs
}

func find(old, by string) []locator.Edit {
	return []locator.Edit{{Find: []byte(old), Text: []byte(by)}}
}

// stubbornPlans change what stubbornTree made, by name.
func stubbornPlans() map[string]editor.Plan {
	return map[string]editor.Plan{
		"links": {Ops: []editor.Op{
			editor.Edit{Path: "grow", Edits: find("grow 7\n", lines("more", 200))},
			editor.Write{Path: "shrink", Content: []byte(lines("short", 40))},
			editor.Edit{Path: "dir/same", Edits: append(find("same 3\n", "SAME 3\n"), find("same 899\n", "SAME 899\n")...)},
			editor.Chmod{Path: "shrink", Mode: 0o600},
			editor.Write{Path: "plain", Content: []byte("new\n")},
		}},
		"mounts": {Ops: []editor.Op{
			editor.Edit{Path: "bound", Edits: find("bound 9\n", lines("bind", 50))},
			editor.Edit{Path: "far/f", Edits: append(find("far 1\n", ""), find("far 399\n", "")...)},
			editor.Write{Path: "plain", Content: []byte("new\n")},
			editor.Delete{Path: "gone"},
			editor.Create{Path: "made", Content: []byte("made\n")},
		}},
	}
}

// inodes are the inode numbers and link counts of all files beneath the root.
func inodes(t testing.TB, fs *crashfs.FS, names ...string) map[string]string {
	t.Helper()
	d, err := fs.Meddler().OpenRoot(crashRoot)
	require.NoError(t, err)
	got := make(map[string]string)
	for _, p := range names {
		in, name := d, p
		if dir, rest, ok := strings.Cut(p, "/"); ok {
			in, err = d.OpenDir(dir)
			require.NoError(t, err)
			name = rest
		}
		info, err := in.Lstat(name)
		require.NoError(t, err, p)
		got[p] = fmt.Sprintf("inode %d, %d names", info.Ino, info.Nlink)
	}
	return got
}

var stubborn = []string{"grow", "shrink", "same", "dir/grow", "dir/shrink", "dir/same", "bound", "far/f"}

// TestCrashInPlaceAtEveryOperation cuts the power, with torn pages, before every
// operation of transactions that write in place: recovery ends in before or
// after, and every file is still the same inode with the same names.
func TestCrashInPlaceAtEveryOperation(t *testing.T) {
	for name, plan := range stubbornPlans() {
		for optName, o := range map[string]crashfs.Options{"": {}, " without exchange": {NoExchange: true}} {
			t.Run(name+optName, func(t *testing.T) { sweepInPlace(t, plan, o) })
		}
	}
}

func sweepInPlace(t *testing.T, plan editor.Plan, o crashfs.Options) {
	sweepTree(t, stubbornTree(t, o), plan)
}

// TestCrashWhileAWriteTakesPrivileges is the same for files from which every
// write takes something that only comes back when all is written: setuid, or
// capabilities. No crash leaves them without.
func TestCrashWhileAWriteTakesPrivileges(t *testing.T) {
	for name, dress := range map[string]struct {
		euid int
		do   func(d vfs.Dir) error
	}{
		"setuid":     {1000, func(d vfs.Dir) error { return d.Chmod("grow", 0o6755) }},
		"capability": {0, func(d vfs.Dir) error { return d.SetXattr("grow", "security.capability", []byte("cap")) }},
	} {
		for change, op := range map[string]editor.Op{
			"edit":  editor.Edit{Path: "grow", Edits: append(find("grow 7\n", lines("more", 200)), find("grow 299\n", "")...)},
			"write": editor.Write{Path: "grow", Content: []byte(lines("short", 40))},
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				fs := stubbornTree(t, crashfs.Options{EUID: dress.euid})
				d, err := fs.Meddler().OpenRoot(crashRoot)
				require.NoError(t, err)
				require.NoError(t, dress.do(d))
				fs.Settle()
				sweepTree(t, fs, editor.Plan{Ops: []editor.Op{op, editor.Write{Path: "plain", Content: []byte("new\n")}}})
			})
		}
	}
}

func sweepTree(t *testing.T, fs *crashfs.FS, plan editor.Plan) {
	s := &sweep{t: t, before: userTree(fs), nested: 20}
	if long() {
		s.nested = 3
	}
	same := inodes(t, fs, stubborn...)
	pick := newSampler(t)
	var crashed []survivor
	fs.OnOp(func(at op.Op) {
		for name, clone := range fs.Survivors() {
			if pick.chosen(12) {
				crashed = append(crashed, survivor{fmt.Sprintf("at %v: %s", at, name), clone})
			}
		}
		seed := pick.Uint64()
		crashed = append(crashed, survivor{fmt.Sprintf("at %v: random %d", at, seed), fs.Survive(crashfs.Random(seed))})
		crashed = append(crashed, survivor{fmt.Sprintf("at %v: killed", at), fs.Killed()})
	})
	_, err := applyPlan(fs, plan)
	require.NoError(t, err)
	fs.OnOp(nil)
	s.after = userTree(fs)
	require.False(t, treesEqual(s.before, s.after))
	require.Equal(t, same, inodes(t, fs, stubborn...))
	require.Empty(t, leftovers(fs))
	for _, c := range crashed {
		if pick.chosen(10) {
			s.check(c.name, c.fs, 1)
			require.Equal(t, same, inodes(t, c.fs, stubborn...), c.name)
		}
	}
	s.before = s.after
	for name, survivor := range fs.Survivors() {
		s.check("after success: "+name, survivor, 0)
	}
	t.Logf("%d survivors", s.survivors)
}

// applyWith applies ops on fs with options and returns the error's kind.
func applyWith(t testing.TB, fs vfs.FS, ops []editor.Op, opts ...editor.Option) (*editor.Result, fail.Kind) {
	t.Helper()
	ed, err := editor.Open(context.Background(), crashRoot, append(opts, editor.WithFS(fs))...)
	require.NoError(t, err)
	defer ed.Close()
	res, err := ed.Apply(context.Background(), editor.Plan{Ops: ops})
	if err != nil {
		require.Equal(t, string(fail.Unchanged), stateOf(t, err, "apply"), err)
	}
	return res, fail.KindOf(err)
}

// TestLesson17HardLinksStayLinks: hard links were broken silently; the other
// name kept the old text.
func TestLesson17HardLinksStayLinks(t *testing.T) {
	fs := stubbornTree(t, crashfs.Options{})
	same := inodes(t, fs, stubborn...)
	_, kind := applyWith(t, fs, []editor.Op{editor.Write{Path: "grow", Content: []byte("new\n")}, editor.Chmod{Path: "same", Mode: 0o640}})
	require.Empty(t, kind)
	require.Equal(t, same, inodes(t, fs, stubborn...))
	tree := userTree(fs)
	require.Equal(t, "new\n", tree["dir/grow"].Data)
	require.EqualValues(t, 0o640, tree["dir/same"].Mode)
}

// TestLesson15OperationsOnTwoNamesOfOneInodeMerge: two links to one file passed
// as different files, and an update was lost.
func TestLesson15OperationsOnTwoNamesOfOneInodeMerge(t *testing.T) {
	fs := stubbornTree(t, crashfs.Options{})
	res, kind := applyWith(t, fs, []editor.Op{
		editor.Write{Path: "grow", Content: []byte("one two\n")},
		editor.Edit{Path: "dir/grow", Edits: find("two", "three")},
		editor.Edit{Path: "grow", Edits: find("one", "ONE")},
		editor.Chmod{Path: "dir/grow", Mode: 0o600},
	})
	require.Empty(t, kind)
	require.Len(t, res.Files, 1, "one file")
	tree := userTree(fs)
	require.Equal(t, "ONE three\n", tree["grow"].Data)
	require.Equal(t, tree["grow"], tree["dir/grow"])
	require.EqualValues(t, 0o600, tree["grow"].Mode)
}

// TestNamesOfOneInodeThatMove is what may happen to the names of a file while
// the file changes.
func TestNamesOfOneInodeThatMove(t *testing.T) {
	write := editor.Write{Path: "grow", Content: []byte("new\n")}
	for name, c := range map[string]struct {
		ops  []editor.Op
		kind fail.Kind
		want map[string]string
	}{
		"the other name is deleted": {[]editor.Op{write, editor.Delete{Path: "dir/grow"}}, "", map[string]string{"grow": "new\n"}},
		"deleted first":             {[]editor.Op{editor.Delete{Path: "dir/grow"}, write}, "", map[string]string{"grow": "new\n"}},
		"the other name is renamed": {[]editor.Op{write, editor.Rename{From: "dir/grow", To: "g"}}, fail.IdentityLost, nil},
		"it is renamed":             {[]editor.Op{write, editor.Rename{From: "grow", To: "g"}}, fail.IdentityLost, nil},
		"edited, deleted, edited by the other name": {[]editor.Op{write, editor.Delete{Path: "grow"},
			editor.Edit{Path: "dir/grow", Edits: find("grow 7\n", "")}}, fail.IdentityLost, nil},
		"renamed only": {[]editor.Op{editor.Rename{From: "grow", To: "g"}}, "",
			map[string]string{"g": lines("grow", 300), "dir/grow": lines("grow", 300)}},
		"replaced by another": {[]editor.Op{editor.Delete{Path: "grow"}, editor.Create{Path: "grow", Content: []byte("new\n")}}, "",
			map[string]string{"grow": "new\n", "dir/grow": lines("grow", 300)}},
		"overwritten": {[]editor.Op{editor.Rename{From: "plain", To: "grow", Overwrite: true}}, "",
			map[string]string{"grow": "plain\n", "dir/grow": lines("grow", 300)}},
		"copied": {[]editor.Op{write, editor.Copy{From: "dir/grow", To: "g"}}, "",
			map[string]string{"grow": "new\n", "dir/grow": "new\n", "g": "new\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			fs := stubbornTree(t, crashfs.Options{})
			before := userTree(fs)
			_, kind := applyWith(t, fs, c.ops)
			require.Equal(t, c.kind, kind)
			tree := userTree(fs)
			if kind != "" {
				requireTree(t, before, tree, name)
			}
			for p, data := range c.want {
				require.Equal(t, data, tree[p].Data, p)
			}
		})
	}
}

// TestWriteModes: what cannot be replaced is refused where only rename may
// write, and everything keeps its inode where only writing in place may.
func TestWriteModes(t *testing.T) {
	for _, p := range []string{"grow", "bound"} {
		fs := stubbornTree(t, crashfs.Options{})
		before := userTree(fs)
		_, kind := applyWith(t, fs, []editor.Op{editor.Write{Path: "plain", Content: []byte("new\n")},
			editor.Write{Path: p, Content: []byte("new\n")}}, editor.WithWrite(editor.WriteRename))
		require.Equal(t, fail.IdentityLost, kind, p)
		requireTree(t, before, userTree(fs), p)
	}
	fs := stubbornTree(t, crashfs.Options{})
	same := inodes(t, fs, "plain", "gone")
	_, kind := applyWith(t, fs, []editor.Op{editor.Write{Path: "plain", Content: []byte("new\n")}}, editor.WithWrite(editor.WriteInPlace))
	require.Empty(t, kind)
	require.Equal(t, same, inodes(t, fs, "plain", "gone"))
	require.Equal(t, "new\n", userTree(fs)["plain"].Data)
}

// TestLargeFileInPlace: of a large file that is edited the log holds only what
// changes, unless it is written in place.
func TestLargeFileInPlace(t *testing.T) {
	fs := stubbornTree(t, crashfs.Options{})
	big := lines("big", 200_000)
	require.NoError(t, fs.WriteFile(crashRoot+"/far/big", []byte(big), 0o644))
	fs.Settle()
	before := userTree(fs)
	var killed *crashfs.FS
	fs.OnOp(func(o op.Op) {
		if o.Kind == op.Truncate && o.Path == crashRoot+"/far/big" {
			killed = fs.Survive(crashfs.Random(1))
		}
	})
	_, kind := applyWith(t, fs, []editor.Op{editor.Edit{Path: "far/big", Edits: find("big 7\n", "")}})
	require.Empty(t, kind)
	require.NotNil(t, killed)
	s := &sweep{t: t, before: before, after: userTree(fs), nested: 1}
	s.check("torn", killed, 0)
}

// TestLesson42BusyFilesAreWrittenInPlace: a rename onto a bind-mounted file
// failed with EBUSY half way through. What cannot be written in place either
// leaves everything as it was.
func TestLesson42BusyFilesAreWrittenInPlace(t *testing.T) {
	for name, ops := range map[string][]editor.Op{
		"delete":    {editor.Delete{Path: "bound"}},
		"rename":    {editor.Rename{From: "bound", To: "elsewhere"}},
		"overwrite": {editor.Rename{From: "plain", To: "bound", Overwrite: true}},
	} {
		fs := stubbornTree(t, crashfs.Options{})
		before := userTree(fs)
		_, kind := applyWith(t, fs, append([]editor.Op{editor.Write{Path: "same", Content: []byte("x")}}, ops...))
		require.Contains(t, []fail.Kind{fail.Busy, fail.IdentityLost}, kind, name)
		requireTree(t, before, userTree(fs), name)
	}
}

// TestOtherFileSystemsInTheTree: files there are made, moved and removed like
// others, through slots beside them; a directory does not move there at once.
func TestOtherFileSystemsInTheTree(t *testing.T) {
	for name, ops := range map[string][]editor.Op{
		"create":      {editor.Create{Path: "far/new", Content: []byte("x")}},
		"create deep": {editor.Create{Path: "far/a/b/new", Content: []byte("x")}},
		"delete":      {editor.Delete{Path: "far/f"}},
		"rename":      {editor.Rename{From: "far/f", To: "far/g"}},
		"rename out":  {editor.Rename{From: "far/f", To: "g"}},
		"symlink":     {editor.Symlink{Path: "far/l", Target: "f"}},
		"slotless":    {editor.Mkdir{Path: "far/d/e"}, editor.Chmod{Path: "far/f", Mode: 0o600}},
	} {
		fs := stubbornTree(t, crashfs.Options{})
		before := userTree(fs)
		_, kind := applyWith(t, fs, ops)
		require.Empty(t, kind, name)
		require.Empty(t, leftovers(fs), name)
		require.False(t, treesEqual(before, userTree(fs)), name)
		ed := openOn(t, fs)
		_, err := ed.Undo(context.Background(), "")
		require.NoError(t, err, name)
		requireTree(t, before, userTree(fs), name)
		require.Empty(t, leftovers(fs), name)
	}
	fs := stubbornTree(t, crashfs.Options{})
	before := userTree(fs)
	_, kind := applyWith(t, fs, []editor.Op{editor.Rename{From: "grow", To: "far/grow"}, editor.Create{Path: "far/new"}})
	require.Equal(t, fail.IdentityLost, kind, "a copy would part it from its other name")
	requireTree(t, before, userTree(fs), "two names")
	require.Empty(t, leftovers(fs))
	fs = stubbornTree(t, crashfs.Options{})
	before = fs.Tree(crashRoot)
	_, kind = applyWith(t, fs, []editor.Op{editor.Rename{From: "dir", To: "far/dir"}})
	require.Equal(t, fail.Unsupported, kind)
	require.NotContains(t, slices.Collect(maps.Keys(fs.Tree(crashRoot))), ".emend/wal.log")
	require.Equal(t, comparable(before), comparable(fs.Tree(crashRoot)))
}

// TestForeignBytesInAFileWrittenInPlace: a writer between the seal and the
// write is found by the look just before, and nothing is parked for it; one in
// the middle of the write leaves a file that is neither, and that stays.
func TestForeignBytesInAFileWrittenInPlace(t *testing.T) {
	write := []editor.Op{editor.Write{Path: "grow", Content: []byte(lines("new", 300))},
		editor.Write{Path: "plain", Content: []byte("new\n")}}
	run := func(when func(op.Op) bool, meddle func(fs *crashfs.FS)) (*crashfs.FS, error) {
		fs := stubbornTree(t, crashfs.Options{})
		done := false
		fs.OnOp(func(o op.Op) {
			if !done && when(o) {
				done = true
				meddle(fs)
			}
		})
		ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
		require.NoError(t, err)
		defer ed.Close()
		_, err = ed.Apply(context.Background(), editor.Plan{Ops: write})
		require.True(t, done)
		return fs, err
	}
	sealed := func(o op.Op) bool { return o.Kind == op.SyncDir && strings.HasSuffix(o.Path, "/stage") }
	fs, err := run(sealed, func(fs *crashfs.FS) {
		require.NoError(t, fs.WriteFile(crashRoot+"/grow", []byte("theirs"), 0o644))
	})
	require.Equal(t, fail.Foreign, fail.KindOf(err))
	require.Equal(t, string(fail.Unchanged), stateOf(t, err, "before the write"))
	require.Equal(t, "theirs", userTree(fs)["dir/grow"].Data)
	require.Equal(t, "plain\n", userTree(fs)["plain"].Data)

	truncating := func(o op.Op) bool { return o.Kind == op.Truncate && strings.HasSuffix(o.Path, "/grow") }
	fs, err = run(truncating, func(fs *crashfs.FS) {
		m := fs.Meddler()
		d, err := m.OpenRoot(crashRoot)
		require.NoError(t, err)
		require.NoError(t, fs.WriteFile(crashRoot+"/theirs", []byte("theirs"), 0o644))
		require.NoError(t, d.Rename("theirs", d, "grow"))
	})
	require.Equal(t, fail.Foreign, fail.KindOf(err))
	require.Equal(t, "theirs", userTree(fs)["grow"].Data)
	require.NotErrorIs(t, err, syscall.EIO)
}
