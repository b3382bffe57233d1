package editor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// protocolRun is something that is done to a workspace, the same each time.
type protocolRun struct {
	name  string
	start func() *crashfs.FS
	do    func(fs *crashfs.FS) error // fails only where the run is about failing
	users map[uint64]bool            // inodes that emend did not make; nil for all that are there at the start
}

// watched does the run with some syncs left out, and says which rule that
// broke first.
func (r *protocolRun) watched(leaveOut func(op.Op) bool) (ops int, broken error) {
	fs := r.start()
	fs.SkipSync(leaveOut)
	users := r.users
	if users == nil {
		users = inodesOf(fs)
	}
	over := watch(fs, users)
	before := len(fs.Trace())
	_ = r.do(fs)
	return len(fs.Trace()) - before, over()
}

// TestNoSyncIsMissing holds every operation of commits, rollbacks, recoveries
// and what else writes to the rules of the protocol. Then it leaves out the
// syncs of one place in the code, all others at their work: each time a rule
// must be broken, or that sync is for nothing and this test blind to it.
func TestNoSyncIsMissing(t *testing.T) {
	bySite := map[string][]*protocolRun{}
	length := map[*protocolRun]int{}
	for _, r := range protocolRuns(t) {
		sites := map[string]bool{}
		n, broken := r.watched(func(o op.Op) bool {
			sites[syncSite(o)] = true
			return false
		})
		require.NoError(t, broken, r.name)
		length[r] = n
		for s := range sites {
			bySite[s] = append(bySite[s], r)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(bySite)) {
		runs := bySite[s]
		slices.SortStableFunc(runs, func(a, b *protocolRun) int { return length[a] - length[b] })
		i := slices.IndexFunc(runs, func(r *protocolRun) bool {
			_, broken := r.watched(func(o op.Op) bool { return syncSite(o) == s })
			if broken != nil {
				t.Logf("%s\n\t%s: %v", s, r.name, broken)
			}
			return broken != nil
		})
		if i < 0 {
			t.Errorf("%s\n\tcan be left out of all %d runs", s, len(runs))
		}
	}
}

// syncSite names the place in the code that syncs, and who wants it synced
// where that is a helper of several.
func syncSite(o op.Op) string {
	var chain []string
	for f := range callers() {
		if strings.HasPrefix(f, "wal.(*shared).") && len(chain) > 0 || f == "apply.syncName" || f == "wal.(*Log).commitOne" {
			continue
		}
		if chain = append(chain, f); len(chain) == 3 {
			break
		}
	}
	shared := []string{"wal.(*shared).sync", "apply.(*Job).SyncSlot", "apply.(*Job).syncStage"}
	if !slices.Contains(shared, chain[0]) {
		chain = chain[:1]
	}
	return string(o.Kind) + " in " + strings.Join(chain, " < ")
}

// callers are the functions of emend that are at work, innermost first.
func callers() iter.Seq[string] {
	return func(yield func(string) bool) {
		var pcs [64]uintptr
		frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			name, ok := strings.CutPrefix(f.Function, "github.com/emend/emend/")
			if !ok || strings.HasPrefix(name, "internal/vfs") || strings.Contains(name, "_test") {
				continue
			}
			name, _, _ = strings.Cut(strings.TrimPrefix(name, "internal/"), ".func")
			if !yield(name) {
				return
			}
		}
	}
}

// place is what kind of thing a path is.
func place(p string) string {
	p = strings.TrimPrefix(strings.TrimPrefix(p, crashRoot), "/")
	in, isEmend := strings.CutPrefix(p, ".emend")
	in = strings.TrimPrefix(in, "/")
	switch {
	case p == "":
		return "root"
	case strings.HasPrefix(path.Base(p), ".emend-"):
		return "slot"
	case !isEmend:
		return "tree"
	case in == "":
		return ".emend"
	case strings.HasPrefix(in, "stage/") && strings.HasSuffix(in, ".s"):
		return "record"
	case strings.HasPrefix(in, "stage/"):
		return "slot"
	case strings.HasPrefix(in, ".") && in != ".gitignore":
		return "new " + strings.TrimRight(in[1:], "0123456789")
	case strings.HasPrefix(in, "torn-"):
		return "torn tail"
	case strings.HasPrefix(in, "parked/"):
		return "shelf"
	}
	return in
}

