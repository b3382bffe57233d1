package editor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

func TestProgressFollowsACommit(t *testing.T) {
	var p editor.Progress
	require.Equal(t, editor.PhaseNone, p.Now().Phase)
	fs := crashTree(t, crashfs.Options{})
	plan := crashPlans()["five"]
	most := map[editor.Phase]editor.Moment{}
	fs.OnOp(func(op.Op) {
		if m := p.Now(); m.Files >= most[m.Phase].Files {
			most[m.Phase] = m
		}
	})
	ed, err := editor.Open(t.Context(), crashRoot, editor.WithFS(fs), editor.WithProgress(&p))
	require.NoError(t, err)
	_, err = ed.Apply(t.Context(), plan)
	require.NoError(t, err)
	require.NoError(t, ed.Close())
	require.Equal(t, editor.PhaseClean, p.Now().Phase)
	require.EqualValues(t, len(plan.Ops), most[editor.PhasePrepare].Files)
	for _, phase := range []editor.Phase{editor.PhaseStage, editor.PhasePublish} {
		require.Equal(t, most[phase].Total, most[phase].Files, phase)
		require.NotZero(t, most[phase].Files, phase)
	}
}
