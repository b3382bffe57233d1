package editor_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
)

// sweepOptions are the file systems that the sweeps run on.
var sweepOptions = map[string]crashfs.Options{
	"":                            {},
	" without exchange":           {NoExchange: true},
	" without syncfs, noreplace":  {NoSyncFS: true, NoRenameNoReplace: true},
	" without links or noreplace": {NoLink: true},
}

// faultKinds are the ways in which operation n fails.
var faultKinds = map[string]func(n int) faultfs.Fault{
	"EIO once":       func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.EIO} },
	"EIO forever":    func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.EIO, Forever: true} },
	"ENOSPC once":    func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.ENOSPC} },
	"ENOSPC forever": func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.ENOSPC, Forever: true} },
	"EACCES once":    func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.EACCES} },
	"EACCES forever": func(n int) faultfs.Fault { return faultfs.Fault{N: n, Err: syscall.EACCES, Forever: true} },
	"changes only, EIO forever": func(n int) faultfs.Fault {
		return faultfs.Fault{Match: faultfs.Changes, N: n, Err: syscall.EIO, Forever: true}
	},
	"short write once": func(n int) faultfs.Fault {
		return faultfs.Fault{Match: faultfs.Kinds(op.Write), N: n, Err: syscall.EIO, Short: 13}
	},
	"short write forever": func(n int) faultfs.Fault {
		return faultfs.Fault{Match: faultfs.Kinds(op.Write), N: n, Err: syscall.ENOSPC, Short: 13, Forever: true}
	},
	"sync fails once, then succeeds": func(n int) faultfs.Fault {
		return faultfs.Fault{Match: syncs, N: n, Err: syscall.EIO}
	},
	"syncs fail from then on": func(n int) faultfs.Fault {
		return faultfs.Fault{Match: syncs, N: n, Err: syscall.EIO, Forever: true}
	},
}

func syncs(o op.Op) bool { return o.Kind.Syncs() }

// rare says that there are few of such operations: all are looked at.
func rare(kind string) bool { return kind[0] == 's' }

// faultSweep fails operation n of one plan, n = 1, 2, ..., until it passes.
type faultSweep struct {
	trees
	t       *testing.T
	plan    editor.Plan
	options crashfs.Options
	pick    *sampler
	states  map[string]int
}

// TestFaultAtEveryOperation fails every operation of Open and Apply in turn,
// those that only look included. Whatever Apply says of the tree is true: nil
// is after and stays after, unchanged is before and stays before, and after
// needs-recovery a recovery makes it one of the two; through a power cut at
// that moment as well. Then the workspace can be used as ever.
func TestFaultAtEveryOperation(t *testing.T) {
	noLeaks(t)
	pick := newSampler(t)
	for planName, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			t.Run(planName+optName, func(t *testing.T) {
				s := &faultSweep{trees: treesOf(t, plan, o), t: t, plan: plan, options: o, pick: pick, states: map[string]int{}}
				for kind, fault := range faultKinds {
					n, stride := 1, 1
					if !rare(kind) {
						n, stride = pick.stride(40)
					}
					for s.run(fmt.Sprintf("%s at %d", kind, n), fault(n), n) {
						n += stride
					}
				}
				t.Logf("%v", s.states)
			})
		}
	}
}

// workspace is a tree to change, new to emend or with a history.
func (s *faultSweep) workspace() *crashfs.FS {
	disk := crashTree(s.t, s.options)
	if s.pick.IntN(2) == 0 {
		for _, text := range []string{"a change\n", "stays\n"} {
			plan := editor.Plan{Ops: []editor.Op{editor.Write{Path: "untouched.txt", Content: []byte(text)}}}
			require.NoError(s.t, applyOn(disk, plan))
		}
		disk.Settle()
	}
	return disk
}

// run reports whether the fault hit anything.
func (s *faultSweep) run(name string, fault faultfs.Fault, n int) bool {
	disk := s.workspace()
	fs := faultfs.New(disk, fault)
	var ed *editor.Editor
	var err error
	bounded(s.t, name, func() {
		if ed, err = editor.Open(context.Background(), crashRoot, editor.WithFS(fs)); err == nil {
			_, err = ed.Apply(context.Background(), s.plan)
		}
	})
	hit := fs.Delivered()
	if len(hit) > 0 {
		name += ": " + hit[0].String()
	}
	s.held(name, err, disk)
	fs.Disarm()
	if ed != nil && n%2 == 0 {
		s.goOn(name, disk, ed)
	}
	if ed != nil {
		_ = ed.Close()
	}
	s.usable(name, disk)
	return len(hit) > 0
}

// held checks what err says of the tree, now and through a power cut.
func (s *faultSweep) held(name string, err error, disk *crashfs.FS) {
	var want []outcome
	state := "success"
	if err != nil {
		state = stateOf(s.t, err, name)
	}
	switch state {
	case "success", "committed":
		want = []outcome{isAfter}
	case "unchanged":
		want = []outcome{isBefore}
	case "needs-recovery":
		want = []outcome{isBefore, isAfter}
	default:
		require.Fail(s.t, "state "+state, "%s: %v", name, err)
	}
	s.states[state]++
	if len(want) == 1 {
		require.Equal(s.t, want[0], s.outcome(disk), "%s: now: %v", name, err)
	}
	for cut, survivor := range cuts(disk, s.pick.Uint64()) {
		got, rerr := s.recovered(survivor)
		require.NoError(s.t, rerr, "%s: %v; then %s", name, err, cut)
		require.Contains(s.t, want, got, "%s: %v; then %s", name, err, cut)
	}
}

