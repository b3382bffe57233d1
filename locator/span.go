package locator

import (
	"bufio"
	"errors"
	"io"
	"slices"

	"github.com/emend/emend/internal/fail"
)

// Sort brings spans into the one order that all functions of this package want:
// by start; at one start, inserts come before the replacement whatever the list
// said, and inserts among themselves stay as listed.
func Sort(spans []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int {
		switch {
		case a.Start != b.Start:
			return compare(a.Start < b.Start)
		case a.insert() != b.insert():
			return compare(a.insert())
		}
		return 0
	})
}

func compare(less bool) int {
	if less {
		return -1
	}
	return 1
}

// insert reports whether s replaces nothing.
func (s Span) insert() bool { return s.Start == s.End }

// Validate checks that spans can be spliced into a text of size bytes: they are
// in the order of Sort, inside the text (else the kind is position), and do not
// overlap (else it is conflict). Ranges are half-open: they may touch, and an
// insert may stand at either end of a replaced range, not within it.
func Validate(size int64, spans []Span) error {
	for i, s := range spans {
		if err := checkRange(size, s.Start, s.End); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		prev := spans[i-1]
		switch {
		case s.Start < prev.Start, s.Start == prev.Start && s.insert() && !prev.insert():
			return fail.New(fail.Usage, "", "", "spans %d-%d and %d-%d are not sorted", prev.Start, prev.End, s.Start, s.End)
		case s.Start < prev.End:
			return fail.New(fail.Conflict, "", "", "edits of bytes %d-%d and %d-%d overlap",
				prev.Start, prev.End, s.Start, s.End)
		}
	}
	return nil
}

func checkRange(size int64, start, end int) error {
	switch {
	case start > end:
		return fail.New(fail.Position, "", "", "range %d-%d ends before it starts", start, end)
	case start < 0, int64(end) > size:
		return fail.New(fail.Position, "", "", "range %d-%d is outside the file of %d bytes", start, end, size)
	}
	return nil
}

// Splice returns content with spans replaced, in memory of its own. Errors are
// those of Validate.
func Splice(content []byte, spans []Span) ([]byte, error) {
	if err := Validate(int64(len(content)), spans); err != nil {
		return nil, err
	}
	return splice([]byte{}, content, spans), nil
}

// AppendSplice appends to dst what Splice would return.
func AppendSplice(dst, content []byte, spans []Span) ([]byte, error) {
	if err := Validate(int64(len(content)), spans); err != nil {
		return dst, err
	}
	return splice(dst, content, spans), nil
}

// splice is AppendSplice for valid spans.
func splice(dst, content []byte, spans []Span) []byte {
	size := len(content)
	for _, s := range spans {
		size += len(s.Text) - (s.End - s.Start)
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	pos := 0
	for _, s := range spans {
		dst = append(dst, content[pos:s.Start]...)
		dst = append(dst, s.Text...)
		pos = s.End
	}
	return append(dst, content[pos:]...)
}

// bufferSize is what SpliceTo reads and writes at once.
const bufferSize = 64 << 10

// SpliceTo writes to w what Splice would return for the size bytes that r
// yields, in constant memory. It reads every byte of r, the replaced ones too,
// so that r may hash them on the way. Where r yields fewer or more bytes than
// size the kind is drift; then, as after any error, w has a part of the text.
func SpliceTo(w io.Writer, r io.Reader, size int64, spans []Span) error {
	if err := Validate(size, spans); err != nil {
		return err
	}
	in := bufio.NewReaderSize(r, bufferSize)
	out := bufio.NewWriterSize(w, bufferSize)
	pos := int64(0)
	for _, s := range spans {
		if err := transfer(out, in, int64(s.Start)-pos); err != nil {
			return err
		}
		if _, err := out.Write(s.Text); err != nil {
			return err
		}
		if err := transfer(io.Discard, in, int64(s.End-s.Start)); err != nil {
			return err
		}
		pos = int64(s.End)
	}
	if err := transfer(out, in, size-pos); err != nil {
		return err
	}
	switch _, err := in.Peek(1); {
	case err == nil:
		return fail.New(fail.Drift, "", "", "the file is longer than %d bytes", size)
	case !errors.Is(err, io.EOF):
		return err
	}
	return out.Flush()
}

// transfer moves n bytes without memory of its own.
func transfer(w io.Writer, r *bufio.Reader, n int64) error {
	for n > 0 {
		piece, err := r.Peek(int(min(n, bufferSize)))
		if len(piece) == 0 {
			if errors.Is(err, io.EOF) {
				return fail.New(fail.Drift, "", "", "the file ends %d bytes early", n)
			}
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		n -= int64(len(piece))
		_, _ = r.Discard(len(piece)) // what was peeked can be discarded
	}
	return nil
}
