package plan

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Stream is where a plan of JSON lines is read from: the first line is the plan
// without ops, each other one operation.
type Stream struct {
	Name     string // for errors
	Open     func() (io.ReadCloser, error)
	Encoding locator.Encoding
}

// Plan reads the first line. The operations are read, one at a time, whenever
// the plan's More is walked. It is as strict as Parse, and its errors are the
// same.
func (s Stream) Plan() (editor.Plan, error) {
	var p editor.Plan
	err := s.values(func(d *decoder) (more bool) {
		p = d.plan(planFields &^ fOps)
		return false
	})
	if err != nil {
		return editor.Plan{}, err
	}
	p.More = s.operations
	return p, nil
}

func (s Stream) operations(yield func(editor.Op, error) bool) {
	index := -1 // of the plan itself
	err := s.values(func(d *decoder) (more bool) {
		if index++; index == 0 {
			d.plan(planFields &^ fOps)
			return true
		}
		d.opIndex = index - 1
		op := d.operation()
		d.endLine()
		return d.err != nil || yield(op, nil)
	})
	if err != nil {
		yield(nil, err)
	}
}

// values has read called for every line that is not blank, as long as it wants
// more; an empty input is one line.
func (s Stream) values(read func(*decoder) (more bool)) error {
	first := true
	return s.lines(func(src *fix.Source, last bool) (more bool, err error) {
		src.Data = bytes.TrimRight(src.Data, " \t\r\n")
		if len(src.Data) == 0 && !(last && first) {
			return true, nil
		}
		d := decoder{scanner: newScanner(src, first), encoding: s.Encoding, opIndex: -1, editIndex: -1}
		d.reused, first = true, false
		more = read(&d)
		d.endLine()
		if d.err != nil {
			return false, d.failure()
		}
		return more, nil
	})
}

// Show is fix.Show for a stream, of which it reads the lines up to the one that
// e is about. Where they cannot be read, e is returned as it is.
func (s Stream) Show(e *fail.Error) *fail.Error {
	shown := e
	line, _, ok := fix.Place(s.Name, e.Origin)
	if !ok {
		return e
	}
	_ = s.lines(func(src *fix.Source, _ bool) (more bool, err error) {
		if line--; line > 0 {
			return true, nil
		}
		shown = fix.Show([]*fix.Source{src}, e)
		return false, nil
	})
	return shown
}

// lines has read called for every line, as long as it wants more. The data are
// its own only until it returns.
func (s Stream) lines(read func(line *fix.Source, last bool) (more bool, err error)) error {
	in, err := s.Open()
	if err != nil {
		return fail.Wrap(err, "read", s.Name)
	}
	defer in.Close()
	lines := lineReader{Reader: bufio.NewReaderSize(in, 1<<16)}
	for {
		line, err := lines.next()
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fail.Wrap(err, "read", s.Name)
		}
		more, err := read(&fix.Source{Name: s.Name, Data: line, Skipped: lines.count - 1}, last)
		if err != nil || !more || last {
			return err
		}
	}
}

// lineReader reads lines into a buffer that it uses again.
type lineReader struct {
	*bufio.Reader
	line  []byte
	count int
}

// next returns the next line, with its LF; with io.EOF where there is no LF.
func (r *lineReader) next() ([]byte, error) {
	r.line = r.line[:0]
	r.count++
	for {
		part, err := r.ReadSlice('\n')
		r.line = append(r.line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.line, err
		}
	}
}

// endLine expects the end of the line.
func (d *decoder) endLine() {
	if d.skipSpace(); d.pos < len(d.data) {
		d.name = nil
		d.fail(d.pos, "want the end of the line, not %s", d.here())
	}
}

// DetectStream reports whether data, the beginning of an input, begins with a
// plan without ops on a line, and an object on a line behind it.
func DetectStream(data []byte) bool {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	for len(bytes.TrimSpace(line)) == 0 && len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	d := decoder{scanner: newScanner(&fix.Source{Data: line}, true), opIndex: -1, editIndex: -1}
	d.plan(planFields &^ fOps)
	d.endLine()
	return d.err == nil && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("{"))
}
