package main

import (
	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/spf13/cobra"
)

// driftFlags say what to do where a file is not what a plan was made for.
type driftFlags struct {
	on      *choice
	markers bool
}

func (f *driftFlags) add(cmd *cobra.Command) {
	f.on = choose(cmd, "on-drift", "what to do where a file is not as expected", "reject", "relocate", "merge")
	cmd.Flags().BoolVar(&f.markers, "conflict-markers", false, "with --on-drift merge: mark in the file what cannot be merged")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.markers && f.on.value != "merge" {
			return fail.New(fail.Usage, "", "", "--conflict-markers goes with --on-drift merge")
		}
		return nil
	}
}

func (f *driftFlags) policy() editor.DriftPolicy {
	if f.markers {
		return editor.MarkDrift
	}
	return map[string]editor.DriftPolicy{
		"reject": editor.RejectDrift, "relocate": editor.RelocateDrift, "merge": editor.MergeDrift}[f.on.value]
}
