package editor

import (
	"iter"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// Plan is what the user asks for: operations in order, each seeing the
// workspace as the ones before it leave it. Paths are slash-separated, relative
// to the root, and bytes: they need not be UTF-8.
type Plan struct {
	// Key makes applying idempotent: see Editor.Apply. At most 256 bytes.
	Key string
	// Label is shown in the history.
	Label string
	Ops   []Op
	// More yields operations that come behind Ops, for plans of which not all is
	// to be in memory at once; nil: there are none. It may be walked several
	// times, and must yield the same each time. Its error is that of Prepare.
	More iter.Seq2[Op, error]
	// PruneDirs removes directories that the plan's deletes and renames leave
	// empty, as git does when it applies a patch.
	PruneDirs bool
}

// all yields the operations, up to the first error.
func (p Plan) all() iter.Seq2[Op, error] {
	return func(yield func(Op, error) bool) {
		next := func(op Op, err error) bool {
			if op == nil && err == nil {
				err = fail.New(fail.Usage, "prepare", "", "a nil operation")
			}
			return yield(op, err) && err == nil
		}
		for _, op := range p.Ops {
			if !next(op, nil) {
				return
			}
		}
		if p.More != nil {
			p.More(next)
		}
	}
}

// Op is one operation: Edit, Write, Create, Delete, Rename, Chmod, Symlink,
// Mkdir, Copy or Rewrite.
type Op interface {
	op() string
	origin() string
}

// Origin says in errors where an operation comes from, as NAME:LINE:COLUMN of
// an input, say; it may be empty.
type Origin string

func (o Origin) origin() string { return string(o) }

// Mode is permission bits as Unix has them, setuid, setgid and sticky
// included (07777). The zero value means: not given. Flag bits beyond 07777
// ask for modes that depend on the umask or on the file as it is.
type Mode uint32

// Flags of Mode.
const (
	ExactMode  Mode = 1 << 31 // given, even where the bits are 0000
	Executable Mode = 1 << 30 // of a new file: 0777 less umask
	SetExec    Mode = 1 << 29 // of Chmod: set x where r is
	ClearExec  Mode = 1 << 28 // of Chmod: clear x where r is
)

// Expect is what a file must be for an operation to apply; the zero value
// expects nothing. See the drift ladder in docs/GUARANTEES.md.
type Expect struct {
	Raw, Norm *hashing.Digest
	// GitBlob is the object id of the content as git has it, 20 (SHA-1) or 32
	// (SHA-256) bytes; empty: not checked.
	GitBlob []byte
	// Sum is a checksum of the content: SHA-1, SHA-256, SHA-384 or SHA-512, as
	// its size says; empty: not checked.
	Sum []byte
	// AsOf is when the plan was made, for edits that nothing else holds in
	// place: a file that was changed on disk since is refused. Zero: not checked.
	AsOf time.Time
	// Untouched refuses a file that an earlier operation of the plan has
	// changed, be it by another name.
	Untouched bool
}

// RawHash expects exactly these bytes.
func RawHash(d hashing.Digest) Expect { return Expect{Raw: &d} }

// Edit replaces parts of an existing file. All Edits refer to the file as it
// was before this operation.
type Edit struct {
	Path   string
	Expect Expect
	// Base is the text that the edits were made for, nil if not known.
	Base  []byte
	Edits []locator.Edit
	Origin
}

// Write gives a file whole new content. It makes a missing file unless
// something is expected.
type Write struct {
	Path    string
	Content []byte
	Expect  Expect
	Mode    Mode // not given: an existing file keeps its own
	Origin
}

// Create makes a new file; anything at Path is an error of kind exists.
type Create struct {
	Path      string
	Content   []byte
	Mode      Mode // not given: 0666 less umask
	IfMissing bool // what stands at Path stays, and is no error
	Origin
}

// Delete removes a file or a link.
type Delete struct {
	Path      string
	Expect    Expect
	Recursive bool // or a directory with all that is in it
	IfExists  bool // nothing at Path is no error
	Origin
}

// Rename moves a file, a link or a directory with all that is in it.
type Rename struct {
	From, To  string
	Overwrite bool // replace a file or link at To
	IfMissing bool // where something stands at To nothing is done, and it is no error
	Origin
}

// Chmod sets the mode of a file or directory.
type Chmod struct {
	Path string
	Mode Mode
	Origin
}

// Symlink makes a link, or replaces one.
type Symlink struct {
	Path, Target string
	Expect       Expect // of a replaced link: the raw hash of its target
	New          bool   // replace nothing: anything at Path is an error of kind exists
	Origin
}

// Mkdir makes a directory and what is missing above it. One that is there
// already is no change.
type Mkdir struct {
	Path string
	Origin
}

// Copy makes To a new file or link with the content and the mode of From.
type Copy struct {
	From, To string
	Origin
}

// Rewrite gives a file the content that Func makes of its bytes (a binary
// delta, say). Func must be pure; its error is a drift. Source tells two
// rewrites apart: plans with equal Source are the same plan.
type Rewrite struct {
	Path   string
	Expect Expect
	Source []byte
	Func   func(old []byte) ([]byte, error)
	Origin
}

func (Edit) op() string    { return "edit" }
func (Write) op() string   { return "write" }
func (Create) op() string  { return "create" }
func (Delete) op() string  { return "delete" }
func (Rename) op() string  { return "rename" }
func (Chmod) op() string   { return "chmod" }
func (Symlink) op() string { return "symlink" }
func (Mkdir) op() string   { return "mkdir" }
func (Copy) op() string    { return "copy" }
func (Rewrite) op() string { return "rewrite" }
