package diff

import (
	"strings"

	"github.com/emend/emend/internal/fail"
)

// gitHeader is a header of git while it is read.
type gitHeader struct {
	*parser
	c        *change
	strip    int
	common   string        // the name in the first line, "" where there are two
	kinds    map[kind]bool // what the lines so far make of the change
	minus    bool          // --- was seen
	plus     bool          // +++ was seen
	from, to bool          // a rename or copy has named its source, its target
}

// gitHeader reads a header that begins with "diff --git", up to the first line
// that does not belong to it.
func (p *parser) gitHeader() (*change, error) {
	first, err := p.whole()
	if err != nil {
		return nil, err
	}
	h := gitHeader{parser: p, c: &change{src: p.Source, pos: p.Pos(), git: true}, strip: 1, kinds: map[kind]bool{}}
	if p.Strip != nil {
		h.strip = *p.Strip
	}
	h.common = commonName(strings.TrimPrefix(first, "diff --git "), h.strip)
	for p.Advance(); !p.Done(); p.Advance() {
		known, err := h.field()
		if err != nil {
			return nil, fail.Wrap(err, "", h.path())
		}
		if !known {
			break
		}
	}
	if err := h.finish(); err != nil {
		return nil, fail.Wrap(err, "", h.path())
	}
	return h.c, nil
}

// path names the file in errors.
func (h *gitHeader) path() string {
	if path := h.c.path(); path != "" {
		return path
	}
	return h.common
}

// field reads the current line if it belongs to the header.
func (h *gitHeader) field() (known bool, err error) {
	for _, f := range headerFields {
		if !h.has(f.start) {
			continue
		}
		line, err := h.whole()
		if err == nil {
			err = f.read(h, line[len(f.start):])
		}
		return true, err
	}
	return false, nil
}

var headerFields = []struct {
	start string
	read  func(h *gitHeader, value string) error
}{
	{"--- ", (*gitHeader).oldName},
	{"+++ ", (*gitHeader).newName},
	{"index ", (*gitHeader).index},
	{"old mode ", func(h *gitHeader, v string) error { return h.mode(&h.c.oldMode, v) }},
	{"new mode ", func(h *gitHeader, v string) error { return h.mode(&h.c.newMode, v) }},
	{"new file mode ", func(h *gitHeader, v string) error {
		h.kinds[create] = true
		return h.mode(&h.c.newMode, v)
	}},
	{"deleted file mode ", func(h *gitHeader, v string) error {
		h.kinds[remove] = true
		return h.mode(&h.c.oldMode, v)
	}},
	{"rename from ", func(h *gitHeader, v string) error { return h.source(rename, v) }},
	{"rename to ", func(h *gitHeader, v string) error { return h.target(rename, v) }},
	{"rename old ", func(h *gitHeader, v string) error { return h.source(rename, v) }},
	{"rename new ", func(h *gitHeader, v string) error { return h.target(rename, v) }},
	{"copy from ", func(h *gitHeader, v string) error { return h.source(copying, v) }},
	{"copy to ", func(h *gitHeader, v string) error { return h.target(copying, v) }},
	{"similarity index ", (*gitHeader).score},
	{"dissimilarity index ", (*gitHeader).score},
}

func (h *gitHeader) oldName(value string) error {
	h.minus = true
	return h.sideName(&h.c.old, value, h.kinds[create])
}

func (h *gitHeader) newName(value string) error {
	h.plus = true
	return h.sideName(&h.c.new, value, h.kinds[remove])
}

// sideName reads the name of one side, which must be no file where absent is
// true.
func (h *gitHeader) sideName(name *string, value string, absent bool) error {
	if isDevNull(value) != absent {
		if absent {
			return h.errorf("want %s where there is no file, not %.200s", devNull, value)
		}
		return h.errorf("%s where no line says that the file is created or deleted", devNull)
	}
	if absent {
		return nil
	}
	read, err := h.name(value, h.strip)
	if err != nil {
		return err
	}
	if h.common != "" && h.common != read && !h.kinds[rename] && !h.kinds[copying] {
		return h.errorf("the header names both %.200q and %.200q", h.common, read)
	}
	return h.setName(name, read)
}

