package plan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// Encode returns p in the form that Parse reads, one operation a line. What the
// format has no words for is an error of kind unsupported. PruneDirs is left
// out.
func Encode(p editor.Plan) ([]byte, error) {
	e := encoder{}
	e.WriteString(`{"emend": 1`)
	if p.Key != "" {
		e.text("key", []byte(p.Key))
	}
	if p.Label != "" {
		e.text("label", []byte(p.Label))
	}
	e.WriteString(`, "ops": [`)
	for i, op := range p.Ops {
		if i > 0 {
			e.WriteByte(',')
		}
		e.WriteString("\n ")
		e.operation(op)
	}
	e.WriteString("\n]}\n")
	return e.Bytes(), e.err
}

// encoder writes fields, each with the comma before it.
type encoder struct {
	bytes.Buffer
	err error // the first thing that cannot be said
}

func (e *encoder) operation(op editor.Op) {
	switch o := op.(type) {
	case editor.Edit:
		e.begin("edit", o.Path)
		e.expect(o.Expect, o.Path)
		if o.Base != nil {
			e.text("base", o.Base)
		}
		e.edits(o)
	case editor.Write:
		e.begin("write", o.Path)
		e.text("content", o.Content)
		e.expect(o.Expect, o.Path)
		e.mode(o.Mode, o.Path)
	case editor.Create:
		e.begin("create", o.Path)
		e.text("content", o.Content)
		e.mode(o.Mode, o.Path)
	case editor.Delete:
		e.begin("delete", o.Path)
		e.expect(o.Expect, o.Path)
	case editor.Rename:
		e.WriteString(`{"op": "rename"`)
		e.text("from", []byte(o.From))
		e.text("to", []byte(o.To))
		fmt.Fprintf(e, `, "overwrite": %t`, o.Overwrite)
	case editor.Chmod:
		e.begin("chmod", o.Path)
		e.mode(o.Mode, o.Path)
	case editor.Symlink:
		e.begin("symlink", o.Path)
		e.text("target", []byte(o.Target))
	case editor.Mkdir:
		e.begin("mkdir", o.Path)
	default:
		e.refuse("", "%T", op)
	}
	e.WriteByte('}')
}

func (e *encoder) begin(op, path string) {
	fmt.Fprintf(e, `{"op": %q`, op)
	e.text("path", []byte(path))
}

func (e *encoder) refuse(path, format string, args ...any) {
	if e.err == nil {
		e.err = fail.New(fail.Unsupported, "encode", path, "a plan cannot say this: "+format, args...)
	}
}

// text writes bytes as a string, or in base64 where they are not UTF-8.
func (e *encoder) text(name string, b []byte) {
	if !utf8.Valid(b) {
		fmt.Fprintf(e, `, "%s_base64": "%s"`, name, base64.StdEncoding.EncodeToString(b))
		return
	}
	fmt.Fprintf(e, `, "%s": `, name)
	enc := json.NewEncoder(&e.Buffer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(string(b)) // to memory
	e.Truncate(e.Len() - len("\n"))
}

func (e *encoder) expect(x editor.Expect, path string) {
	if len(x.GitBlob) > 0 || len(x.Sum) > 0 || x.Untouched || !x.AsOf.IsZero() {
		e.refuse(path, "an expectation beside the hashes")
	}
	switch {
	case x.Raw != nil && x.Norm != nil:
		fmt.Fprintf(e, `, "expect": {"raw": "%s", "norm": "%s"}`, x.Raw, x.Norm)
	case x.Raw != nil:
		fmt.Fprintf(e, `, "expect": {"raw": "%s"}`, x.Raw)
	case x.Norm != nil:
		fmt.Fprintf(e, `, "expect": {"norm": "%s"}`, x.Norm)
	}
}

func (e *encoder) mode(m editor.Mode, path string) {
	if m&(editor.Executable|editor.SetExec|editor.ClearExec) != 0 {
		e.refuse(path, "a mode that depends on the file or the umask")
	}
	if m != 0 {
		fmt.Fprintf(e, `, "mode": "0%03o"`, uint32(m&^editor.ExactMode))
	}
}

func (e *encoder) edits(o editor.Edit) {
	e.WriteString(`, "edits": [`)
	for i, edit := range o.Edits {
		if i > 0 {
			e.WriteString(", ")
		}
		e.place(edit, o.Path)
		e.text("text", edit.Text)
		if edit.Old != nil {
			e.text("old", edit.Old)
		}
		e.WriteByte('}')
	}
	e.WriteByte(']')
}

func (e *encoder) place(edit locator.Edit, path string) {
	switch {
	case edit.Hunk != nil || edit.Units != nil || edit.Range != nil || edit.AtEOF:
		e.refuse(path, "a place that is neither bytes, lines nor text")
	case edit.Find != nil:
		fmt.Fprintf(e, `{"all": %t`, edit.All)
		e.text("find", edit.Find)
	case edit.Lines != nil:
		fmt.Fprintf(e, `{"lines": [%d, %d]`, edit.Lines.First, edit.Lines.Last)
	default:
		fmt.Fprintf(e, `{"start": %d, "end": %d`, edit.Start, edit.End)
	}
}
