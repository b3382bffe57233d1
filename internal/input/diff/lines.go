package diff

import (
	"bytes"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// lines walks over the lines of a patch.
type lines struct{ *fix.Lines }

// has reports whether the current line begins with start.
func (l lines) has(start string) bool { return bytes.HasPrefix(l.Raw(), []byte(start)) }

// whole returns the current line without its line end, and an error where the
// input ends within it. A patch that passed through a system that writes CR LF
// has these in its headers as well.
func (l lines) whole() (string, error) {
	line, ok := bytes.CutSuffix(l.Raw(), []byte("\n"))
	if !ok {
		return "", l.errorf("the patch ends within a line")
	}
	return string(bytes.TrimSuffix(line, []byte("\r"))), nil
}

// errorf returns an error about the current line.
func (l lines) errorf(format string, args ...any) *fail.Error {
	return l.errorAt(l.Pos(), format, args...)
}

// errorAt returns an error about what stands at pos.
func (l lines) errorAt(pos int, format string, args ...any) *fail.Error {
	return l.Error(fail.Parse, pos, "", format, args...)
}

// unsupported returns an error about the current line that says what to do
// instead.
func (l lines) unsupported(message, hint string) error {
	return l.Error(fail.Unsupported, l.Pos(), "", "%s", message).WithHint("%s", hint)
}
