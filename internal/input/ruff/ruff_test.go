package ruff

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/input/inputtest"
)

func FuzzParse(f *testing.F) {
	inputtest.Fuzz(f, func(src *fix.Source) (editor.Plan, error) {
		return Parse(src, fix.Root{Names: []string{inputtest.Root}}, fix.Options{}, false)
	})
}

func TestUnsafeFixesOnlyWhenAskedFor(t *testing.T) {
	src := &fix.Source{Data: []byte(`[{"cell": null, "code": "F841", "filename": "a.py", "fix": {"applicability": "unsafe", "edits": [
		{"content": "", "location": {"row": 1, "column": 1}, "end_location": {"row": 2, "column": 1}}]}}]`)}
	var skipped []fix.Skipped
	opts := fix.Options{Skipped: func(s fix.Skipped) { skipped = append(skipped, s) }}
	plan, err := Parse(src, fix.Root{}, opts, false)
	require.NoError(t, err)
	require.Empty(t, plan.Ops)
	require.Equal(t, []fix.Skipped{{Fix: "F841", Where: "input:1:2", Reason: "the fix is not safe: unsafe"}}, skipped)
	plan, err = Parse(src, fix.Root{}, opts, true)
	require.NoError(t, err)
	require.Len(t, plan.Ops, 1)
}
