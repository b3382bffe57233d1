// Package locator is pure and does no I/O: byte ranges, line and column
// positions, text anchors; splice, invert, relocate.
package locator

import "github.com/emend/emend/internal/fail"

// FileEdit is one byte-range replacement in a named file: the half-open range
// [StartByte, EndByte) of the file as it was becomes NewText. Text is bytes
// and need not be UTF-8.
type FileEdit struct {
	Path      string `json:"path"`
	StartByte int    `json:"start_byte"`
	EndByte   int    `json:"end_byte"`
	NewText   string `json:"new_text"`
}

// Span returns the edit without its file.
func (e FileEdit) Span() Span {
	return Span{Start: e.StartByte, End: e.EndByte, Text: []byte(e.NewText)}
}

// Edit is one replacement in a file, and where it goes. Exactly one of Lines,
// Range, Units, Find and Hunk may be set; without one the place is the half-open
// byte range [Start, End). Locate turns any of them into a Span.
type Edit struct {
	Start, End int
	Lines      *Lines
	Range      *Range
	Units      *Units
	Find       []byte // the place is where these bytes stand, exactly once ...
	All        bool   // ... or everywhere they stand, at least once, left to right, not overlapping
	Hunk       *Hunk  // the place is where its lines stand; Text, Old and AtEOF are not used
	// Text is what comes into the place.
	Text []byte
	// Old is what must stand there; nil: not checked. (Not nil and empty: the
	// place must be empty.)
	Old []byte
	// AtEOF says that the place must end where the file ends, as a hunk of a
	// patch without context behind it does.
	AtEOF bool
	// ByLine says that Lines, Old and Text are of a format that goes by lines and
	// does not care how they end, as a patch: they may be taken to end as those
	// of the file do. Locate does not look at it.
	ByLine bool
	// Origin says in errors where the edit comes from; it may be empty.
	Origin string
}

// Searches reports whether e looks for its place, so that it has none of its
// own.
func (e Edit) Searches() bool { return e.Find != nil || e.Hunk != nil }

// Lines is whole lines, first and last, from 1, terminators included. Last =
// First-1 is the empty place before line First; First may be one past the last
// line. A line ends after LF; CR LF counts with it; a last line without LF is
// a line. What comes in is bytes as everywhere: behind a last line without LF
// it continues that line.
type Lines struct{ First, Last int }

// Range is a half-open range of positions.
type Range struct {
	Start, End Position
	Encoding   Encoding
	// Clamp reads positions as the language server protocol does: a column past
	// the end of its line means that end, before the terminator, and column 0
	// of the line after the last one means the end of the text. Without it
	// both are errors.
	Clamp bool
	// SkipBOM counts the columns of the first line as if a byte order mark at
	// the start of the text were not there.
	SkipBOM bool
}

// Units is a half-open range of code units of Encoding, counted from the start
// of the text: line ends count as they are. With SkipBOM a byte order mark there
// is not counted.
type Units struct {
	Start, End int
	Encoding   Encoding
	SkipBOM    bool
}

// Position is line and column, both from 0, as editors and language servers
// count: a line ends at LF, CR LF or CR. Character counts code units of the
// Range's Encoding; a byte that is not UTF-8 counts as one in any of them.
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

var encodingNames = map[Encoding]string{UTF16: "utf-16", UTF8: "utf-8", UTF32: "utf-32"}

// ParseEncoding reads "utf-8", "utf-16" or "utf-32".
func ParseEncoding(name string) (Encoding, error) {
	for e, n := range encodingNames {
		if n == name {
			return e, nil
		}
	}
	return 0, fail.New(fail.Usage, "", "", "unknown encoding %.40q: want utf-8, utf-16 or utf-32", name)
}

// String returns the name that ParseEncoding reads.
func (e Encoding) String() string { return encodingNames[e] }

// units returns how many code units r takes that is size bytes of UTF-8.
func (e Encoding) units(r rune, size int) int {
	switch {
	case e == UTF8:
		return size
	case e == UTF16 && r > 0xFFFF:
		return 2
	}
	return 1
}

// Span is one located replacement: the half-open byte range [Start, End) of
// the old text becomes Text.
type Span struct {
	Start, End int
	Text       []byte
}
