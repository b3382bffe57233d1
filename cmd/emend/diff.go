package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
)

// diffJSON is a diff in JSON: as text where it is UTF-8, else in base64. The
// zero value is none.
type diffJSON struct {
	Diff       *string `json:"diff,omitempty"`
	DiffBase64 []byte  `json:"diff_base64,omitempty"`
}

// collectDiff returns the diff that write makes for a JSON document.
func collectDiff(write func(io.Writer) error) (diffJSON, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return diffJSON{}, err
	}
	if !utf8.Valid(b.Bytes()) {
		return diffJSON{DiffBase64: b.Bytes()}, nil
	}
	text := b.String()
	return diffJSON{Diff: &text}, nil
}

// diff writes to stdout the unified diff that write makes, in colour on a
// terminal. Its bytes are the files': nothing is escaped.
func (o *output) diff(write func(io.Writer) error) error {
	w := bufio.NewWriter(o.out)
	if !o.outTTY {
		return errors.Join(write(w), fail.Wrap(w.Flush(), "write", "stdout"))
	}
	c := &colourer{w: w}
	return errors.Join(write(c), c.end(), fail.Wrap(w.Flush(), "write", "stdout"))
}

// colourer passes on the lines of a diff, in colour.
type colourer struct {
	w    *bufio.Writer
	line []byte // begun, and not ended yet
}

func (c *colourer) Write(p []byte) (int, error) {
	for piece := range bytes.Lines(p) {
		c.line = append(c.line, piece...)
		if piece[len(piece)-1] == '\n' {
			if err := c.end(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// end writes the line that was begun.
func (c *colourer) end() error {
	text := bytes.TrimSuffix(c.line, []byte("\n"))
	if colour := diffColour(text); colour == "" {
		c.w.Write(text)
	} else {
		c.w.WriteString(colour)
		c.w.Write(text)
		c.w.WriteString(plain)
	}
	_, err := c.w.Write(c.line[len(text):]) // a bufio.Writer keeps its first error
	c.line = c.line[:0]
	return err
}

func diffColour(line []byte) string {
	switch {
	case bytes.HasPrefix(line, []byte("diff ")), bytes.HasPrefix(line, []byte("+++ ")), bytes.HasPrefix(line, []byte("--- ")):
		return bold
	case bytes.HasPrefix(line, []byte("@@ ")):
		return cyan
	case bytes.HasPrefix(line, []byte("+")):
		return green
	case bytes.HasPrefix(line, []byte("-")):
		return red
	}
	return ""
}
