package editor_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

const module = "github.com/emend/emend/"

// site names the call of a sync: what is synced, and the functions of emend
// that led there, innermost first.
func site(o op.Op) string {
	var pcs [48]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var chain []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name, ok := strings.CutPrefix(f.Function, module)
		if !ok || strings.HasPrefix(name, "internal/vfs") || strings.Contains(name, "_test") || strings.Contains(name, "Parallel") {
			continue
		}
		name = strings.TrimPrefix(name, "internal/")
		name, _, _ = strings.Cut(name, ".func")
		if name == "apply.(*Job).move" || name == "apply.(*mover).move" || name == "recovery.(*view).each" ||
			strings.HasPrefix(name, "wal.(*shared).commit") || name == "wal.(*shared).barrier" || name == "wal.(*Log).commitOne" ||
			name == "recovery.attempt" || strings.HasPrefix(name, "recovery.(*view).prepareForward.") {
			continue // on every way
		}
		if !slices.Contains(chain, name) {
			chain = append(chain, name)
		}
		if name == "apply.(*Job).Barrier" || name == "editor.(*Editor).acquire" || name == "apply.(*Workspace).subdir" ||
			name == "wal.(*shared).create" || name == "editor.(*commit).finish" || name == "editor.(*commit).rollBack" || strings.HasPrefix(name, "recovery.Resolve") {
			break
		}
	}
	return string(o.Kind) + " " + place(o.Path) + " in " + strings.Join(chain, " < ")
}

// place is what kind of thing a path is.
func place(p string) string {
	p = strings.TrimPrefix(strings.TrimPrefix(p, crashRoot), "/")
	in, isEmend := strings.CutPrefix(p, ".emend")
	in = strings.TrimPrefix(in, "/")
	switch {
	case p == "":
		return "root"
	case !isEmend:
		return "tree"
	case in == "":
		return ".emend"
	case strings.HasPrefix(in, "stage/"):
		return "slot"
	case strings.HasPrefix(in, "."):
		return "new " + strings.TrimRight(in[1:], "0123456789")
	case strings.HasPrefix(in, "torn-"):
		return "torn tail"
	case strings.HasPrefix(in, "parked/"):
		return "shelf"
	}
	return in
}

// syncRun is something whose syncs are left out one by one.
type syncRun struct {
	trees
	kind  string
	name  string
	start func() *crashfs.FS
	run   func(fs *crashfs.FS) error
	// keepsakes are what an honest run leaves in .emend for a person to look at.
	keepsakes []string
	ops       int // of an honest run
	turn      int // whose turn it is to be edited
}

// sites are the syncs of an honest run.
func (r *syncRun) sites(t *testing.T) []string {
	fs := r.start()
	seen := map[string]bool{}
	fs.SkipSync(func(o op.Op) bool {
		seen[site(o)] = true
		return false
	})
	r.finished(t, r.run(fs))
	fs.SkipSync(nil)
	r.keepsakes, r.ops = keepsakes(fs), len(fs.Trace())
	return slices.Sorted(maps.Keys(seen))
}

func (r *syncRun) finished(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.Equal(t, "unchanged", stateOf(t, err, r.name), "%s: %v", r.name, err)
	}
}

// patience bounds the search for what a missing sync breaks in one run.
const patience = 700 * time.Millisecond

// without leaves out the syncs at some sites and cuts the power before each
// operation; it returns how that broke a promise, nil if it did not.
func (r *syncRun) without(t *testing.T, left func(site string) bool, every int) (caught error) {
	fs := r.start()
	skipped := false
	fs.SkipSync(func(o op.Op) bool {
		if !left(site(o)) {
			return false
		}
		skipped = true
		return true
	})
	n, end := 0, time.Now().Add(patience)
	look := func(when string, check func(*crashfs.FS) error) {
		if caught != nil || !skipped || time.Now().After(end) {
			return
		}
		for cut, survivor := range fs.Survivors() {
			if n++; n%every != 0 {
				continue
			}
			if err := check(survivor); err != nil {
				caught = fmt.Errorf("%s, %s: %w", when, cut, err)
				return
			}
		}
		for seed := range uint64(6) {
			if err := check(fs.Survive(crashfs.Random(seed))); err != nil {
				caught = fmt.Errorf("%s, random %d: %w", when, seed, err)
				return
			}
		}
	}
	fs.OnOp(func(o op.Op) { look("before "+o.String(), r.unfinished) })
	r.finished(t, r.run(fs))
	fs.OnOp(nil)
	fs.SkipSync(nil)
	if caught == nil {
		want := userTree(fs)
		end = time.Now().Add(patience)
		look("at the end", func(s *crashfs.FS) error { return r.stays(s, want) })
	}
	for _, p := range slices.Sorted(maps.Keys(r.before)) {
		if caught != nil || r.before[p].Kind != vfs.Regular && r.after[p].Kind != vfs.Regular {
			continue
		}
		for _, text := range []string{r.before[p].Data, r.after[p].Data, "a user's\n"} {
			edited := fs.Killed()
			if caught == nil && edit(t, edited, p, text) {
				want := userTree(edited)
				end = time.Now().Add(patience)
				end = time.Now().Add(patience)
				whole := fs
				fs = edited
				look(fmt.Sprintf("at the end, and a user has written %q to %s", text, p),
					func(s *crashfs.FS) error { return r.stays(s, want) })
				fs = whole
			}
		}
	}
	return caught
}

