package locator

// Draft is a text that many edits change, one after another. It keeps the bytes
// before and behind the last place apart, so that a change near it moves few of
// them, and what all changes do together is not worked out before somebody
// asks. It is not safe for concurrent use.
type Draft struct {
	buf []byte // buf[:gap] and buf[end:] are the text
	gap int
	end int
	own bool // buf is not the caller's

	// layers are spans, which refer to the text that those before them
	// make. One has more than twice the weight of the next, so that there are few,
	// and no span is composed with others more than a few times.
	layers []layer
}

// layer is spans for a text of size bytes, and what it takes to compose them with
// others.
type layer struct {
	size   int64
	spans  []Span
	weight int
}

func newLayer(size int64, spans []Span) layer {
	l := layer{size: size, spans: spans}
	for _, s := range spans {
		l.weight += spanWeight + len(s.Text)
	}
	return l
}

// spanWeight is how many bytes of text are copied in the time that a span takes.
const spanWeight = 64

// NewDraft returns a Draft of original, which must not change.
func NewDraft(original []byte) *Draft {
	d := &Draft{}
	d.hold(original)
	return d
}

// Size returns the length of the text as it is now.
func (d *Draft) Size() int64 { return int64(d.gap + len(d.buf) - d.end) }

// Bytes returns the text as it is now. It is the Draft's: it must not be changed,
// and the next Apply does change it.
func (d *Draft) Bytes() []byte {
	d.moveTo(int(d.Size()))
	return d.buf[:d.gap:d.gap]
}

// Range returns a part of Bytes in less time. The range must be inside the text.
func (d *Draft) Range(start, end int) []byte {
	if start < d.gap && d.gap < end {
		d.moveTo(start)
	}
	if start >= d.gap {
		start, end = start+d.end-d.gap, end+d.end-d.gap
	}
	return d.buf[start:end:end]
}

// Apply applies spans, which all refer to the text as it is now. Errors are
// those of Validate; nothing is changed then.
func (d *Draft) Apply(spans []Span) error {
	size := d.Size()
	least, err := Compose(size, nil, spans)
	if err != nil || len(least) == 0 {
		return err
	}
	d.splice(least)
	d.layers = append(d.layers, newLayer(size, least))
	return d.compose(false)
}

// Release lets go of the text and keeps what was done to it: nothing can be done
// with the Draft until Resume.
func (d *Draft) Release() { d.hold(nil) }

// Resume gives a Draft that was released its text again, which is made of the
// same original.
func (d *Draft) Resume(original []byte) {
	d.hold(original)
	for _, l := range d.layers {
		d.splice(l.spans)
	}
}

func (d *Draft) hold(text []byte) { d.buf, d.gap, d.end, d.own = text, len(text), len(text), false }

// Spans returns what turns the original into the text as it is now, as Compose
// would.
func (d *Draft) Spans() ([]Span, error) {
	if err := d.compose(true); err != nil || len(d.layers) == 0 {
		return nil, err
	}
	return d.layers[0].spans, nil
}

// compose makes one of the last two layers until their weights are as they should
// be or, with all, until there is one.
func (d *Draft) compose(all bool) error {
	for n := len(d.layers); n > 1; n-- {
		first, second := d.layers[n-2], d.layers[n-1]
		if !all && first.weight > 2*second.weight {
			return nil
		}
		spans, err := Compose(first.size, first.spans, second.spans)
		if err != nil {
			return err
		}
		d.layers = append(d.layers[:n-2], newLayer(first.size, spans))
	}
	return nil
}

func (d *Draft) splice(spans []Span) {
	shift := 0
	for _, s := range spans {
		d.replace(s.Start+shift, s.End+shift, s.Text)
		shift += len(s.Text) - (s.End - s.Start)
	}
}

// replace replaces a range of the text as it is now.
func (d *Draft) replace(start, end int, text []byte) {
	if room := d.end - d.gap + end - start; !d.own || room < len(text) {
		d.grow(len(text))
	}
	d.moveTo(start)
	d.end += end - start
	d.gap += copy(d.buf[d.gap:], text)
}

// minRoom is what a buffer has room for beyond what it grows for.
const minRoom = 64

// grow moves the text to a larger buffer, with room for at least more bytes.
func (d *Draft) grow(more int) {
	size := int(d.Size())
	buf := make([]byte, size+more+size/8+minRoom)
	copy(buf, d.buf[:d.gap])
	end := len(buf) - copy(buf[len(buf)-(len(d.buf)-d.end):], d.buf[d.end:])
	d.buf, d.end, d.own = buf, end, true
}

// moveTo moves the gap to offset at of the text.
func (d *Draft) moveTo(at int) {
	if n := d.gap - at; n > 0 {
		copy(d.buf[d.end-n:d.end], d.buf[at:d.gap])
		d.gap, d.end = at, d.end-n
	} else if n < 0 {
		copy(d.buf[d.gap:at], d.buf[d.end:])
		d.gap, d.end = at, d.end-n
	}
}