// goOn applies the plan again with the same Editor, now that nothing fails any
// more. Only where every file is changed already it may not fit a second time.
func (s *faultSweep) goOn(name string, disk *crashfs.FS, ed *editor.Editor) {
	done := s.outcome(disk) == isAfter
	var err error
	bounded(s.t, name+": again", func() { _, err = ed.Apply(context.Background(), s.plan) })
	if err != nil && done {
		require.Equal(s.t, "unchanged", stateOf(s.t, err, name), "%s: again: %v", name, err)
		return
	}
	require.NoError(s.t, err, "%s: again", name)
	require.Equal(s.t, isAfter, s.outcome(disk), "%s: again", name)
}

// usable recovers the disk and applies another plan.
func (s *faultSweep) usable(name string, disk *crashfs.FS) {
	_, err := s.recovered(disk)
	require.NoError(s.t, err, name)
	other := editor.Plan{Ops: []editor.Op{editor.Write{Path: "untouched.txt", Content: []byte(name)}}}
	bounded(s.t, name+": another plan", func() { err = applyOn(disk, other) })
	require.NoError(s.t, err, name)
	got, err := disk.Survive(crashfs.AllLost()).ReadFile(crashRoot + "/untouched.txt")
	require.NoError(s.t, err)
	require.Equal(s.t, name, string(got))
}

// TestFullDiskAtEveryByte lets the disk fill up after n more bytes.
func TestFullDiskAtEveryByte(t *testing.T) {
	noLeaks(t)
	pick := newSampler(t)
	for planName, plan := range crashPlans() {
		t.Run(planName, func(t *testing.T) {
			s := &faultSweep{trees: treesOf(t, plan, crashfs.Options{}), t: t, plan: plan, pick: pick, states: map[string]int{}}
			first, stride := pick.stride(97)
			for n := int64(first); s.full(n); {
				if n += int64(stride); n > 4096 && n < 65536 {
					n = 65536 // in between is the first filling of the log with zeros
				}
			}
			t.Logf("%v", s.states)
		})
	}
}

func (s *faultSweep) full(n int64) bool {
	name := fmt.Sprintf("room for %d bytes", n)
	disk := crashTree(s.t, s.options)
	fs := faultfs.New(disk)
	fs.Space(n)
	var err error
	bounded(s.t, name, func() { err = applyOn(fs, s.plan) })
	s.held(name, err, disk)
	if err != nil {
		require.Equal(s.t, "unchanged", stateOf(s.t, err, name), "%s: a full disk is met before the commit point", name)
	}
	s.usable(name, disk)
	return len(fs.Delivered()) > 0
}

// TestFaultInRecovery crashes the commit at some operation, fails operation n
// of the recovery, n = 1, 2, ..., until it passes, cuts the power on top, and
// recovers again.
func TestFaultInRecovery(t *testing.T) {
	noLeaks(t)
	pick := newSampler(t)
	for planName, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			t.Run(planName+optName, func(t *testing.T) {
				s := &faultSweep{trees: treesOf(t, plan, o), t: t, plan: plan, options: o, pick: pick}
				every := 30
				if long() {
					every = 8
				}
				for _, c := range s.crashed(every) {
					for kind, fault := range faultKinds {
						if !pick.chosen(6) {
							continue
						}
						n, stride := pick.stride(20)
						for s.failRecovery(fmt.Sprintf("%s; recovery: %s at %d", c.name, kind, n), c.fs, fault(n)) {
							n += stride
						}
					}
				}
			})
		}
	}
}

// crashed are survivors of the plan, each every-th of all on the average.
func (s *faultSweep) crashed(every int) []survivor {
	fs := crashTree(s.t, s.options)
	var list []survivor
	fs.OnOp(func(at op.Op) {
		for cut, clone := range cuts(fs, s.pick.Uint64()) {
			if s.pick.IntN(every) == 0 {
				list = append(list, survivor{fmt.Sprintf("at %v: %s", at, cut), clone})
			}
		}
	})
	require.NoError(s.t, applyOn(fs, s.plan))
	return list
}

func (s *faultSweep) failRecovery(name string, crashed *crashfs.FS, fault faultfs.Fault) bool {
	disk := crashed.Killed()
	fs := faultfs.New(disk, fault)
	var err error
	bounded(s.t, name, func() {
		if s.pick.IntN(2) == 0 {
			_, err = recoverOn(fs)
			return
		}
		var ed *editor.Editor
		if ed, err = editor.Open(context.Background(), crashRoot, editor.WithFS(fs)); err == nil {
			_ = ed.Close()
		}
	})
	if err != nil {
		stateOf(s.t, err, name)
	} else {
		require.NotEqual(s.t, isMixed, s.outcome(disk), name)
	}
	done := s.outcome(disk)
	for cut, survivor := range cuts(disk, s.pick.Uint64()) {
		got, rerr := s.recovered(survivor)
		require.NoError(s.t, rerr, "%s: %v; then %s", name, err, cut)
		if err == nil {
			require.Equal(s.t, done, got, "%s: then %s", name, cut)
		}
	}
	s.usable(name, disk)
	return len(fs.Delivered()) > 0
}
