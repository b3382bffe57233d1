package recovery

import (
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Report says what recovery found and did, or would do.
type Report struct {
	Intents []IntentReport `json:"intents"`
	Log     LogReport      `json:"log"`
}

// LogReport is what was repaired in the log.
type LogReport struct {
	TornBytes  int64  `json:"torn_bytes"`
	Quarantine string `json:"quarantine,omitempty"` // where the cut bytes were copied to
}

// IntentReport is what became of one intent.
type IntentReport struct {
	ID     string
	Label  string
	Action string // forward, back, finished, discarded or parked
	Files  []FileReport
	Plan   hashing.Digest // of the plan that the intent was made of
}

// FileReport is one path of an intent: how it was found and what was done.
type FileReport struct {
	Path   string
	State  string // before, after, torn or foreign
	Action string
	Why    string
}

// The actions of an intent.
const (
	ActionForward   = "forward"
	ActionBack      = "back"
	ActionFinished  = "finished"
	ActionDiscarded = "discarded"
	ActionParked    = "parked"
)

var states = map[Class]string{
	IsBefore: "before", IsAfter: "after", IsTorn: "torn",
	EditedBefore: "foreign", EditedAfter: "foreign", Unknown: "foreign",
}

var reasons = map[Class]string{
	IsBefore:     "as it was before the change",
	IsAfter:      "as the change leaves it",
	IsTorn:       "half written in place",
	EditedBefore: "edited by somebody before it was changed here",
	EditedAfter:  "edited by somebody after it was changed here",
	Unknown:      "edited by somebody; before or after the change cannot be told",
}

// report describes what course does, or did, with the intent of v.
func (v *view) report(course Course) IntentReport {
	r := IntentReport{ID: v.tx.ID.String(), Label: v.tx.Label, Action: ActionFinished, Plan: v.tx.Plan}
	for n := range v.job.Steps {
		moves := v.moves(n, course)
		if moves && course == GoForward {
			r.Action = ActionForward
		}
		c, why := v.verdicts[n].Class, reasons[v.verdicts[n].Class]
		if c == IsTorn && v.job.Steps[n].DirFrom != "" {
			why = "between two spellings of its name"
		}
		r.Files = append(r.Files, FileReport{Path: v.job.Steps[n].Path, State: states[c],
			Action: fileAction(&v.job.Steps[n], course, moves), Why: why})
	}
	switch course {
	case GoBack:
		r.Action = ActionBack
	case Park:
		r.Action = ActionParked
	}
	return r
}

// fileAction names what is done with one path in the direction of course.
func fileAction(st *wal.Step, course Course, moves bool) string {
	if !moves {
		return "keep"
	}
	goal := st.After.Kind
	if course == GoBack {
		goal = st.Before.Kind
	}
	switch {
	case goal == vfs.Absent:
		return "remove"
	case course == GoBack:
		return "restore"
	}
	return "publish"
}
