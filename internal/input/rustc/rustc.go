// Package rustc reads the JSON messages of rustc --error-format=json and cargo
// --message-format=json.
package rustc

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Options are what the messages leave open.
type Options struct {
	fix.Options
	Root fix.Root
	All  bool // take suggestions that rustc is not sure of, too
}

// Parse reads a stream of messages. The suggestions of one note or help are a
// fix; the text of its lines, which rustc reports, holds it in place.
func Parse(src *fix.Source, opts Options) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	r := &reader{JSON: in, opts: opts, set: fix.NewSet(fix.Rules{}, opts.Options)}
	for r.SkipLines('{'); r.Peek() != 0; r.SkipLines('{') {
		if err := r.message(); err != nil {
			return editor.Plan{}, err
		}
	}
	return r.set.Plan()
}

// Detect reports whether data begins as a message of cargo or rustc does, behind
// the indented lines that tell what cargo is doing.
func Detect(data []byte) bool {
	for bytes.HasPrefix(data, []byte(" ")) {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	names := fix.Names(data)
	has := func(name string) bool { return slices.Contains(names, name) }
	return has("reason") || has("$message_type") || has("message") && (has("spans") || bytes.Contains(line, []byte(`"spans"`)))
}

type reader struct {
	*fix.JSON
	opts Options
	set  *fix.Set
}

// message is one line: cargo wraps what rustc says.
type message struct {
	Reason  string      `json:"reason"`
	Message *diagnostic `json:"message"`
}

type diagnostic struct {
	Message  string       `json:"message"`
	Code     *code        `json:"code"`
	Spans    []span       `json:"spans"`
	Children []diagnostic `json:"children"`
}

type code struct {
	Code string `json:"code"`
}

type span struct {
	FileName      string  `json:"file_name"`
	ByteStart     int     `json:"byte_start"`
	ByteEnd       int     `json:"byte_end"`
	Text          []line  `json:"text"`
	Replacement   *string `json:"suggested_replacement"`
	Applicability *string `json:"suggestion_applicability"`
}

// line is a line that a span touches; columns count characters, from 1.
type line struct {
	Text           string `json:"text"`
	HighlightStart int    `json:"highlight_start"`
	HighlightEnd   int    `json:"highlight_end"`
}

func (r *reader) message() error {
	pos := r.Pos()
	if !ofCargo(r.Data[pos:]) {
		var d diagnostic
		if err := r.Decode(&d); err != nil {
			return err
		}
		return r.diagnostic(&d, pos)
	}
	var m message
	if err := r.Decode(&m); err != nil {
		return err
	}
	if m.Reason != "compiler-message" || m.Message == nil {
		return nil
	}
	return r.diagnostic(m.Message, pos)
}

// ofCargo reports whether the message that data begins with is one of cargo, which
// says so before all else.
func ofCargo(data []byte) bool {
	name, _ := fix.FirstKey(data)
	return name == "reason" || name != "$message_type" && slices.Contains(fix.Names(data), "reason")
}

// diagnostic adds the fixes of d, one for each of its parts with suggestions.
func (r *reader) diagnostic(d *diagnostic, pos int) error {
	name := d.Message
	if d.Code != nil && d.Code.Code != "" {
		name = d.Code.Code
	}
	parts := append([]diagnostic{{Message: d.Message, Spans: d.Spans}}, d.Children...)
	for _, part := range parts {
		if err := r.suggestion(name, part.Spans, pos); err != nil {
			return err
		}
	}
	return nil
}

const machineApplicable = "MachineApplicable"

// suggestion adds what spans suggest, all of it or nothing.
func (r *reader) suggestion(name string, spans []span, pos int) error {
	f := fix.Fix{Name: name, Pos: pos}
	for _, s := range spans {
		if s.Replacement == nil {
			continue
		}
		if !r.opts.All && (s.Applicability == nil || *s.Applicability != machineApplicable) {
			return nil
		}
		path, err := r.path(s.FileName)
		if err != nil {
			return r.set.Refuse(r.Source, f, err)
		}
		if s.ByteStart < 0 || s.ByteEnd < s.ByteStart || s.ByteEnd > math.MaxInt32 {
			return r.Error(fail.Parse, pos, path, "bytes %d-%d are no span", s.ByteStart, s.ByteEnd)
		}
		f.Edits = append(f.Edits, fix.Edit{Path: path, Context: s.context(),
			Edit: locator.Edit{Start: s.ByteStart, End: s.ByteEnd, Text: []byte(*s.Replacement)}})
	}
	return r.set.Add(r.Source, f)
}

// path refuses what is in another crate, or in a macro that has no file.
func (r *reader) path(name string) (string, error) {
	if strings.HasPrefix(name, "<") {
		return "", fail.New(fail.PathEscape, "", name, "is no file of the root")
	}
	return r.opts.Root.Rel(name, "")
}

// context returns the whole lines of the span, nil where they do not tell their
// bytes: rustc reports them without their ends, which may be LF or CR LF.
func (s *span) context() *fix.Context {
	if len(s.Text) == 0 {
		return nil
	}
	first, last := s.Text[0], s.Text[len(s.Text)-1]
	before, ok := bytesOf(first.Text, first.HighlightStart-1)
	upTo, okUpTo := bytesOf(last.Text, last.HighlightEnd-1)
	if !ok || !okUpTo || before > s.ByteStart {
		return nil
	}
	texts := make([]string, len(s.Text))
	for i, l := range s.Text {
		texts[i] = l.Text
	}
	for _, end := range []string{"\n", "\r\n"} {
		whole := strings.Join(texts, end)
		if len(whole)-before-(len(last.Text)-upTo) == s.ByteEnd-s.ByteStart {
			return &fix.Context{Start: s.ByteStart - before, Text: []byte(whole)}
		}
	}
	return nil
}

// bytesOf returns how many bytes the first characters of text have.
func bytesOf(text string, characters int) (int, bool) {
	size := 0
	for ; characters > 0; characters-- {
		if size == len(text) {
			return 0, false
		}
		_, n := utf8.DecodeRuneInString(text[size:])
		size += n
	}
	return size, characters == 0
}