// protocolRuns are commits, and what follows where one fails, is cut off, or is
// regretted, on the systems that lack one thing or another.
func protocolRuns(t *testing.T) []*protocolRun {
	var list []*protocolRun
	for optName, o := range sweepOptions {
		o.BothDirs = true
		for name, plan := range syncPlans() {
			list = append(list, runsOf(t, name+optName, func() *crashfs.FS { return unsaved(t, crashTree(t, o), name) }, plan)...)
		}
		if o.NoLink {
			continue // nothing there has a second name
		}
		for name, plan := range stubbornPlans() {
			list = append(list, runsOf(t, name+optName, func() *crashfs.FS { return unsaved(t, stubbornTree(t, o), name) }, plan)...)
		}
	}
	respells := crashfs.Options{FoldCase: true, BothDirs: true}
	list = append(list, runsOf(t, "respelled", func() *crashfs.FS { return crashTree(t, respells) }, foldPlans()["directories"])...)
	return append(list, laterRuns(t)...)
}

// unsaved has somebody write files of the plan once more, without a sync.
func unsaved(t *testing.T, fs *crashfs.FS, plan string) *crashfs.FS {
	for _, p := range map[string][]string{
		"five": {"edit.txt", "delete.txt", "rename.txt", "mode.sh"}, "mix": {"write.txt", "dir/moved.txt", "dir/sub/a", "dir/sub/b"},
		"links": {"grow", "shrink", "same", "plain"}, "mounts": {"bound", "far/f", "plain", "gone"},
	}[plan] {
		data, err := fs.ReadFile(crashRoot + "/" + p)
		require.NoError(t, err)
		require.NoError(t, fs.WriteFile(crashRoot+"/"+p, data, 0o644))
	}
	return fs
}

// runsOf are a commit, rollbacks of it, and recoveries of what it leaves where
// it is cut off.
func runsOf(t *testing.T, name string, start func() *crashfs.FS, plan editor.Plan) []*protocolRun {
	list := []*protocolRun{{"apply " + name, start, func(fs *crashfs.FS) error { return applyOn(fs, plan) }, nil}}
	list = append(list, rollbacksOf(name, start, plan)...)
	if len(plan.Ops) > 10 {
		return list
	}
	fs := start()
	users := inodesOf(fs)
	for what, crashed := range crashesOf(fs, list[0].do) {
		for _, policy := range []recovery.Policy{recovery.Auto, recovery.PolicyBack} {
			list = append(list, &protocolRun{fmt.Sprintf("recover %s %s, %v", name, what, policy), crashed.Killed,
				func(fs *crashfs.FS) error { return recoverBy(fs, policy) }, users})
		}
	}
	return list
}

// rollbacksOf are commits in which the n-th call that publishes fails.
func rollbacksOf(name string, start func() *crashfs.FS, plan editor.Plan) []*protocolRun {
	var list []*protocolRun
	for n := 2; n <= 12; n += 2 {
		list = append(list, &protocolRun{fmt.Sprintf("roll back %s at %d", name, n), start, func(fs *crashfs.FS) error {
			return applyOn(faultfs.New(fs, faultfs.Fault{Match: publishes, N: n, Err: syscall.EIO}), plan)
		}, nil})
	}
	return list
}

func recoverBy(fs *crashfs.FS, p recovery.Policy) error {
	_, err := recovery.Run(context.Background(), crashRoot, recovery.Options{FS: fs, Policy: p})
	return err
}

// crashesOf are what a kill, and a power cut, leave before some of the
// operations of do on fs.
func crashesOf(fs *crashfs.FS, do func(*crashfs.FS) error) map[string]*crashfs.FS {
	crashed := map[string]*crashfs.FS{}
	fs.OnOp(func(o op.Op) {
		if r := rand.New(rand.NewPCG(uint64(o.Seq), 0)); long() || r.IntN(8) == 0 {
			crashed[fmt.Sprintf("killed at %v", o)] = fs.Killed()
			crashed[fmt.Sprintf("cut at %v", o)] = fs.Survive(crashfs.Random(uint64(o.Seq)))
		}
	})
	_ = do(fs)
	fs.OnOp(nil)
	return crashed
}

// syncPlans are the plans of the sweeps and those that need a sync that none of
// them needs.
func syncPlans() map[string]editor.Plan {
	plans := crashPlans()
	plans["modes"] = editor.Plan{Ops: []editor.Op{
		editor.Chmod{Path: "dir/moved.txt", Mode: 0o600}, editor.Chmod{Path: "dir/other.text", Mode: 0o600},
		editor.Chmod{Path: "dir/sub", Mode: 0o700}}}
	plans["beneath"] = editor.Plan{Ops: []editor.Op{
		editor.Delete{Path: "far/sub/a"}, editor.Create{Path: "far/sub/new", Content: []byte("new\n")}}}
	for name, n := range map[string]int{"ten": 10, "seventy": 70} {
		p := editor.Plan{Ops: []editor.Op{editor.Create{Path: "far/new", Content: []byte("new\n")}}}
		for i := range n {
			p.Ops = append(p.Ops, editor.Create{Path: fmt.Sprintf("dir/new%02d", i), Content: []byte("new\n")})
		}
		plans[name] = p
	}
	return plans
}

