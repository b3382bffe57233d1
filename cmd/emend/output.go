package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/recovery"
)

// streams are the process's own; a test brings others.
type streams struct {
	in                    io.Reader
	out, err              io.Writer
	inTTY, outTTY, errTTY bool // in is a terminal; out, err are terminals that may have colour
	errLive               bool // err is a terminal on which a line can be written over
}

// output holds the rules of output in one place. With --json, stdout gets
// exactly one document, success or error, and stderr nothing but the progress that
// was asked for. Otherwise results
// go to stdout, errors and notes to stderr, and --quiet drops the lines that
// only say that all is well.
type output struct {
	streams
	json, quiet bool
}

// result writes what a verb found: doc with --json, else what text writes.
func (o *output) result(doc any, text func(w io.Writer)) error {
	if o.json {
		return o.document(doc)
	}
	w := bufio.NewWriter(o.out)
	text(w)
	return fail.Wrap(w.Flush(), "write", "stdout")
}

// document writes doc as one JSON document and a newline.
func (o *output) document(doc any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fail.Wrap(err, "encode", "")
	}
	_, err := o.out.Write(b.Bytes())
	return fail.Wrap(err, "write", "stdout")
}

// success writes a line that --quiet drops.
func (o *output) success(w io.Writer, format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(w, format+"\n", args...)
	}
}

// note tells a person something beside the result.
func (o *output) note(format string, args ...any) {
	if !o.json {
		fmt.Fprintf(o.err, format+"\n", args...)
	}
}

// warn tells of an error that changes nothing about how the run ended.
func (o *output) warn(err error) {
	if err != nil {
		fmt.Fprintln(o.err, "emend:", printable(err.Error()))
	}
}

// failure reports e: with --json on stdout, with the intents that were
// recovered before the verb failed; else on stderr.
func (o *output) failure(e *fail.Error, exit int, recovered []recovery.IntentReport) {
	if o.json {
		doc := errorDoc{Error: errorJSON{Error: e, Message: e.Text(), pathJSON: jsonPath(e.Path)}, Recovered: recovered, Exit: exit}
		o.warn(o.document(doc))
		return
	}
	prefix := "emend:"
	if o.errTTY {
		prefix = red + prefix + plain
	}
	fmt.Fprintln(o.err, prefix, printable(e.Error()))
	if e.Expected != "" || e.Actual != "" {
		fmt.Fprintf(o.err, "  expected: %s\n  actual:   %s\n", printable(e.Expected), printable(e.Actual))
	}
	for _, c := range e.Candidates {
		fmt.Fprintf(o.err, "  candidate: line %d, bytes %d to %d\n", c.Line, c.Start, c.End)
	}
	if e.Hint != "" {
		fmt.Fprintln(o.err, "hint:", printable(e.Hint))
	}
}

// errorDoc is an error as --json prints it.
type errorDoc struct {
	Error     errorJSON               `json:"error"`
	Recovered []recovery.IntentReport `json:"recovered,omitempty"`
	Exit      int                     `json:"exit"`
}

type errorJSON struct {
	*fail.Error
	Message string `json:"message"`
	pathJSON
}

// pathJSON is a path in JSON: as text where it is UTF-8, else in base64.
type pathJSON struct {
	Path       string `json:"path,omitempty"`
	PathBase64 []byte `json:"path_base64,omitempty"`
}

func jsonPath(path string) pathJSON {
	if utf8.ValidString(path) {
		return pathJSON{Path: path}
	}
	return pathJSON{PathBase64: []byte(path)}
}

// orNull is s in JSON, null where it is empty.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// openEnded is a stdout whose reader may go away: it has seen all that it
// wanted, and how a transaction ends does not hang on it.
type openEnded struct{ w io.Writer }

func (o openEnded) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// printable is s with the bytes that a terminal must not see written out.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			fmt.Fprintf(&b, `\x%02x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// oneLine is s for a table: printable, and no line breaks.
func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable(s))
}

// The colours of a terminal.
const (
	plain = "\x1b[m"
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
)
