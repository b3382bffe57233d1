package fix

import (
	"bytes"

	"github.com/emend/emend/internal/fail"
)

// Lines walks over the lines of a source, behind a byte order mark.
type Lines struct {
	*Source
	pos, end int // the current line, with its terminator
}

// NewLines returns a walk that stands at the first line of src.
func NewLines(src *Source) *Lines {
	l := &Lines{Source: src}
	if bytes.HasPrefix(src.Data, []byte("\uFEFF")) {
		l.end = len("\uFEFF")
	}
	l.Advance()
	return l
}

// Done reports whether the walk is behind the last line.
func (l *Lines) Done() bool { return l.pos == len(l.Data) }

// Advance moves to the next line.
func (l *Lines) Advance() {
	l.pos = l.end
	l.end += lineLen(l.Data[l.pos:])
}

// lineLen is the length of the first line of b with its terminator.
func lineLen(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// Next returns the line behind the current one with its terminator, empty
// behind the last.
func (l *Lines) Next() []byte { return l.Data[l.end : l.end+lineLen(l.Data[l.end:])] }

// Raw returns the current line with its terminator, empty behind the last.
func (l *Lines) Raw() []byte { return l.Data[l.pos:l.end:l.end] }

// Line returns the current line without its terminator, LF or CR LF.
func (l *Lines) Line() []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(l.Raw(), []byte("\n")), []byte("\r"))
}

// Blank reports whether the current line holds nothing but white space.
func (l *Lines) Blank() bool { return !l.Done() && len(bytes.TrimSpace(l.Raw())) == 0 }

// Pos returns the offset of the current line.
func (l *Lines) Pos() int { return l.pos }

// Errorf returns an error of kind parse about the current line, and about the
// file path of the workspace, if that is known.
func (l *Lines) Errorf(path, format string, args ...any) *fail.Error {
	return l.Error(fail.Parse, l.pos, path, format, args...)
}

// Clone returns a walk of its own that stands where l stands.
func (l *Lines) Clone() *Lines {
	clone := *l
	return &clone
}
