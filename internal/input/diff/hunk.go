package diff

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// hunk is one replacement of whole lines.
type hunk struct {
	line             int    // of its header in the patch
	first, last      int    // the old lines, from 1; last = first-1 for an insertion before first
	old, new         []byte // context included; old is never nil
	context          bool   // there are lines of context
	trailing         bool   // ... behind the last change
	oldEnds, newEnds bool   // the text of that side ends here, without a line end
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
		if h.first <= last {
			return errorAt(h.line, "the hunk overlaps the one before it, or is out of order")
		}
		last, ended = h.last, h.oldEnds || h.newEnds
		c.hunks = append(c.hunks, h)
	}
	return nil
}

// hunk reads one hunk.
func (p *parser) hunk() (hunk, error) {
	r, ok := parseHunkHeader(string(p.line))
	if !ok {
		return hunk{}, p.errorf("malformed hunk header %.100q", bytes.TrimRight(p.line, "\r\n"))
	}
	h := hunk{line: p.number, first: r.first, last: r.first + r.old - 1, old: []byte{}}
	changed, previous := false, byte(0)
	for p.advance(); r.old > 0 || r.new > 0 || isEndMark(p.line); p.advance() {
		if isEndMark(p.line) {
			if !h.end(previous) {
				return hunk{}, p.errorf("the mark of a missing line end follows no line")
			}
			continue
		}
		op, text, err := p.hunkLine()
		if err != nil {
			return hunk{}, err
		}
		if !r.take(op) || !h.add(op, text) {
			return hunk{}, p.errorf("the line does not fit the hunk header at line %d, or a text that has ended", h.line)
		}
		previous, changed = op, changed || op != ' '
	}
	if !changed {
		return hunk{}, errorAt(h.line, "the hunk changes nothing")
	}
	if p.continues() {
		return hunk{}, p.errorf("the hunk at line %d has more lines than its header says", h.line)
	}
	return h, nil
}

// hunkLine splits the current line of a hunk.
func (p *parser) hunkLine() (op byte, text []byte, err error) {
	switch {
	case p.line == nil:
		return 0, nil, p.errorf("the patch ends within a hunk")
	case p.line[len(p.line)-1] != '\n':
		return 0, nil, p.errorf("the patch ends within a line")
	case p.line[0] == '\n': // an empty line of context without its blank
		return ' ', p.line, nil
	case bytes.IndexByte([]byte(" -+"), p.line[0]) < 0:
		return 0, nil, p.errorf("this is not a line of a hunk, and more must come")
	}
	return p.line[0], p.line[1:], nil
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
	if op != '+' {
		if h.oldEnds {
			return false
		}
		h.old = append(h.old, text...)
	}
	if op != '-' {
		if h.newEnds {
			return false
		}
		h.new = append(h.new, text...)
	}
	h.context = h.context || op == ' '
	h.trailing = op == ' '
	return true
}

// end takes the line end off the line added last, whose op is given.
func (h *hunk) end(op byte) bool {
	if op == 0 || op != '+' && h.oldEnds || op != '-' && h.newEnds {
		return false
	}
	if op != '+' {
		h.oldEnds, h.old = true, h.old[:len(h.old)-1]
	}
	if op != '-' {
		h.newEnds, h.new = true, h.new[:len(h.new)-1]
	}
	return true
}

// hunkRange is what a hunk header says: where it begins in the old text, and
// how many lines of either side are yet to come.
type hunkRange struct{ first, old, new int }

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
	first, old, okOld := parseRange(from)
	_, count, okNew := parseRange(to)
	return hunkRange{first, old, count}, found && plus && okOld && okNew
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
