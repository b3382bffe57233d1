// Package fix is what the adapters of reports share: a report read with its
// positions, the paths that it names brought into the root, and the fixes that
// it offers, each of which is applied whole or not at all.
package fix

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
)

// Source is one input: a report and the name that errors give it.
type Source struct {
	Name string
	Data []byte
	// Skipped is how many lines of the input come before Data.
	Skipped int

	blocks []block // nil: lines were not looked for yet
}

// snippetSize is how many bytes of the input an error shows.
const snippetSize = 60

// LineOf returns the line of the byte offset pos, from 1.
func (s *Source) LineOf(pos int) int {
	line, _ := s.lineAt(pos)
	return line
}

// Position names the byte offset pos of the source: NAME:LINE:COLUMN, both from
// 1, the column in bytes.
func (s *Source) Position(pos int) string {
	line, start := s.lineAt(pos)
	return fmt.Sprintf("%s:%d:%d", s.name(), line+s.Skipped, pos-start+1)
}

func (s *Source) name() string { return cmp.Or(s.Name, "input") }

// Place returns the line and the column, from 1, of the Position that the origin
// begins with, if that is one of a source of that name.
func Place(name, origin string) (line, column int, ok bool) {
	place, ok := strings.CutPrefix(origin, (&Source{Name: name}).name()+":")
	if !ok {
		return 0, 0, false
	}
	n, _ := fmt.Sscanf(place, "%d:%d", &line, &column)
	return line, column, n == 2
}

// find returns the byte offset whose Position the origin begins with.
func (s *Source) find(origin string) (pos int, ok bool) {
	line, column, ok := Place(s.Name, origin)
	if !ok {
		return 0, false
	}
	for line -= s.Skipped; line > 1; line-- {
		pos += bytes.IndexByte(s.Data[pos:], '\n') + 1
	}
	pos = min(pos+column-1, len(s.Data))
	return pos, pos >= 0 && strings.HasPrefix(origin+":", s.Position(pos)+":")
}

// Show adds to the message of e, whose origin is in one of the sources, what
// stands there, unless e shows text already.
func Show(sources []*Source, e *fail.Error) *fail.Error {
	if e.Origin == "" || e.Expected != "" {
		return e
	}
	for _, s := range sources {
		if pos, ok := s.find(e.Origin); ok {
			shown := *e
			shown.Message += ": " + s.snippet(pos)
			return &shown
		}
	}
	return e
}

// block is what is known of the lines of blockSize bytes of a source: the line,
// from 1, that the first of them is in, and where that begins.
type block struct{ line, start int }

const blockSize = 4 << 10

// lineAt returns the line of the byte offset pos, from 1, and where it begins.
func (s *Source) lineAt(pos int) (line, start int) {
	s.findLines()
	i := min(pos/blockSize, len(s.blocks)-1)
	b, rest := s.blocks[i], s.Data[i*blockSize:pos]
	if last := bytes.LastIndexByte(rest, '\n'); last >= 0 {
		return b.line + bytes.Count(rest, []byte("\n")), i*blockSize + last + 1
	}
	return b.line, b.start
}

func (s *Source) findLines() {
	if s.blocks != nil {
		return
	}
	s.blocks = append(make([]block, 0, len(s.Data)/blockSize+1), block{line: 1})
	for at := blockSize; at < len(s.Data); at += blockSize {
		line, start := s.lineAt(at)
		s.blocks = append(s.blocks, block{line, start})
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
