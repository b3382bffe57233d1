package editor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// FileReport says what a transaction does, or did, to one path.
type FileReport struct {
	Path     string // of a rename the new one
	From     string // of a rename the old one
	Op       string
	Before   string // "xxh3:...", "link:TARGET", "dir", or empty for absent; of a rename what is renamed
	After    string // likewise
	Replaced string // likewise: what a rename has put an end to
	Mode     string // octal; empty where it did not change
	Perm     string // octal; what the mode is now, changed or not; empty for a link, and where nothing is left
	Edits    int
	Shifted  int // edits that were not where the plan said
	Anchor   string
}

var opNames = map[wal.Op]string{
	wal.StepEdit:    "edit",
	wal.StepWrite:   "write",
	wal.StepCreate:  "create",
	wal.StepDelete:  "delete",
	wal.StepRename:  "rename",
	wal.StepChmod:   "chmod",
	wal.StepSymlink: "symlink",
	wal.StepMkdir:   "mkdir",
}

// reportOf returns what steps do to the paths that the plan names, in the
// order of the plan.
func reportOf(steps []wal.Step) []FileReport {
	stood, dirs := make(map[string]*wal.State), dirMovesOf(steps) // by path: what was there
	named := make([]*wal.Step, 0, len(steps))
	for i := range steps {
		st := &steps[i]
		if st.Before.Kind != vfs.Absent {
			stood[dirs.before(st.Path)] = &st.Before
		}
		if st.Op != wal.StepNone {
			named = append(named, st)
		}
	}
	slices.SortStableFunc(named, func(a, b *wal.Step) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Path, b.Path))
	})
	reports := make([]FileReport, len(named))
	for i, st := range named {
		before, replaced := &st.Before, &wal.State{}
		if moved := stood[st.From]; moved != nil {
			before, replaced = moved, before
		} else if st.DirFrom != "" {
			before = &st.After
		}
		reports[i] = FileReport{
			Path: st.Path, From: st.From, Op: opNames[st.Op],
			Before: stateText(before), After: stateText(&st.After), Replaced: stateText(replaced),
			Mode: newMode(before, &st.After), Perm: permOf(&st.After),
			Edits: st.NumEdits, Shifted: st.Shifted, Anchor: st.Anchor,
		}
	}
	return reports
}

func stateText(s *wal.State) string {
	switch s.Kind {
	case vfs.Regular:
		return s.Hash.String()
	case vfs.Symlink:
		return "link:" + s.Target
	case vfs.Directory:
		return "dir"
	}
	return ""
}

// newMode returns the mode of after where what is there had another one before.
func newMode(before, after *wal.State) string {
	if before.Kind != after.Kind || after.Kind == vfs.Symlink || before.Meta.Mode == after.Meta.Mode {
		return ""
	}
	return permOf(after)
}

func permOf(s *wal.State) string {
	if s.Kind != vfs.Regular && s.Kind != vfs.Directory {
		return ""
	}
	return fmt.Sprintf("%04o", s.Meta.Mode)
}

// MarshalJSON writes path or, where it is not UTF-8, path_base64, and null for
// an absent before or after.
func (r FileReport) MarshalJSON() ([]byte, error) {
	path, pathBytes := jsonText(r.Path)
	from, fromBytes := jsonText(r.From)
	orNull := func(state string) *string {
		if state == "" {
			return nil
		}
		return &state
	}
	return json.Marshal(struct {
		Path       string  `json:"path,omitempty"`
		PathBase64 []byte  `json:"path_base64,omitempty"`
		From       string  `json:"from,omitempty"`
		FromBase64 []byte  `json:"from_base64,omitempty"`
		Op         string  `json:"op"`
		Before     *string `json:"before"`
		After      *string `json:"after"`
		Mode       string  `json:"mode,omitempty"`
		Edits      int     `json:"edits"`
		Shifted    int     `json:"shifted"`
		Anchor     string  `json:"anchor,omitempty"`
	}{path, pathBytes, from, fromBytes, r.Op, orNull(r.Before), orNull(r.After), r.Mode, r.Edits, r.Shifted, r.Anchor})
}

// jsonText returns text as a JSON string can hold it, or as bytes.
func jsonText(text string) (string, []byte) {
	if utf8.ValidString(text) {
		return text, nil
	}
	return "", []byte(text)
}
