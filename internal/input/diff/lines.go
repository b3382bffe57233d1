package diff

import (
	"bytes"
	"fmt"

	"github.com/emend/emend/internal/fail"
)

// lines walks over the lines of a patch.
type lines struct {
	line   []byte // the current one with its LF; nil at the end of the input
	rest   []byte
	number int // of the current line, from 1
}

func newLines(data []byte) lines {
	l := lines{rest: data}
	l.advance()
	return l
}

// advance moves to the next line.
func (l *lines) advance() {
	l.number++
	if len(l.rest) == 0 {
		l.line = nil
		return
	}
	n := lineLen(l.rest)
	l.line, l.rest = l.rest[:n:n], l.rest[n:]
}

// ahead returns the line that stands n lines after the current one, empty
// after the end.
func (l *lines) ahead(n int) []byte {
	rest := l.rest
	for ; n > 1; n-- {
		rest = rest[lineLen(rest):]
	}
	return rest[:lineLen(rest)]
}

// lineLen is the length of the first line of b with its LF.
func lineLen(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// has reports whether the current line begins with start.
func (l *lines) has(start string) bool { return bytes.HasPrefix(l.line, []byte(start)) }

// whole returns the current line without its line end, and an error where the
// input ends within it. A patch that passed through a system that writes CR LF
// has these in its headers as well.
func (l *lines) whole() (string, error) {
	line, ok := bytes.CutSuffix(l.line, []byte("\n"))
	if !ok {
		return "", l.errorf("the patch ends within a line")
	}
	return string(bytes.TrimSuffix(line, []byte("\r"))), nil
}

// errorf returns an error about the current line.
func (l *lines) errorf(format string, args ...any) *fail.Error {
	return errorAt(l.number, format, args...)
}

// errorAt returns an error about a line of the patch.
func errorAt(line int, format string, args ...any) *fail.Error {
	return fail.New(fail.Parse, "", "", "line %d: %s", line, fmt.Sprintf(format, args...))
}

// unsupported returns an error about the current line that says what to do
// instead.
func (l *lines) unsupported(message, hint string) error {
	return fail.New(fail.Unsupported, "", "", "line %d: %s", l.number, message).WithHint("%s", hint)
}
