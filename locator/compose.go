package locator

// Compose returns the spans that do in one step what first and then second do
// to a text of size bytes: second refers to the text that first made. Between
// two bytes that stay the result has at most one span, and none that replaces
// nothing by nothing. Errors are those of Validate, for first or second.
func Compose(size int64, first, second []Span) ([]Span, error) {
	if err := Validate(size, first); err != nil {
		return nil, err
	}
	middle := pieceTable(int(size), first)
	if err := Validate(middle.size(), second); err != nil {
		return nil, err
	}
	var out composer
	pos := 0
	for _, s := range second {
		middle.take(s.Start-pos, out.add)
		out.add(piece{text: s.Text})
		middle.take(s.End-s.Start, func(piece) {})
		pos = s.End
	}
	for _, p := range middle {
		out.add(p)
	}
	return out.finish(int(size)), nil
}

// piece is a stretch of a text in the making: of the original's bytes, or, where
// that range is empty, of new ones.
type piece struct {
	start, end int
	text       []byte
}

func (p piece) size() int { return p.end - p.start + len(p.text) }

// split cuts p after n bytes.
func (p piece) split(n int) (piece, piece) {
	if p.end > p.start {
		return piece{start: p.start, end: p.start + n}, piece{start: p.start + n, end: p.end}
	}
	return piece{text: p.text[:n]}, piece{text: p.text[n:]}
}

// pieces is a text as its pieces.
type pieces []piece

// pieceTable returns the text of size bytes with spans applied.
func pieceTable(size int, spans []Span) pieces {
	table := make(pieces, 0, 2*len(spans)+1)
	pos := 0
	for _, s := range spans {
		table = append(table, piece{start: pos, end: s.Start}, piece{text: s.Text})
		pos = s.End
	}
	return append(table, piece{start: pos, end: size})
}

func (t pieces) size() int64 {
	n := int64(0)
	for _, p := range t {
		n += int64(p.size())
	}
	return n
}

// take hands the first n bytes to each, piece by piece, and drops them from t.
func (t *pieces) take(n int, each func(piece)) {
	for n > 0 {
		p := (*t)[0]
		if p.size() > n {
			p, (*t)[0] = p.split(n)
		} else {
			*t = (*t)[1:]
		}
		each(p)
		n -= p.size()
	}
}

// composer turns pieces into spans: whatever stands between two pieces of the
// original replaces what lay between them.
type composer struct {
	spans []Span
	pos   int    // end of the last piece of the original
	text  []byte // what came since
}

func (c *composer) add(p piece) {
	if p.start == p.end {
		c.text = append(c.text, p.text...)
		return
	}
	c.flush(p.start)
	c.pos = p.end
}

func (c *composer) flush(next int) {
	if next > c.pos || len(c.text) > 0 {
		c.spans = append(c.spans, Span{Start: c.pos, End: next, Text: c.text})
		c.text = nil
	}
}

func (c *composer) finish(size int) []Span {
	c.flush(size)
	return c.spans
}
