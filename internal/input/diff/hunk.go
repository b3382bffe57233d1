package diff

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// hunk is one replacement of whole lines.
type hunk struct {
	pos      int // of its header in the patch
	old, new side
	context  bool // there are lines of context
	trailing bool // ... behind the last change
}

// side is what stands there before or after.
type side struct {
	first, last int    // its lines, from 1; last = first-1 for nothing before first
	text        []byte // context included; never nil
	ends        bool   // the file ends here, without a line end
}

// hunks reads all hunks of c.
func (p *parser) hunks(c *change) error {
	last, ended := 0, false
	for p.has("@@ -") {
		if ended {
			return p.errorf("a hunk after the end of the file")
		}
		h, err := p.hunk()
		if err != nil {
			return err
		}
		at := h.old
		if p.Reverse {
			at = h.new
		}
		if at.first <= last {
			return p.errorAt(h.pos, "the hunk overlaps the one before it, or is out of order")
		}
		last, ended = at.last, h.old.ends || h.new.ends
		c.hunks = append(c.hunks, h)
	}
	return nil
}

// hunk reads one hunk.
func (p *parser) hunk() (hunk, error) {
	r, ok := parseHunkHeader(string(p.Raw()))
	if !ok {
		return hunk{}, p.errorf("malformed hunk header")
	}
	h := hunk{pos: p.Pos(), old: newSide(r.oldFirst, r.old), new: newSide(r.newFirst, r.new)}
	changed, previous := false, byte(0)
	for p.Advance(); r.old > 0 || r.new > 0 || isEndMark(p.Raw()); p.Advance() {
		if isEndMark(p.Raw()) {
			if !h.end(previous, p.Raw()) {
				return hunk{}, p.errorf("the mark of a missing line end follows no line")
			}
			continue
		}
		op, text, err := p.hunkLine()
		if err != nil {
			return hunk{}, err
		}
		if !r.take(op) || !h.add(op, text) {
			return hunk{}, p.errorf("the line does not fit the hunk header at line %d, or a text that has ended", p.LineOf(h.pos))
		}
		previous, changed = op, changed || op != ' '
	}
	if !changed {
		return hunk{}, p.errorAt(h.pos, "the hunk changes nothing")
	}
	if p.continues() {
		return hunk{}, p.errorf("the hunk at line %d has more lines than its header says", p.LineOf(h.pos))
	}
	return h, nil
}

// hunkLine splits the current line of a hunk.
func (p *parser) hunkLine() (op byte, text []byte, err error) {
	switch {
	case p.Done():
		return 0, nil, p.errorf("the patch ends within a hunk")
	case p.Raw()[len(p.Raw())-1] != '\n':
		return 0, nil, p.errorf("the patch ends within a line")
	case p.Raw()[0] == '\n': // an empty line of context without its blank
		return ' ', p.Raw(), nil
	case bytes.IndexByte([]byte(" -+"), p.Raw()[0]) < 0:
		return 0, nil, p.errorf("this is not a line of a hunk, and more must come")
	}
	return p.Raw()[0], p.Raw()[1:], nil
}

// continues reports whether the current line looks like one more of the hunk
// that is complete. What begins with -- can be a signature or a header.
func (p *parser) continues() bool {
	return p.has("+") || p.has(" ") || p.has(`\`) || p.has("-") && !p.has("--")
}

// isEndMark matches "\ No newline at end of file" in any language.
func isEndMark(line []byte) bool {
	return len(line) >= 12 && line[0] == '\\' && line[1] == ' '
}

// add appends a line to the sides that it belongs to; false where one of them
// has ended.
func (h *hunk) add(op byte, text []byte) bool {
	if op != '+' && !h.old.add(text) || op != '-' && !h.new.add(text) {
		return false
	}
	h.context = h.context || op == ' '
	h.trailing = op == ' '
	return true
}

// end takes the line end off the line added last, whose op is given. A CR goes
// with it where the mark that says so has one: that is of the patch.
func (h *hunk) end(op byte, mark []byte) bool {
	cr := bytes.HasSuffix(mark, []byte("\r\n"))
	return op != 0 && (op == '+' || h.old.end(cr)) && (op == '-' || h.new.end(cr))
}

func newSide(first, count int) side {
	return side{first: first, last: first + count - 1, text: []byte{}}
}

// add appends a line; false where the text has ended.
func (s *side) add(line []byte) bool {
	s.text = append(s.text, line...)
	return !s.ends
}

// end takes the line end off the last line; false where that was done before.
func (s *side) end(cr bool) bool {
	if s.ends {
		return false
	}
	s.ends, s.text = true, s.text[:len(s.text)-1]
	if cr {
		s.text = bytes.TrimSuffix(s.text, []byte("\r"))
	}
	return true
}

// hunkRange is what a hunk header says: where either side begins, and how many
// lines of it are yet to come.
type hunkRange struct{ oldFirst, old, newFirst, new int }

// take counts a line and reports whether there was room for it.
func (r *hunkRange) take(op byte) bool {
	if op != '+' {
		r.old--
	}
	if op != '-' {
		r.new--
	}
	return r.old >= 0 && r.new >= 0
}

// parseHunkHeader reads "@@ -FIRST,COUNT +FIRST,COUNT @@". An empty side stands
// behind its FIRST.
func parseHunkHeader(line string) (r hunkRange, ok bool) {
	ranges, _, found := strings.Cut(strings.TrimPrefix(line, "@@ -"), " @@")
	from, to, plus := strings.Cut(ranges, " +")
	var okOld, okNew bool
	r.oldFirst, r.old, okOld = parseRange(from)
	r.newFirst, r.new, okNew = parseRange(to)
	return r, found && plus && okOld && okNew
}

// parseRange reads "FIRST" or "FIRST,COUNT".
func parseRange(s string) (first, count int, ok bool) {
	start, length, counted := strings.Cut(s, ",")
	first, ok = parseNumber(start)
	count = 1
	if counted && ok {
		count, ok = parseNumber(length)
	}
	if count == 0 {
		first++
	}
	return first, count, ok && first > 0 && first <= math.MaxInt-count
}

// parseNumber reads decimal digits and nothing else.
func parseNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && s[0] != '+' && s[0] != '-'
}
