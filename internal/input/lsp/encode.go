package lsp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"unicode/utf8"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Encode returns operations as a WorkspaceEdit with documentChanges, one a line.
// read returns the text of a file before all of them; it must be what an edit
// expects, else the error is of kind busy. What the protocol has no words for, and
// text that is not UTF-8, is an error of kind unsupported.
func Encode(ops []editor.Op, root fix.Root, enc locator.Encoding, read func(path string) ([]byte, error)) ([]byte, error) {
	e := encoder{root: root, encoding: enc, read: read, came: make(map[string]string)}
	for _, op := range ops {
		if err := e.operation(op); err != nil {
			return nil, err
		}
	}
	return append(append([]byte(`{"documentChanges":[`), e.Bytes()...), "\n]}\n"...), nil
}

type encoder struct {
	bytes.Buffer
	root     fix.Root
	encoding locator.Encoding
	read     func(path string) ([]byte, error)
	came     map[string]string // by the name of a renamed file: the one that it had before
}

func (e *encoder) operation(op editor.Op) error {
	switch o := op.(type) {
	case editor.Edit:
		text, err := e.before(o)
		if err != nil {
			return err
		}
		return e.edit(o.Path, text, o.Edits)
	case editor.Create:
		if o.Mode&0o111 != 0 {
			return refuse(o.Path, "a new file that can be executed")
		}
		if err := e.change(fileChange{Kind: "create", URI: e.root.FileURI(o.Path)}); err != nil || len(o.Content) == 0 {
			return err
		}
		return e.edit(o.Path, nil, []locator.Edit{{Text: o.Content}})
	case editor.Delete:
		return e.change(fileChange{Kind: "delete", URI: e.root.FileURI(o.Path)})
	case editor.Rename:
		e.came[o.To] = cmp.Or(e.came[o.From], o.From)
		return e.change(fileChange{Kind: "rename", OldURI: e.root.FileURI(o.From), NewURI: e.root.FileURI(o.To)})
	case editor.Write:
		return refuse(o.Path, "new content of a file that is no text")
	case editor.Chmod:
		return refuse(o.Path, "a new mode")
	case editor.Symlink:
		return refuse(o.Path, "a link")
	}
	return refuse("", "a directory")
}

// before returns the text that o edits.
func (e *encoder) before(o editor.Edit) ([]byte, error) {
	text, err := e.read(cmp.Or(e.came[o.Path], o.Path))
	if err == nil && o.Expect.Raw != nil && *o.Expect.Raw != hashing.Raw(text) {
		err = fail.New(fail.Busy, "", "", "somebody is writing to the file")
	}
	return text, fail.Wrap(err, "read", o.Path)
}

func refuse(path, what string) error {
	return fail.New(fail.Unsupported, "encode", path, "a WorkspaceEdit cannot say this: %s", what)
}

// fileChange is any element of documentChanges that names no document.
type fileChange struct {
	Kind   string `json:"kind"`
	URI    string `json:"uri,omitempty"`
	OldURI string `json:"oldUri,omitempty"`
	NewURI string `json:"newUri,omitempty"`
}

type documentChange struct {
	Document struct {
		URI     string `json:"uri"`
		Version *int   `json:"version"` // null: of the file, not of a buffer
	} `json:"textDocument"`
	Edits []newText `json:"edits"`
}

type newText struct {
	Range struct {
		Start wirePosition `json:"start"`
		End   wirePosition `json:"end"`
	} `json:"range"`
	NewText string `json:"newText"`
}

type wirePosition struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// change writes an element of documentChanges.
func (e *encoder) change(v any) error {
	if e.Len() > 0 {
		e.WriteByte(',')
	}
	e.WriteByte('\n')
	enc := json.NewEncoder(&e.Buffer)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	e.Truncate(e.Len() - len("\n"))
	return err
}

// edit writes edits of text, each no larger than what they change.
func (e *encoder) edit(path string, text []byte, edits []locator.Edit) error {
	located, err := locator.Locate(text, edits)
	if err != nil {
		return fail.Wrap(err, "encode", path)
	}
	c := documentChange{Edits: []newText{}}
	c.Document.URI = e.root.FileURI(path)
	m := locator.NewMapper(text)
	for _, whole := range located.Spans {
		if !utf8.Valid(whole.Text) || !utf8.Valid(text[whole.Start:whole.End]) {
			return refuse(path, "text that is not UTF-8")
		}
		for _, s := range locator.Diff(text[whole.Start:whole.End], whole.Text) {
			s.Start, s.End = s.Start+whole.Start, s.End+whole.Start
			s = trim(text, s)
			start, err := m.OffsetToPosition(s.Start, e.encoding)
			if err != nil {
				return fail.Wrap(err, "encode", path)
			}
			end, err := m.OffsetToPosition(s.End, e.encoding)
			if err != nil {
				return fail.Wrap(err, "encode", path)
			}
			n := newText{NewText: string(s.Text)}
			n.Range.Start, n.Range.End = wirePosition(start), wirePosition(end)
			c.Edits = append(c.Edits, n)
		}
	}
	return e.change(c)
}

// trim leaves out of s what it replaces by the same text at its start and at
// its end, up to places that have a position.
func trim(text []byte, s locator.Span) locator.Span {
	most := min(s.End-s.Start, len(s.Text))
	head := 0
	for head < most && text[s.Start+head] == s.Text[head] {
		head++
	}
	for head > 0 && !hasPosition(text, s.Start+head) {
		head--
	}
	tail := 0
	for tail < most-head && text[s.End-1-tail] == s.Text[len(s.Text)-1-tail] {
		tail++
	}
	for tail > 0 && !hasPosition(text, s.End-tail) {
		tail--
	}
	return locator.Span{Start: s.Start + head, End: s.End - tail, Text: s.Text[head : len(s.Text)-tail]}
}

// hasPosition reports whether an offset is between two characters, CR LF being
// one.
func hasPosition(text []byte, offset int) bool {
	if offset == 0 || offset == len(text) {
		return true
	}
	return utf8.RuneStart(text[offset]) && !(text[offset-1] == '\r' && text[offset] == '\n')
}
