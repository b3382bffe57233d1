package locator

import (
	"bytes"
	"sort"

	"github.com/emend/emend/internal/fail"
)

const bom = "\uFEFF"

// UnitsToOffsets returns the byte range of u, or an error of kind position
// where it lies outside the text or begins or ends inside a character.
func (m *Mapper) UnitsToOffsets(u Units) (start, end int, err error) {
	if u.Start < 0 || u.End < u.Start {
		return 0, 0, fail.New(fail.Position, "", "", "units %d-%d end before they start", u.Start, u.End)
	}
	skip := 0
	if u.SkipBOM && m.hasBOM() {
		skip = bomUnits(u.Encoding)
	}
	if start, err = m.unitOffset(u.Start, skip, u.Encoding); err == nil {
		end, err = m.unitOffset(u.End, skip, u.Encoding)
	}
	return start, end, err
}

// unitOffset returns the byte offset of the n-th code unit behind the first skip
// of the text.
func (m *Mapper) unitOffset(n, skip int, enc Encoding) (int, error) {
	n += skip
	known := m.knownUnits(enc)
	i := sort.Search(len(known), func(i int) bool { return known[i].units > n })
	at := known[i-1]
	for at.units < n && at.offset < len(m.content) {
		at = m.next(at, enc)
	}
	switch {
	case at.units < n:
		return 0, fail.New(fail.Position, "", "", "%s offset %d is behind the end of the file, %d", enc, n-skip, at.units-skip)
	case at.units > n:
		return 0, fail.New(fail.Position, "", "", "%s offset %d is inside a character", enc, n-skip)
	}
	return at.offset, nil
}

// knownUnits counts the text once and remembers it in steps, as knownColumns
// does for a line.
func (m *Mapper) knownUnits(enc Encoding) []column {
	key := columnKey{line: -1, enc: enc}
	if c, ok := m.columns[key]; ok {
		return c
	}
	known := []column{{}}
	for at := (column{}); at.offset < len(m.content); {
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

// behindBOM is p for a text whose byte order mark is not counted.
func (m *Mapper) behindBOM(p Position, enc Encoding) Position {
	if p.Line == 0 && m.hasBOM() {
		p.Character += bomUnits(enc)
	}
	return p
}

func (m *Mapper) hasBOM() bool { return bytes.HasPrefix(m.content, []byte(bom)) }

func bomUnits(enc Encoding) int { return enc.units('\uFEFF', len(bom)) }
