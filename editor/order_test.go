package editor_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/internal/vfs/op"
)

// steady applies one plan before, so that the log is there and the trace of the
// next is that of any transaction; it returns the trace of plan.
func steady(t *testing.T, plan editor.Plan, o crashfs.Options) []op.Op {
	fs := crashTree(t, o)
	ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
	require.NoError(t, err)
	_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{editor.Write{Path: "untouched.txt", Content: []byte("x\n")}}})
	require.NoError(t, err)
	before := len(fs.Trace())
	_, err = ed.Apply(context.Background(), plan)
	require.NoError(t, err)
	trace := fs.Trace()[before:]
	require.NoError(t, ed.Close())
	return trace
}

func isLog(o op.Op) bool { return place(o.Path) == "wal.log" }

// TestOrderOfSystemCalls reads the trace of a commit: log, slots and their
// directory are synced before the first path changes, every touched directory
// and chmod-ed file before the retirement is written, that before the slots are
// emptied, and nothing outside .emend is written before the seal is durable.
func TestOrderOfSystemCalls(t *testing.T) {
	for planName, plan := range syncPlans() {
		for optName, o := range sweepOptions {
			t.Run(planName+optName, func(t *testing.T) {
				trace := steady(t, plan, o)
				first := slices.IndexFunc(trace, publishes)
				require.Positive(t, first)
				last := len(trace) - 1
				for ; !publishes(trace[last]); last-- {
					continue
				}
				sealed := slices.IndexFunc(trace, func(o op.Op) bool { return o.Kind == op.Datasync && isLog(o) })
				require.Less(t, sealed, first, "the log is synced before anything is published")
				retired := sealed + 1 + slices.IndexFunc(trace[sealed+1:], func(o op.Op) bool { return o.Kind == op.Datasync && isLog(o) })
				require.Greater(t, retired, last, "the retirement is synced after everything is published")
				wrote := retired
				for ; trace[wrote].Kind != op.Write || !isLog(trace[wrote]); wrote-- {
					continue
				}
				require.Greater(t, wrote, last)

				whole := slices.ContainsFunc(trace[:first], func(o op.Op) bool { return o.Kind == op.SyncFS })
				for _, made := range trace[:first] {
					require.False(t, place(made.Path) == "tree" && made.Kind != op.Link && !made.Kind.Syncs(), "%v is before the seal is durable", made)
					if made.Kind == op.Create && place(made.Path) == "slot" && (!whole || sibling(made.Path)) {
						require.True(t, synced(trace[:first], op.Sync, made.Path), "%v is synced", made.Path)
					}
				}
				if !whole {
					require.True(t, slices.ContainsFunc(trace[:first], func(o op.Op) bool {
						return o.Kind == op.SyncDir && place(o.Path) == "stage"
					}) || slots(trace[:first]) == 0, "the slots' directory is synced")
				}
				for _, o := range trace[first : last+1] {
					if o.Kind == op.Chmod && place(o.Path) == "tree" {
						require.True(t, synced(trace[last:wrote], op.Sync, o.Path) || synced(trace[last:wrote], op.SyncDir, o.Path),
							"%v is synced before the retirement", o.Path)
					}
				}
				for _, dir := range touchedBy(trace[first : last+1]) {
					require.True(t, synced(trace[last:wrote], op.SyncDir, dir), "%s is synced before the retirement", dir)
				}
				for _, o := range trace[:retired] {
					require.False(t, o.Kind == op.Remove && place(o.Path) == "slot" && !o2link(trace, o), "%v before the retirement is durable", o)
				}
				if !o.NoExchange && !o.NoRenameNoReplace { // the calls that stand in for those sync as well
					barriers := 3
					if slices.ContainsFunc(trace, func(o op.Op) bool { return place(o.Path) == "record" }) {
						barriers++
					}
					require.Equal(t, barriers, rounds(trace[:retired+1]), "barriers one after another")
				}
			})
		}
	}
}

func slots(trace []op.Op) (n int) {
	for _, o := range trace {
		if o.Kind != op.Write && (place(o.Path) == "slot" || place(o.To) == "slot") {
			n++
		}
	}
	return n
}

// o2link: the removal is the second half of a rename that was made of a link.
func o2link(trace []op.Op, removed op.Op) bool {
	return slices.ContainsFunc(trace, func(o op.Op) bool { return o.Kind == op.Link && o.Path == removed.Path })
}

func synced(trace []op.Op, k op.Kind, p string) bool {
	return slices.ContainsFunc(trace, func(o op.Op) bool { return o.Kind == k && o.Path == p })
}

// touchedBy lists the directories that are still there and in which a name
// changed.
func touchedBy(trace []op.Op) []string {
	var dirs []string
	for _, o := range trace {
		if o.Kind.Looks() || o.Kind.Syncs() || o.Kind == op.Chmod || o.Kind == op.Write {
			continue
		}
		for _, p := range []string{o.Path, o.To} {
			if p == "" || place(p) != "tree" {
				continue
			}
			for p = parent(p); slices.ContainsFunc(trace, func(o op.Op) bool { return moves(o) && o.Path == p }); {
				p = parent(p)
			}
			dirs = append(dirs, p)
		}
	}
	return dirs
}

func moves(o op.Op) bool {
	return o.Kind == op.RenameNoReplace || o.Kind == op.Rename || o.Kind == op.Rmdir
}

func parent(p string) string {
	for i := len(p) - 1; i > 0; i-- {
		if p[i] == '/' {
			return p[:i]
		}
	}
	return "/"
}

// markSize is the length of the frame that is written right after a barrier.
const markSize = 40

// rounds counts the barriers: syncs with nothing in between but the mark, which
// may be written while other syncs of the barrier are under way.
func rounds(trace []op.Op) (n int) {
	in := false
	for _, o := range trace {
		switch {
		case o.Kind.Syncs():
			if !in {
				n++
			}
			in = true
		case !isLog(o) || o.Len != markSize:
			in = false
		}
	}
	return n
}

// TestPrepareWritesNothing: Prepare, Diff and Discard change and sync nothing,
// and make no .emend.
func TestPrepareWritesNothing(t *testing.T) {
	for planName, plan := range syncPlans() {
		t.Run(planName, func(t *testing.T) {
			fs := crashTree(t, crashfs.Options{})
			before := fs.Tree("/")
			ed, err := editor.Open(context.Background(), crashRoot, editor.WithFS(fs))
			require.NoError(t, err)
			tx, err := ed.Prepare(context.Background(), plan)
			require.NoError(t, err)
			require.NotContains(t, tx.Diff(), "# ")
			require.Equal(t, editor.StateChecked, tx.Checked().State)
			tx.Discard()
			require.NoError(t, ed.Close())
			require.Empty(t, fs.Trace())
			require.Equal(t, before, fs.Tree("/"))
		})
	}
}
