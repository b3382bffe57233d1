package clang

import (
	"bytes"
	"iter"
	"unicode/utf8"

	"github.com/emend/emend/internal/input/fix"
)

// pieceSize is how much YAML is read at once: the nodes of a document take many
// times the room of its text.
const pieceSize = 1 << 20

// piece is a part of a source that is YAML by itself, unless it ends within a
// value: then it is so with the pieces behind it.
type piece struct {
	text      []byte
	pos       int  // where in the source it begins, behind the key
	continued bool // it goes on with a list of the piece before, whose key it begins with
	key       int  // how long that is
	last      bool // of the source

	read   int // documents that have been read
	enough int // how long it has to become before it is worth another try

	lines []int // places in text of every stride-th line; nil: not looked for yet
}

// join adds the piece behind p to it.
func (p *piece) join(next *piece) {
	p.text, p.last = append(p.text, next.text[next.key:]...), next.last
}

// stride is how many lines lie between two whose places are remembered.
const stride = 64

// offset returns where in the source a line of p begins, counted from 0 as YAML
// counts them.
func (p *piece) offset(line int) int {
	if p.lines == nil {
		p.lines = []int{0}
		for at := linesBehind(p.text, 0, stride); at < len(p.text); at = linesBehind(p.text, at, stride) {
			p.lines = append(p.lines, at)
		}
	}
	i := min(line/stride, len(p.lines)-1)
	return p.pos + max(0, linesBehind(p.text, p.lines[i], line-i*stride)-p.key)
}

// linesBehind returns the place in text that is n lines behind at, lines ending
// where YAML 1.1 ends them.
func linesBehind(text []byte, at, n int) int {
	for ; n > 0; n-- {
		i := bytes.IndexAny(text[at:], "\r\n\u0085\u2028\u2029")
		if i < 0 {
			return len(text)
		}
		at += i
		_, size := utf8.DecodeRune(text[at:])
		if bytes.HasPrefix(text[at:], []byte("\r\n")) {
			size = len("\r\n")
		}
		at += size
	}
	return at
}

// pieces cuts src between items of the lists at the top of its documents, where
// what comes before has size bytes. All lines of a value should be indented further
// than such an item is; but the YAML library lets quoted text go on in any column,
// and so the text can be cut in its middle. That shows at once: the piece ends
// before the quotes do.
func pieces(src *fix.Source, size int) iter.Seq[*piece] {
	return func(yield func(*piece) bool) {
		p := &piece{}
		var key, item []byte // the line of the list's key, and how its items begin
		start := 0
		for at, next := 0, 0; at < len(src.Data); at = next {
			next = linesBehind(src.Data, at, 1)
			switch raw := src.Data[at:next]; {
			case isListKey(raw):
				key, item = raw, nil
			case bytes.IndexByte([]byte(" \t\r\n"), raw[0]) < 0 && !bytes.HasPrefix(raw, []byte("- ")):
				key = nil
			case key != nil && item == nil:
				item = itemStart(raw)
			case key != nil && item != nil && bytes.HasPrefix(raw, item) && at-start >= size:
				p.text = append(p.text, src.Data[start:at]...)
				if !yield(p) {
					return
				}
				start = at
				p = &piece{text: bytes.Clone(key), pos: start, continued: true, key: len(key)}
			}
		}
		p.text, p.last = append(p.text, src.Data[start:]...), true
		yield(p)
	}
}

// isListKey reports whether line is the key of a list that begins below it.
func isListKey(line []byte) bool {
	name := string(bytes.TrimRight(line, " \t\r\n"))
	return name == "Diagnostics:" || name == "Replacements:"
}

// itemStart returns the indentation, the dash and the first name with which line
// begins an item, nil where it does not.
func itemStart(line []byte) []byte {
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok || !bytes.HasPrefix(bytes.TrimLeft(name, " "), []byte("- ")) {
		return nil
	}
	return line[:len(name)+1]
}
