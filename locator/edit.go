// Package locator is pure and does no I/O: byte ranges, line and column
// positions, text anchors; splice, invert, relocate.
package locator

// FileEdit is one byte-range replacement in a named file: the half-open range
// [StartByte, EndByte) of the file as it was becomes NewText. Text is bytes
// and need not be UTF-8.
type FileEdit struct {
	Path      string `json:"path"`
	StartByte int    `json:"start_byte"`
	EndByte   int    `json:"end_byte"`
	NewText   string `json:"new_text"`
}

// Edit is one replacement in a file, and where it goes. Exactly one of Lines,
// Range and Find may be set; without one the place is the half-open byte range
// [Start, End). Locate turns any of them into a Span.
type Edit struct {
	Start, End int
	Lines      *Lines
	Range      *Range
	Find       []byte // the place is where these bytes stand, exactly once ...
	All        bool   // ... or everywhere they stand, at least once, left to right, not overlapping
	// Text is what comes into the place.
	Text []byte
	// Old is what must stand there; nil: not checked. (Not nil and empty: the
	// place must be empty.)
	Old []byte
}

// Lines is whole lines, first and last, from 1, terminators included. Last =
// First-1 is the empty place before line First; First may be one past the last
// line. A line ends after LF; CR LF counts with it; a last line without LF is
// a line.
type Lines struct{ First, Last int }

// Range is a half-open range of positions.
type Range struct {
	Start, End Position
	Encoding   Encoding
}

// Position is line and column, both from 0, as editors and language servers
// count. Character counts code units of the Range's Encoding.
type Position struct{ Line, Character int }

// Encoding is the code unit that columns count.
type Encoding uint8

// The encodings. The zero value is UTF16, the default of the language server
// protocol.
const (
	UTF16 Encoding = iota
	UTF8
	UTF32
)

// Span is one located replacement: the half-open byte range [Start, End) of
// the old text becomes Text.
type Span struct {
	Start, End int
	Text       []byte
}
