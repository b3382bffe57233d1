// Package fix is what the adapters of reports share: a report read with its
// positions, the paths that it names brought into the root, and the fixes that
// it offers, each of which is applied whole or not at all.
package fix

import (
	"bytes"
	"fmt"
	"sort"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
)

// Source is one input: a report and the name that errors give it.
type Source struct {
	Name string
	Data []byte
	// Skipped is how many lines of the input come before Data.
	Skipped int

	lines []int // offsets behind the line ends; nil: not looked for yet
}

// snippetSize is how many bytes of the input an error shows.
const snippetSize = 60

// LineOf returns the line of the byte offset pos, from 1.
func (s *Source) LineOf(pos int) int {
	s.findLines()
	return sort.SearchInts(s.lines, pos+1)
}

// Position names the byte offset pos of the source: NAME:LINE:COLUMN, both from
// 1, the column in bytes.
func (s *Source) Position(pos int) string {
	line := s.LineOf(pos)
	name := s.Name
	if name == "" {
		name = "input"
	}
	return fmt.Sprintf("%s:%d:%d", name, line+s.Skipped, pos-s.lines[line-1]+1)
}

// Offset returns the byte offset of a line and a column, both from 1, of which
// the column counts characters.
func (s *Source) Offset(line, column int) int {
	s.findLines()
	if line < 1 || line > len(s.lines) {
		return len(s.Data)
	}
	pos := s.lines[line-1]
	for ; column > 1 && pos < len(s.Data); column-- {
		_, size := utf8.DecodeRune(s.Data[pos:])
		pos += size
	}
	return pos
}

func (s *Source) findLines() {
	if s.lines != nil {
		return
	}
	s.lines = []int{0}
	for i, b := range s.Data {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
}

// Error is an error about what stands at pos, and about the file path of the
// workspace, if that is known. Its message names the place and shows it.
func (s *Source) Error(kind fail.Kind, pos int, path, format string, args ...any) *fail.Error {
	pos = max(0, min(pos, len(s.Data)))
	return fail.New(kind, "", path, "%s: %s: %s", s.Position(pos), fmt.Sprintf(format, args...), s.snippet(pos))
}

// At puts the place pos before the message of err, which may be nil.
func (s *Source) At(err error, pos int, path string) error {
	if err == nil {
		return nil
	}
	e := fail.From(err, "", path)
	e.Message = s.Error(e.Kind, pos, path, "%s", e.Message).Message
	return e
}

// snippet shows the line of pos from there on, in Go quotes. Of an object that
// is spread over lines it shows several of them, as one.
func (s *Source) snippet(pos int) string {
	rest := s.Data[pos:]
	if i := bytes.IndexByte(rest, '\n'); i > 1 {
		rest = rest[:i]
	} else {
		rest = bytes.Join(bytes.Fields(rest[:min(len(rest), 4*snippetSize)]), []byte(" "))
	}
	if len(rest) <= snippetSize {
		return fmt.Sprintf("%q", rest)
	}
	end := snippetSize
	for end > snippetSize-utf8.UTFMax && !utf8.RuneStart(rest[end]) {
		end--
	}
	return fmt.Sprintf("%q...", rest[:end])
}
