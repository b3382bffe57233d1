package input

import (
	"strconv"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/input/diff"
	"github.com/emend/emend/internal/input/fix"
)

// Pinned returns the plan that patch is, held by what files say was there: each
// edit and each file that goes or is replaced expects the hash from before, and
// modes are exact. Both come from one prepared transaction.
func Pinned(patch []byte, files []editor.FileReport) (editor.Plan, error) {
	if len(patch) == 0 {
		return editor.Plan{}, nil
	}
	plan, err := diff.Parse(&fix.Source{Data: patch}, diff.Options{})
	if err != nil {
		return editor.Plan{}, err
	}
	known := make(map[string]editor.FileReport, len(files))
	for _, f := range files {
		known[f.Path] = f
	}
	for i, op := range plan.Ops {
		switch o := op.(type) {
		case editor.Edit:
			o.Expect = pin(known[o.Path])
			for k := range o.Edits {
				o.Edits[k].AtEOF = false // the hash says where the file ends
			}
			plan.Ops[i] = o
		case editor.Write:
			o.Expect = pin(known[o.Path])
			plan.Ops[i] = o
		case editor.Delete:
			o.Expect = pin(known[o.Path])
			plan.Ops[i] = o
		case editor.Create:
			o.Mode = exactMode(known[o.Path])
			plan.Ops[i] = o
		case editor.Chmod:
			o.Mode = exactMode(known[o.Path])
			plan.Ops[i] = o
		}
	}
	return plan, nil
}

// pin expects the file that stood at f before; nothing where that was none.
func pin(f editor.FileReport) editor.Expect {
	digest, err := hashing.Parse(f.Before)
	if err != nil {
		return editor.Expect{}
	}
	return editor.RawHash(digest)
}

func exactMode(f editor.FileReport) editor.Mode {
	bits, err := strconv.ParseUint(f.Mode, 8, 12)
	if err != nil {
		return 0 // it does not change
	}
	return editor.Mode(bits) | editor.ExactMode
}
