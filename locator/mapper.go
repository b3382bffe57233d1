package locator

import (
	"bytes"
	"fmt"
	"sort"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
)

// Mapper translates between byte offsets of a text and its lines and
// positions. It looks for lines when they are first asked for. It is not safe
// for concurrent use.
type Mapper struct {
	content []byte
	starts  []int // of the lines of positions
	ends    []int // 0, then the ends of the lines of Lines
	columns map[columnKey][]column
}

// NewMapper returns a Mapper of content, which must not change.
func NewMapper(content []byte) *Mapper { return &Mapper{content: content} }

// LinesToRange returns the byte range of whole lines, or an error of kind
// position where the text has no such lines.
func (m *Mapper) LinesToRange(l Lines) (start, end int, err error) {
	if m.ends == nil {
		m.ends = lineEnds(m.content)
	}
	count := len(m.ends) - 1
	switch {
	case l.Last < l.First-1:
		return 0, 0, fail.New(fail.Position, "", "", "lines %d-%d end before they start", l.First, l.Last)
	case l.First < 1, l.First > count+1, l.Last > count:
		return 0, 0, fail.New(fail.Position, "", "", "lines %d-%d are outside the file of %d lines", l.First, l.Last, count)
	}
	return m.ends[l.First-1], m.ends[l.Last], nil
}

// RangeToOffsets returns the byte range of r. Errors are those of
// PositionToOffset; a range that ends before it starts is one more of them.
func (m *Mapper) RangeToOffsets(r Range) (start, end int, err error) {
	from, to := r.Start, r.End
	if r.SkipBOM {
		from, to = m.behindBOM(from, r.Encoding), m.behindBOM(to, r.Encoding)
	}
	start, err = m.offset(from, r.Encoding, r.Clamp)
	if err != nil {
		return 0, 0, err
	}
	end, err = m.offset(to, r.Encoding, r.Clamp)
	if err != nil {
		return 0, 0, err
	}
	if start > end {
		return 0, 0, badPosition(r.Start, "is behind the end of its range, %d:%d", r.End.Line, r.End.Character)
	}
	return start, end, nil
}

// PositionToOffset returns the byte offset of p, whose column counts code units
// of enc. A position outside the text, or inside the encoding of a character,
// is an error of kind position.
func (m *Mapper) PositionToOffset(p Position, enc Encoding) (int, error) {
	return m.offset(p, enc, false)
}

func (m *Mapper) offset(p Position, enc Encoding, clamp bool) (int, error) {
	m.findStarts()
	switch {
	case p.Line < 0 || p.Character < 0:
		return 0, badPosition(p, "is negative")
	case clamp && p.Line == len(m.starts) && p.Character == 0:
		return len(m.content), nil
	case p.Line >= len(m.starts):
		return 0, badPosition(p, "is behind the last line, %d", len(m.starts)-1)
	}
	known := m.knownColumns(p.Line, enc)
	i := sort.Search(len(known), func(i int) bool { return known[i].units > p.Character })
	at := known[i-1]
	for end := m.textEnd(p.Line); at.units < p.Character; at = m.next(at, enc) {
		if at.offset == end && clamp {
			return end, nil
		}
		if at.offset == end {
			return 0, badPosition(p, "is behind the end of its line, column %d", at.units)
		}
	}
	if at.units > p.Character {
		return 0, badPosition(p, "is inside a character")
	}
	return at.offset, nil
}

// OffsetToPosition returns the position of a byte offset, with the column in
// code units of enc. An offset outside the text, inside a UTF-8 sequence, or
// between CR and LF is an error of kind position.
func (m *Mapper) OffsetToPosition(offset int, enc Encoding) (Position, error) {
	if offset < 0 || offset > len(m.content) {
		return Position{}, fail.New(fail.Position, "", "", "offset %d is outside the file of %d bytes",
			offset, len(m.content))
	}
	m.findStarts()
	line := sort.SearchInts(m.starts, offset+1) - 1
	if offset > m.textEnd(line) {
		return Position{}, fail.New(fail.Position, "", "", "offset %d is inside a line end", offset)
	}
	known := m.knownColumns(line, enc)
	i := sort.Search(len(known), func(i int) bool { return known[i].offset > offset })
	at := known[i-1]
	for at.offset < offset {
		at = m.next(at, enc)
	}
	if at.offset > offset {
		return Position{}, fail.New(fail.Position, "", "", "offset %d is inside a character", offset)
	}
	return Position{Line: line, Character: at.units}, nil
}

func badPosition(p Position, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	return fail.New(fail.Position, "", "", "position %d:%d, counted from 0, %s", p.Line, p.Character, what)
}

// column is a place in a line where a character starts.
type column struct{ offset, units int }

type columnKey struct {
	line int
	enc  Encoding
}

// columnStride is how many bytes of a line are counted again for every
// position in it; longer lines are counted once and remembered in such steps.
const columnStride = 4 << 10

// knownColumns returns columns of a line in order, its start first.
func (m *Mapper) knownColumns(line int, enc Encoding) []column {
	at, end := column{offset: m.starts[line]}, m.textEnd(line)
	known := []column{at}
	if end-at.offset <= columnStride {
		return known
	}
	key := columnKey{line, enc}
	if c, ok := m.columns[key]; ok {
		return c
	}
	for at.offset < end {
		at = m.next(at, enc)
		if at.offset-known[len(known)-1].offset >= columnStride {
			known = append(known, at)
		}
	}
	if m.columns == nil {
		m.columns = make(map[columnKey][]column)
	}
	m.columns[key] = known
	return known
}

// next returns the column behind the character at c.
func (m *Mapper) next(c column, enc Encoding) column {
	r, size := utf8.DecodeRune(m.content[c.offset:])
	return column{offset: c.offset + size, units: c.units + enc.units(r, size)}
}

// textEnd returns where the text of a line ends and its terminator begins.
func (m *Mapper) textEnd(line int) int {
	if line+1 == len(m.starts) {
		return len(m.content)
	}
	end := m.starts[line+1] - 1
	if m.content[end] == '\n' && end > m.starts[line] && m.content[end-1] == '\r' {
		end--
	}
	return end
}

// findStarts finds the lines of positions: they end at LF, CR LF and CR, and
// there is one, perhaps empty, behind the last of these.
func (m *Mapper) findStarts() {
	if m.starts != nil {
		return
	}
	m.starts = []int{0}
	for i, b := range m.content {
		crlf := b == '\r' && i+1 < len(m.content) && m.content[i+1] == '\n'
		if b == '\n' || b == '\r' && !crlf {
			m.starts = append(m.starts, i+1)
		}
	}
}

// lineEnds returns 0 and the ends of the lines of content, which end at LF.
func lineEnds(content []byte) []int {
	ends := make([]int, 1, 2+bytes.Count(content, []byte{'\n'}))
	for pos := 0; pos < len(content); {
		pos = lineEnd(content, pos)
		ends = append(ends, pos)
	}
	return ends
}

// lineEnd returns the end of the line that pos is in, behind its LF.
func lineEnd(content []byte, pos int) int {
	if i := bytes.IndexByte(content[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(content)
}