// edit writes text to the file p as a careful editor does, in place and synced.
// False: there is no such file, or the text is there already.
func edit(t *testing.T, fs *crashfs.FS, p, text string) bool {
	data, err := fs.ReadFile(crashRoot + "/" + p)
	if err != nil || string(data) == text || text == "" {
		return false
	}
	dir, name := crashRoot, p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		dir, name = crashRoot+"/"+p[:i], p[i+1:]
	}
	d, err := fs.Meddler().OpenRoot(dir)
	require.NoError(t, err)
	defer d.Close()
	if info, err := d.Lstat(name); err != nil || info.Kind != vfs.Regular {
		return false
	}
	f, err := d.OpenWrite(name)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte(text), 0)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(int64(len(text))))
	require.NoError(t, f.Sync())
	return true
}

func (r *syncRun) unfinished(s *crashfs.FS) error {
	edited := s.Killed()
	if _, err := r.recovered(s); err != nil {
		return err
	}
	if err := r.keeps(s); err != nil {
		return err
	}
	r.turn++
	paths := r.changed()
	p := paths[r.turn%len(paths)]
	if _, err := r.afterMeddling(edited, p, meddlings["edits in place"]); err != nil {
		return fmt.Errorf("after an edit of %s: %w", p, err)
	}
	return nil
}

// stays: what had been reported, and what a user made of it, is still there.
func (r *syncRun) stays(s *crashfs.FS, want map[string]crashfs.Node) error {
	if _, err := recoverOn(s); err != nil {
		return err
	}
	if !treesEqual(userTree(s), want) {
		return errors.New("what had been reported is lost")
	}
	return r.keeps(s)
}

func (r *syncRun) keeps(s *crashfs.FS) error {
	have := keepsakes(s)
	for _, k := range r.keepsakes {
		if !slices.Contains(have, k) {
			return fmt.Errorf("%.60q is lost", k)
		}
	}
	for p, n := range s.Tree(crashRoot) {
		if strings.HasSuffix(p, ".emend/.gitignore") && n.Data != "*\n" {
			return fmt.Errorf(".gitignore holds %q", n.Data)
		}
	}
	return nil
}

// keepsakes are the files on shelves, and torn tails that were cut off.
func keepsakes(fs *crashfs.FS) []string {
	var list []string
	for p, n := range fs.Tree(crashRoot) {
		if i := strings.Index(p, ".emend/parked/"); i >= 0 && n.Kind == vfs.Regular {
			list = append(list, p[i:]+"="+n.Data)
		} else if strings.Contains(p, ".emend/torn-") {
			list = append(list, "torn="+n.Data)
		}
	}
	return list
}

// syncPlans are the plans of the sweeps and those that need a sync that none of
// them needs.
func syncPlans() map[string]editor.Plan {
	plans := crashPlans()
	plans["modes"] = editor.Plan{Ops: []editor.Op{
		editor.Chmod{Path: "dir/moved.txt", Mode: 0o600}, editor.Chmod{Path: "dir/other.text", Mode: 0o600},
		editor.Chmod{Path: "dir/sub", Mode: 0o700}}}
	for name, n := range map[string]int{"ten": 10, "seventy": 70} {
		var p editor.Plan
		for i := range n {
			p.Ops = append(p.Ops, editor.Create{Path: fmt.Sprintf("dir/new%02d", i), Content: []byte("new\n")})
		}
		plans[name] = p
	}
	return plans
}

