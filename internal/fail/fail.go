// Package fail holds the one error object of emend: what went wrong, where,
// what to do about it, and what the workspace looks like now. Every package
// makes its errors here, so that the command maps kinds to exit codes in one
// table and the library's callers branch on Kind and State, never on text.
package fail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Kind says what went wrong. The values are part of the JSON contract.
type Kind string

// The kinds, in the order in which a transaction can meet them.
const (
	Usage           Kind = "usage"
	Parse           Kind = "parse"
	Unsupported     Kind = "unsupported"
	Position        Kind = "position"
	Drift           Kind = "drift"
	Conflict        Kind = "conflict"
	Ambiguous       Kind = "ambiguous"
	NotFound        Kind = "not-found"
	Exists          Kind = "exists"
	TypeChanged     Kind = "type-changed"
	NotRegular      Kind = "not-regular"
	PathEscape      Kind = "path-escape"
	SymlinkRefused  Kind = "symlink-refused"
	ReadOnly        Kind = "read-only"
	Permission      Kind = "permission"
	IdentityLost    Kind = "identity-lost"
	NoSpace         Kind = "no-space"
	Busy            Kind = "busy"
	Locked          Kind = "locked"
	PendingRecovery Kind = "pending-recovery"
	Foreign         Kind = "foreign"
	LogCorrupt      Kind = "log-corrupt"
	LogVersion      Kind = "log-version"
	TooLarge        Kind = "too-large"
	Cancelled       Kind = "cancelled"
	IO              Kind = "io"
)

// State says what the workspace looks like now that the error is returned.
type State string

// The states. The zero value means Unchanged.
const (
	Unchanged     State = "unchanged"      // every path is as it was before the call
	Committed     State = "committed"      // the change is durable all the same
	NeedsRecovery State = "needs-recovery" // unknown to this process: run recovery
	Parked        State = "parked"         // a person decides, with resolve
)

// Candidate is one of several places that an ambiguous anchor matches.
type Candidate struct {
	Start int `json:"start"` // byte offset
	End   int `json:"end"`   // byte offset, exclusive
	Line  int `json:"line"`  // from 1
}

// Error is the one error object. Its text is "op path: origin: message", lower
// case.
type Error struct {
	Kind       Kind           `json:"kind"`
	Op         string         `json:"op,omitempty"`
	Path       string         `json:"-"` // raw bytes; the command writes path or path_base64
	Origin     string         `json:"-"` // where the user's input has what this is about; may be empty
	Message    string         `json:"message"`
	Expected   string         `json:"expected,omitempty"`
	Actual     string         `json:"actual,omitempty"`
	Candidates []Candidate    `json:"candidates,omitempty"`
	Hint       string         `json:"hint,omitempty"`
	State      State          `json:"state"`
	Signal     syscall.Signal `json:"-"` // of a cancelled run: what ended it, 0 for a context
	Err        error          `json:"-"` // the cause, may be nil
}

// New returns an error of kind k about path (empty: about no path) with a
// message in the manner of fmt.Sprintf. Its state is Unchanged.
func New(k Kind, op, path, format string, args ...any) *Error {
	return &Error{Kind: k, Op: op, Path: path, Message: fmt.Sprintf(format, args...), State: Unchanged}
}

// Wrap is From as an error; Wrap(nil) is nil.
func Wrap(err error, op, path string) error {
	if err == nil {
		return nil
	}
	return From(err, op, path)
}

// From returns an error about path whose cause is err, which is not nil, and
// whose kind follows from it: an *Error keeps its kind and gains op and path
// where it has none; errors of the system become permission, no-space,
// not-found, io and so on.
func From(err error, op, path string) *Error {
	if e := Of(err); e != nil {
		c := *e
		if c.Op == "" {
			c.Op = op
		}
		if c.Path == "" {
			c.Path = path
		}
		return &c
	}
	return &Error{Kind: kindOf(err), Op: op, Path: path, Message: causeText(err), State: Unchanged, Err: err}
}

// WithHint returns e with a line that says what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithState returns e with its state replaced.
func (e *Error) WithState(s State) *Error {
	e.State = s
	return e
}

// Text returns "origin: message".
func (e *Error) Text() string {
	if e.Origin == "" {
		return e.Message
	}
	return e.Origin + ": " + e.Message
}

// Error returns "op path: origin: message"; a path with control bytes is quoted.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Path != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(QuotePath(e.Path))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Text())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same kind with nothing else
// set, so that errors.Is(err, &fail.Error{Kind: fail.Drift}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Message == "" && t.Path == ""
}

// Of finds the *Error in err's chain: an *Error itself, or what a typed error
// with a method Failure() *Error says of itself. Nil where there is none.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var f interface{ Failure() *Error }
	if errors.As(err, &f) {
		return f.Failure()
	}
	return nil
}

// KindOf returns the kind of err, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	return From(err, "", "").Kind
}

func kindOf(err error) Kind {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cancelled
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return Permission
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return NotFound
	case errors.Is(err, fs.ErrExist):
		return Exists
	case errors.Is(err, syscall.ELOOP):
		return SymlinkRefused
	case errors.Is(err, syscall.EBUSY):
		return Busy
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EXDEV):
		return Unsupported
	}
	return IO
}

// causeText drops the path that os errors repeat: the error object names it.
func causeText(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// QuotePath returns path as it is, or in Go quotes where it holds bytes that a
// terminal must not see raw.
func QuotePath(path string) string {
	for _, r := range path {
		if r < ' ' || r == 0x7f || r == '\uFFFD' || r == '"' {
			return fmt.Sprintf("%q", path)
		}
	}
	return path
}
