package recovery

import "github.com/emend/emend/wal"

// Policy says which way an intent goes where both ways are open.
type Policy uint8

// The policies. Auto is the table of docs/PROTOCOL.md; the others override its
// second and third row where nothing foreign stands in the way.
const (
	Auto Policy = iota
	PolicyForward
	PolicyBack
)

// Course is what is done with an intent.
type Course uint8

// The courses.
const (
	GoForward Course = iota // what is still before becomes after; committed
	GoBack                  // what is after becomes before; rolled back
	Park                    // nothing moves; a person decides
)

// Decide is the one pure table from classes to what is done. Every row ends in
// before with the user's edits to it, in after with the user's edits to it, or
// with nothing moved.
func Decide(verdicts []Verdict, logged wal.Decision, policy Policy) Course {
	var editedBefore, editedAfter, unknown bool
	for _, v := range verdicts {
		editedBefore = editedBefore || v.Class == EditedBefore
		editedAfter = editedAfter || v.Class == EditedAfter
		unknown = unknown || v.Class == Unknown
	}
	canForward, canBack := !editedBefore && !unknown, !editedAfter && !unknown
	switch {
	case logged == wal.Back && canBack:
		return GoBack
	case logged == wal.Back:
		return Park
	case logged == wal.Undecided && policy == PolicyBack && canForward && canBack:
		return GoBack
	case canForward:
		return GoForward
	case canBack:
		return GoBack
	}
	return Park
}
