package wal

import (
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

// ID names an intent: 16 random bytes, as text 26 characters of Crockford
// base32.
type ID [16]byte

// Begin is the first frame of an intent: what is known before any file of it.
type Begin struct {
	ID     ID
	Time   time.Time
	Label  string
	Key    string
	Plan   hashing.Digest // of the plan, so that a key used again can be told from another plan
	Undoes ID             // zero: undoes nothing
	Redo   bool           // the transaction is a redo: the undo of the undo Undoes
}

// State is one path before or after an intent. Where both states are of one
// kind and equal in something, that something is not the intent's business
// and is not compared.
type State struct {
	Kind   vfs.Kind       // Absent, Regular, Symlink or Directory
	Hash   hashing.Digest // of a file: its bytes; of a link: its target's bytes
	Norm   hashing.Digest // of a file
	Size   int64          // of a file
	Target string         // of a link
	Meta   Meta           // of everything but Absent
}

// Meta is what a file has besides its bytes.
type Meta struct {
	Mode     uint32 // vfs.ModeMask bits
	UID, GID uint32
	Xattrs   []vfs.Xattr // sorted by name
}

// Op is the operation of the plan a step answers for, as users know it.
type Op uint8

// The operations. StepNone marks a step that the plan does not name itself: a
// missing parent made, the old name of a rename, an emptied directory removed.
const (
	StepNone Op = iota
	StepEdit
	StepWrite
	StepCreate
	StepDelete
	StepRename
	StepChmod
	StepSymlink
	StepMkdir
)

// Image says which of a step's two images is meant.
type Image uint8

// The images.
const (
	Before Image = 1
	After  Image = 2
)

// Step is one path of an intent, one file frame in the log. Before and After
// always differ.
type Step struct {
	N      int    // the path's number, from 0, in the order in which it is published
	Path   string // relative to the root, slash-separated, no component a link
	Before State
	After  State

	// Edits are the replacements that make After of Before, sorted, with the
	// bytes they replace. Empty where an image is logged whole instead.
	Edits []Replacement

	// LinkOf is the number of the step whose before-inode this step's slot is
	// a hard link of (the source of a rename), -1 for none.
	LinkOf int
	// DirFrom is the old name of a renamed directory; Path is the new one.
	DirFrom string
	// InPlace: the file is written in place, under the log's protection.
	InPlace bool
	// Sibling: the directory of the path's volume in which its slots are, "."
	// for the root, because no rename leads there from .emend/stage; else empty.
	Sibling string
	// HasBefore and HasAfter say which images the log holds whole.
	HasBefore, HasAfter bool

	// What reports and the history say of the step.
	Op       Op
	Order    int    // index of the first operation of the plan that touched the path
	From     string // of a rename: the old name
	NumEdits int
	Shifted  int
	Anchor   string
}

// Replacement is an edit with the bytes that it replaces: the half-open byte
// range [Start, Start+len(Old)) of the before-image becomes New.
type Replacement struct {
	Start    int64
	Old, New []byte
}

// Outcome is how an intent ended.
type Outcome uint8

// The outcomes. Pending is an intent that is sealed and not retired.
const (
	Pending Outcome = iota
	Committed
	RolledBack
	ParkedOutcome
)

// Decision is the direction that recovery, or a rollback, has taken.
type Decision uint8

// The decisions.
const (
	Undecided Decision = iota
	Forward
	Back
)

// Intent is a host's intent: edits that the host applies itself, with what is
// needed to reapply them or to roll them back.
type Intent struct {
	ID               string             `json:"id"`
	Edits            []locator.FileEdit `json:"edits"`
	Originals        map[string][]byte  `json:"originals"`
	ExpectedRawHash  map[string]string  `json:"expected_raw_hash"`
	ExpectedNormHash map[string]string  `json:"expected_norm_hash"`
}