// setName takes a name unless another line has said something else.
func (h *gitHeader) setName(name *string, read string) error {
	if *name != "" && *name != read {
		return h.errorf("the header names both %.200q and %.200q", *name, read)
	}
	*name = read
	return nil
}

func (h *gitHeader) source(k kind, value string) error {
	h.kinds[k], h.from = true, true
	return h.bareName(&h.c.old, value)
}

func (h *gitHeader) target(k kind, value string) error {
	h.kinds[k], h.to = true, true
	return h.bareName(&h.c.new, value)
}

// bareName reads a name of a rename or copy, which has no prefix that stands
// for the side. One that is too short for stripping is left to other lines.
func (h *gitHeader) bareName(name *string, value string) error {
	full, err := h.fullName(value)
	if err != nil {
		return err
	}
	read, ok := stripName(full, max(h.strip-1, 0))
	if !ok {
		return nil
	}
	if err := h.checkName(read); err != nil {
		return err
	}
	return h.setName(name, read)
}

func (h *gitHeader) mode(mode *uint32, value string) error {
	read, err := h.parseMode(value)
	if err != nil {
		return err
	}
	if *mode != 0 && *mode != read {
		return h.errorf("the header gives the modes %o and %o for one side", *mode, read)
	}
	*mode = read
	return nil
}

// index reads "OLD..NEW", and a mode that did not change.
func (h *gitHeader) index(value string) error {
	ids, mode, hasMode := strings.Cut(value, " ")
	from, to, _ := strings.Cut(ids, "..")
	if !isObjectID(from) || !isObjectID(to) {
		return h.errorf("malformed index line %.200q", value)
	}
	h.c.oldHex, h.c.newHex = from, to
	if hasMode {
		return h.mode(&h.c.oldMode, mode)
	}
	return nil
}

func (h *gitHeader) score(value string) error {
	digits := strings.TrimSuffix(value, "%")
	if digits == "" || len(digits) > 3 || strings.Trim(digits, "0123456789") != "" {
		return h.errorf("malformed similarity %.20q", value)
	}
	return nil
}

// finish checks the header as a whole.
func (h *gitHeader) finish() error {
	c := h.c
	for k := range h.kinds {
		c.kind = k
	}
	switch {
	case len(h.kinds) > 1:
		return c.errorAt(c.pos, "the header says that the file is created, deleted, renamed or copied at once")
	case h.from != h.to:
		return c.errorAt(c.pos, "a rename or copy needs both its names")
	case h.minus != h.plus:
		return c.errorAt(c.pos, "want both --- and +++ or none of them")
	case !h.plus && h.has("@@ -"):
		return h.errorf("want --- and +++ before a hunk")
	}
	if c.old == "" && c.kind != create {
		c.old = h.common
	}
	if c.new == "" && c.kind != remove {
		c.new = h.common
	}
	if c.kind != create && c.old == "" || c.kind != remove && c.new == "" {
		return c.errorAt(c.pos, "the header does not say which file it is about").WithHint(stripHint)
	}
	if c.kind == modify && c.old != c.new {
		return c.errorAt(c.pos, "the header has two names, %.200q and %.200q, and no rename", c.old, c.new)
	}
	if (c.kind == rename || c.kind == copying) && c.old == c.new {
		return c.errorAt(c.pos, "a rename or copy onto itself")
	}
	return h.finishModes()
}

func (h *gitHeader) finishModes() error {
	c := h.c
	if c.newMode != 0 && c.oldMode == 0 && c.kind != create {
		return c.errorAt(c.pos, "there is a new mode and no old one")
	}
	if c.newMode == 0 && c.kind != remove {
		c.newMode = c.oldMode
	}
	if c.oldMode != 0 && c.newMode != 0 && (c.oldMode^c.newMode)&typeMask != 0 {
		return c.errorAt(c.pos, "a file cannot become a link, nor a link a file, in one change")
	}
	return nil
}
