package editor_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/recovery"
)

// rollback is a commit that fails late, and the trees of its plan.
type rollback struct {
	*protocolRun
	trees
}

func rollbacks(t *testing.T) []rollback {
	var list []rollback
	for name, plan := range crashPlans() {
		for optName, o := range sweepOptions {
			o.BothDirs = true
			tr := treesOf(t, plan, o)
			for _, r := range rollbacksOf(name+optName, func() *crashfs.FS { return crashTree(t, o) }, plan) {
				list = append(list, rollback{r, tr})
			}
		}
	}
	return list
}

// TestCrashInRollback has a late call of a commit fail and crashes the rollback
// at every operation: recovery ends it in before, every time, and once the
// error was returned nothing comes of it any more.
func TestCrashInRollback(t *testing.T) {
	pick := newSampler(t)
	for _, r := range rollbacks(t) {
		t.Run(r.name, func(t *testing.T) {
			fs := r.start()
			var crashed []survivor
			fs.OnOp(func(at op.Op) {
				for name, clone := range fs.Survivors() {
					if pick.chosen(240) {
						crashed = append(crashed, survivor{fmt.Sprintf("at %v: %s", at, name), clone})
					}
				}
			})
			if err := r.do(fs); err != nil {
				require.Equal(t, "unchanged", stateOf(t, err, r.name), "%v", err)
			}
			fs.OnOp(nil)
			for _, c := range crashed {
				_, err := r.recovered(c.fs)
				require.NoError(t, err, c.name)
			}
			for name, clone := range fs.Survivors() {
				got, err := r.recovered(clone)
				require.NoError(t, err, name)
				require.Equal(t, r.outcome(fs), got, name)
			}
		})
	}
}

// A process is killed when it has written that its transaction is over, and not
// synced it. Recovery finds nothing to do, and makes that last: no power cut
// after it brings the transaction back.
func TestWhatIsOverStaysOver(t *testing.T) {
	fs := crashTree(t, crashfs.Options{})
	var killed *crashfs.FS
	fs.OnOp(func(o op.Op) {
		if o.Kind == op.Datasync {
			killed = fs.Killed() // the last one is that of the retirement
		}
	})
	require.NoError(t, applyOn(fs, editor.Plan{Ops: []editor.Op{editor.Chmod{Path: "mode.sh", Mode: 0o755}}})) // no slot is left
	fs.OnOp(nil)
	after := userTree(fs)
	requireTree(t, after, userTree(killed), "killed")
	r, err := recoverOn(killed)
	require.NoError(t, err)
	for _, i := range r.Intents {
		require.NotContains(t, []string{recovery.ActionForward, recovery.ActionBack}, i.Action)
	}
	cut := killed.Survive(crashfs.AllLost())
	_, err = recovery.Run(t.Context(), crashRoot, recovery.Options{FS: cut, Policy: recovery.PolicyBack})
	require.NoError(t, err)
	requireTree(t, after, userTree(cut), "recovered again")
}
