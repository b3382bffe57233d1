package hashing

import "bytes"

// Normalize returns the normal form of src in memory of its own. Normalizing
// it again changes nothing, and its raw digest is Norm(src).
func Normalize(src []byte) []byte {
	out := &byteSink{form: make([]byte, 0, len(src))}
	if bytes.IndexByte(src, 0) >= 0 {
		out.keep(src)
		return out.form
	}
	n := normalizer{out: out}
	n.write(src)
	n.finish()
	return out.form
}

// byteSink collects the normal form.
type byteSink struct {
	form   []byte
	marked int
}

func (s *byteSink) keep(p []byte) { s.form = append(s.form, p...) }
func (s *byteSink) drop(int)      {}
func (s *byteSink) mark()         { s.marked = len(s.form) }
func (s *byteSink) rewind()       { s.form = s.form[:s.marked] }

// sink is told, in the order of the text, what becomes of every byte.
type sink interface {
	keep(p []byte) // p is in the normal form
	drop(n int)    // the next n bytes are not
	mark()         // what follows may be dropped yet
	rewind()       // everything since the mark is dropped after all
}

// bom is the UTF-8 byte order mark.
const bom = "\xEF\xBB\xBF"

// normalizer tells out what becomes of the bytes written to it. It looks at a
// text in pieces of any size and holds none of it: what it cannot decide yet
// (blanks before what may be the end of a line, the start of what may be a
// byte order mark) goes to out after a mark, to be taken back if need be.
type normalizer struct {
	out   sink
	blank bool // blanks at the end of what was written stand after the mark
	lead  int  // bytes of a leading mark that were seen, which stand after the mark
	begun bool // no byte order mark can lead any more
}

// write takes the next piece, which must not contain a NUL.
func (n *normalizer) write(p []byte) {
	for {
		i := bytes.IndexByte(p, '\r')
		if i < 0 {
			n.lines(n.leading(p))
			return
		}
		// CR is dropped before all else, so the text goes on across it.
		n.lines(n.leading(p[:i]))
		n.out.drop(1)
		p = p[i+1:]
	}
}

// finish says that the text ends here.
func (n *normalizer) finish() {
	if n.blank {
		n.out.rewind()
		n.blank = false
	}
}

// leading drops byte order marks in front of everything and returns the rest.
func (n *normalizer) leading(p []byte) []byte {
	for len(p) > 0 && !n.begun {
		if p[0] != bom[n.lead] {
			n.begun = true // the start of a mark that was none stays
			break
		}
		if n.lead == 0 {
			n.out.mark()
		}
		n.out.keep(p[:1])
		p = p[1:]
		if n.lead++; n.lead == len(bom) {
			n.out.rewind()
			n.lead = 0
		}
	}
	return p
}

// lines drops blanks before LF from p, which has no CR, and leaves blanks at
// its end for later.
func (n *normalizer) lines(p []byte) {
	if len(p) == 0 {
		return
	}
	start := 0 // p[start:] is not yet told
	if n.blank {
		start = len(p) - len(bytes.TrimLeft(p, " \t"))
		if start == len(p) {
			n.out.keep(p)
			return
		}
		n.blank = false
		if p[start] == '\n' {
			n.out.rewind()
			n.out.drop(start)
		} else {
			start = 0
		}
	}
	for from := start; ; {
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			break
		}
		end := from + i
		if text := trimBlanks(p[start:end]); len(text) < end-start {
			n.out.keep(text)
			n.out.drop(end - start - len(text))
			start = end
		}
		from = end + 1
	}
	rest := p[start:]
	text := trimBlanks(rest)
	n.out.keep(text)
	if len(text) < len(rest) {
		n.out.mark()
		n.out.keep(rest[len(text):])
		n.blank = true
	}
}

// trimBlanks returns p without the spaces and tabs at its end.
func trimBlanks(p []byte) []byte {
	end := len(p)
	for end > 0 && (p[end-1] == ' ' || p[end-1] == '\t') {
		end--
	}
	return p[:end]
}