// laterRuns are what is done after a commit, or after a person has come between.
func laterRuns(t *testing.T) []*protocolRun {
	plan := crashPlans()["five"]
	applied := func() *crashfs.FS {
		fs := crashTree(t, crashfs.Options{})
		require.NoError(t, applyOn(fs, plan))
		fs.Settle()
		return fs
	}
	open := func(do func(ed *editor.Editor) error) func(fs *crashfs.FS) error {
		return func(fs *crashfs.FS) error {
			ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
			if err != nil {
				return err
			}
			defer ed.Close()
			return do(ed)
		}
	}
	noStage := func() *crashfs.FS {
		fs := applied()
		d, err := fs.Meddler().OpenRoot(crashRoot + "/.emend")
		require.NoError(t, err)
		require.NoError(t, d.Rmdir("stage"))
		fs.Settle()
		return fs
	}
	torn := func() *crashfs.FS {
		fs := applied()
		data, err := fs.ReadFile(crashRoot + "/.emend/wal.log")
		require.NoError(t, err)
		at := bytes.LastIndexFunc(data, func(r rune) bool { return r != 0 }) + 100
		require.NoError(t, fs.WriteFile(crashRoot+"/.emend/wal.log", append(data[:at:at], "torn"...), 0o600))
		fs.Settle()
		return fs
	}
	host := func(fs *crashfs.FS) error {
		l, err := wal.Open(context.Background(), crashRoot+"/.emend", wal.Options{FS: fs})
		if err != nil {
			return err
		}
		if err = l.Acquire(context.Background(), time.Second, nil); err == nil {
			err = l.AppendHost(wal.Intent{ID: "host",
				Edits: []locator.FileEdit{{Path: "write.txt", StartByte: 0, EndByte: 3, NewText: "new"},
					{Path: "far/delete", StartByte: 0, EndByte: 2, NewText: "TO"}},
				Originals: map[string][]byte{"write.txt": []byte("old content\n"), "far/delete": []byte("to be deleted, far away\n")}})
			l.Release()
		}
		return errors.Join(err, l.Close())
	}
	hosted := func() *crashfs.FS {
		fs := applied()
		require.NoError(t, host(fs))
		fs.Settle()
		return fs
	}
	again := crashPlans()["mix"]
	ctx := context.Background()
	list := []*protocolRun{
		{"undo", applied, open(func(ed *editor.Editor) error { _, err := ed.Undo(ctx, ""); return err }), nil},
		{"gc", applied, open(func(ed *editor.Editor) error { _, err := ed.GC(ctx); return err }), nil},
		{"gc and apply", applied, open(func(ed *editor.Editor) error {
			_, err := ed.GC(ctx)
			if err == nil {
				_, err = ed.Apply(ctx, again)
			}
			return err
		}), nil},
		{"apply with a torn tail", torn, func(fs *crashfs.FS) error { return applyOn(fs, again) }, nil},
		{"recover a host's intent", hosted, func(fs *crashfs.FS) error {
			_, err := recovery.Run(ctx, crashRoot, recovery.Options{FS: fs, Host: true})
			return err
		}, nil},
		{"append to a new log", func() *crashfs.FS { return crashTree(t, crashfs.Options{}) }, host, nil},
		{"apply without a stage", noStage, func(fs *crashfs.FS) error { return applyOn(fs, again) }, nil},
	}
	for _, r := range rollbacksOf("again", applied, again) {
		for what, crashed := range crashesOf(applied(), r.do) {
			list = append(list, &protocolRun{"recover " + r.name + " " + what, crashed.Killed, func(fs *crashfs.FS) error { return recoverBy(fs, recovery.Auto) }, nil})
		}
	}
	for _, use := range []editor.Resolution{editor.UseBefore, editor.UseAfter, editor.KeepCurrent} {
		fs, id := parkedTree(t)
		fs.Settle()
		list = append(list, &protocolRun{fmt.Sprintf("resolve %v", use), fs.Killed,
			open(func(ed *editor.Editor) error {
				_, err := ed.Resolve(ctx, id, editor.ResolveOptions{Use: use})
				return err
			}), nil})
	}
	return list
}