// commits are runs of Apply on a new workspace.
func commits(t *testing.T) []*syncRun {
	var list []*syncRun
	for planName, plan := range syncPlans() {
		for optName, o := range sweepOptions {
			o.BothDirs = true
			list = append(list, &syncRun{trees: treesOf(t, plan, o), kind: "commit", name: planName + optName,
				start: func() *crashfs.FS { return crashTree(t, o) },
				run:   func(fs *crashfs.FS) error { return applyOn(fs, plan) }})
		}
	}
	return list
}

// rollbacks are runs of Apply in which a late call that publishes fails.
func rollbacks(t *testing.T) []*syncRun {
	var list []*syncRun
	for planName, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			o.BothDirs = true
			for n := 2; n <= 6; n += 2 {
				list = append(list, &syncRun{trees: treesOf(t, plan, o), kind: "rollback", name: fmt.Sprint(planName, optName, " ", n),
					start: func() *crashfs.FS { return crashTree(t, o) },
					run: func(fs *crashfs.FS) error {
						return applyOn(faultfs.New(fs, faultfs.Fault{Match: publishes, N: n, Err: syscall.EIO}), plan)
					}})
			}
		}
	}
	return list
}

// publishes matches what changes the user's part of the tree.
func publishes(o op.Op) bool {
	return !o.Kind.Looks() && !o.Kind.Syncs() && o.Kind != op.Link && (place(o.Path) == "tree" || o.To != "" && place(o.To) == "tree")
}

// recoveries are runs of recovery on what a crash of Apply left.
func recoveries(t *testing.T, pick *sampler, every int) []*syncRun {
	var list []*syncRun
	for planName, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			o.BothDirs = true
			tr := treesOf(t, plan, o)
			fs := crashTree(t, o)
			fs.OnOp(func(at op.Op) {
				for cut, crashed := range cuts(fs, pick.Uint64()) {
					if pick.IntN(every) == 0 {
						list = append(list, recoveryOf(tr, fmt.Sprintf("%s%s at %v, %s", planName, optName, at, cut), crashed))
					}
				}
			})
			require.NoError(t, applyOn(fs, plan))
		}
	}
	return list
}

func recoveryOf(tr trees, name string, crashed *crashfs.FS) *syncRun {
	return &syncRun{trees: tr, kind: "recovery", name: name,
		start: crashed.Killed,
		run:   func(fs *crashfs.FS) error { _, err := recoverOn(fs); return err }}
}

// together are sites of which each stands in for the other: only without both
// is anything lost.
var together = map[string][]string{
	"a link made and a name removed instead of a rename": {"moveNoReplace"},
	"the log before recovery acts":                       {"(*Log).Decide < recovery", "(*Log).Sync < recovery.(*Report).Recover"},
	"the names of log and slots":                         {"syncdir .emend", "syncdir root in apply.(*Workspace).Ensure"},
}

// TestEverySyncIsNeeded leaves out the syncs of one call site, all others at
// their work, and cuts the power at every operation: some survivor is mixed, or
// has lost what was reported. It prints what caught which; without EMEND_LONG
// it looks at a few sites.
func TestEverySyncIsNeeded(t *testing.T) {
	pick := newSampler(t)
	runs := slices.Concat(commits(t), rollbacks(t), recoveries(t, pick, 40))
	bySite := map[string][]*syncRun{}
	for _, r := range runs {
		for _, s := range r.sites(t) {
			bySite[r.kind+": "+s] = append(bySite[r.kind+": "+s], r)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(bySite)) {
		_, only, _ := strings.Cut(s, ": ")
		if pick.chosen(20) {
			leaveOut(t, s, bySite[s], func(site string) bool { return site == only })
		}
	}
	for what, parts := range together {
		if pick.chosen(6) {
			leaveOut(t, what, runs, func(site string) bool {
				return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(site, p) })
			})
		}
	}
}

// leaveOut tries the runs until one shows what the syncs are for.
func leaveOut(t *testing.T, what string, runs []*syncRun, left func(site string) bool) {
	slices.SortStableFunc(runs, func(a, b *syncRun) int { return a.ops - b.ops })
	every := max(1, len(runs)/tries)
	for i := 0; i < len(runs); i += every {
		if err := runs[i].without(t, left, 3); err != nil {
			t.Logf("%s\n\tcaught by %s: %.200v", what, runs[i].name, err)
			return
		}
	}
	t.Logf("%s\n\tnot caught by any of %d", what, len(runs))
}

// tries is about how many runs are tried for one site.
const tries = 10
