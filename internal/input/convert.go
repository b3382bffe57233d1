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
// modes are exact. What a patch does not show of directories comes last. Both
// come from one prepared transaction.
func Pinned(patch []byte, files []editor.FileReport) (editor.Plan, error) {
	var plan editor.Plan
	if len(patch) > 0 {
		var err error
		if plan, err = diff.Parse(&fix.Source{Data: patch}, diff.Options{}); err != nil {
			return editor.Plan{}, err
		}
	}
	before := stood(files)
	known := make(map[string]editor.FileReport, len(files))
	for _, f := range files {
		known[f.Path] = f
	}
	for i, op := range plan.Ops {
		switch o := op.(type) {
		case editor.Rename:
			if moved, ok := before[o.From]; ok {
				before[o.To] = moved
			}
		case editor.Edit:
			o.Expect = pin(before[o.Path])
			for k := range o.Edits {
				o.Edits[k].AtEOF = false // the hash says where the file ends
			}
			plan.Ops[i] = o
		case editor.Write:
			o.Expect = pin(before[o.Path])
			plan.Ops[i] = o
		case editor.Delete:
			o.Expect = pin(before[o.Path])
			plan.Ops[i] = o
		case editor.Create:
			o.Mode = exactMode(known[o.Path])
			plan.Ops[i] = o
		case editor.Chmod:
			o.Mode = exactMode(known[o.Path])
			plan.Ops[i] = o
		}
	}
	plan.Ops = append(plan.Ops, directories(files)...)
	return plan, nil
}

// stood returns what was at each path that files are about, as a report says it.
func stood(files []editor.FileReport) map[string]string {
	before := make(map[string]string, len(files))
	for _, f := range files {
		if f.From != "" {
			before[f.From] = f.Before
		}
	}
	for _, f := range files {
		if f.From != "" {
			before[f.Path] = f.Replaced
		} else {
			before[f.Path] = f.Before
		}
	}
	return before
}

// directories returns what becomes of directories without their files.
func directories(files []editor.FileReport) []editor.Op {
	var ops []editor.Op
	for _, f := range files {
		switch {
		case f.After != "dir":
		case f.Before == "" && f.From == "":
			ops = append(ops, editor.Mkdir{Path: f.Path}, editor.Chmod{Path: f.Path, Mode: exactMode(f)})
		case f.Before == "dir" && f.Mode != "":
			ops = append(ops, editor.Chmod{Path: f.Path, Mode: exactMode(f)})
		}
	}
	return ops
}

// pin expects the file that the state of a report is; nothing where it is none.
func pin(state string) editor.Expect {
	digest, err := hashing.Parse(state)
	if err != nil {
		return editor.Expect{}
	}
	return editor.RawHash(digest)
}

func exactMode(f editor.FileReport) editor.Mode {
	bits, err := strconv.ParseUint(f.Perm, 8, 12)
	if err != nil {
		return 0 // nothing is left that has one
	}
	return editor.Mode(bits) | editor.ExactMode
}
