// Package lsp reads a WorkspaceEdit of the language server protocol, 3.17 and
// 3.18: what servers answer to rename, code actions and formatting.
package lsp

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Options are what a WorkspaceEdit leaves open.
type Options struct {
	fix.Options
	Root     fix.Root
	Encoding locator.Encoding // what was negotiated
	// Confirmed says that edits whose annotation needs a confirmation have it.
	Confirmed bool
}

// Parse reads a WorkspaceEdit. Errors are of kind parse, unsupported or
// path-escape and name the place.
func Parse(src *fix.Source, opts Options) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	r := &reader{JSON: in, opts: opts, changed: make(map[string]bool)}
	if err := r.workspaceEdit(); err != nil {
		return editor.Plan{}, err
	}
	if err := r.End(); err != nil {
		return editor.Plan{}, err
	}
	if err := r.checkAnnotations(); err != nil {
		return editor.Plan{}, err
	}
	if r.documents != nil {
		return editor.Plan{Ops: r.documents}, nil
	}
	return editor.Plan{Ops: r.changes}, nil
}

// Detect reports whether data begins as a WorkspaceEdit does.
func Detect(data []byte) bool {
	return slices.ContainsFunc(fix.Names(data), isField)
}

// isField reports whether name is one in a WorkspaceEdit.
func isField(name string) bool {
	return name == "changes" || name == "documentChanges" || name == "changeAnnotations"
}

type reader struct {
	*fix.JSON
	opts        Options
	changes     []editor.Op
	documents   []editor.Op // not nil once documentChanges was seen, which are preferred
	annotations map[string]annotation
	used        []use
	target      string          // the file that is being read about, if that is known
	changed     map[string]bool // the files that documentChanges have edited
	moved       bool            // documentChanges have had an operation on a file
}

type annotation struct {
	Label             string `json:"label"`
	NeedsConfirmation bool   `json:"needsConfirmation"`
}

// use is where an annotation is referred to.
type use struct {
	id, path string
	pos      int
	document bool // in documentChanges
}

func (r *reader) workspaceEdit() error {
	pos, known, others := r.Pos(), false, false
	err := r.Object(func(name string) error {
		known = known || isField(name)
		switch name {
		case "changes":
			return r.orNull(r.readChanges)
		case "documentChanges":
			return r.orNull(r.readDocuments)
		case "changeAnnotations":
			return r.Decode(&r.annotations)
		}
		others = true
		return r.Skip()
	})
	if err == nil && others && !known {
		err = r.Error(fail.Parse, pos, "", "a WorkspaceEdit has changes or documentChanges")
	}
	return err
}

// orNull reads a null, or else what read reads.
func (r *reader) orNull(read func() error) error {
	if r.Null() {
		return nil
	}
	return read()
}

// readChanges reads the map from URIs to edits. All edits of a file refer to
// the same state, also those of two URIs that name it.
func (r *reader) readChanges() error {
	at := make(map[string]int)
	return r.Object(func(uri string) error {
		pos := r.Pos()
		path, err := r.path(uri, pos)
		if err != nil {
			return err
		}
		r.target = path
		edits, err := r.edits(false)
		if err != nil {
			return err
		}
		i, ok := at[path]
		if !ok {
			at[path] = len(r.changes)
			r.changes = append(r.changes, r.edit(path, edits, pos, true))
			return nil
		}
		r.changes[i] = r.edit(path, append(r.changes[i].(editor.Edit).Edits, edits...), pos, true)
		return nil
	})
}

func (r *reader) readDocuments() error {
	r.documents = []editor.Op{}
	return r.Array(func() error {
		op, err := r.readChange()
		r.documents = append(r.documents, op)
		return err
	})
}

// change is any element of documentChanges.
type change struct {
	pos          int
	kind         *string
	document     *document
	edits        []locator.Edit
	hasEdits     bool
	uri, old, to *string
	options      fileOptions
	annotation   *string
}

func (r *reader) readChange() (editor.Op, error) {
	c := change{pos: r.Pos()}
	r.target = ""
	fields := map[string]any{
		"kind": &c.kind, "textDocument": &c.document, "uri": &c.uri, "oldUri": &c.old, "newUri": &c.to,
		"options": &c.options, "annotationId": &c.annotation,
	}
	err := r.Object(func(name string) (err error) {
		if name == "edits" {
			c.hasEdits = true
			c.edits, err = r.edits(true)
			return err
		}
		if to := fields[name]; to != nil {
			err = r.Decode(to)
		} else {
			err = r.Skip()
		}
		if name == "textDocument" && c.document != nil && c.document.URI != nil {
			r.target, _ = r.opts.Root.URI(*c.document.URI)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.change(c)
}

// document is a text document; the version that a server saw is one of an
// editor's buffer, which a file does not have.
type document struct {
	URI     *string `json:"uri"`
	Version *int    `json:"version"`
}

type fileOptions struct {
	Overwrite         bool `json:"overwrite"`
	IgnoreIfExists    bool `json:"ignoreIfExists"`
	Recursive         bool `json:"recursive"`
	IgnoreIfNotExists bool `json:"ignoreIfNotExists"`
}

// change returns the operation of one element of documentChanges.
func (r *reader) change(c change) (editor.Op, error) {
	if c.kind == nil {
		return r.documentEdit(c)
	}
	origin := editor.Origin(r.Position(c.pos))
	r.moved = true
	switch *c.kind {
	case "create", "delete":
		path, err := r.needPath(c.uri, "uri", c.pos)
		if err != nil {
			return nil, err
		}
		r.note(c.annotation, c.pos, true)
		switch o := c.options; {
		case *c.kind == "delete":
			return editor.Delete{Path: path, Recursive: o.Recursive, IfExists: o.IgnoreIfNotExists, Origin: origin}, nil
		case o.Overwrite:
			return editor.Write{Path: path, Origin: origin}, nil
		default:
			return editor.Create{Path: path, IfMissing: o.IgnoreIfExists, Origin: origin}, nil
		}
	case "rename":
		from, err := r.needPath(c.old, "oldUri", c.pos)
		if err != nil {
			return nil, err
		}
		to, err := r.needPath(c.to, "newUri", c.pos)
		if err != nil {
			return nil, err
		}
		r.note(c.annotation, c.pos, true)
		return editor.Rename{From: from, To: to, Overwrite: c.options.Overwrite,
			IfMissing: c.options.IgnoreIfExists && !c.options.Overwrite, Origin: origin}, nil
	}
	return nil, r.Error(fail.Unsupported, c.pos, "", "there is no kind %.40q of file operation", *c.kind)
}

// documentEdit returns the operation of a TextDocumentEdit.
func (r *reader) documentEdit(c change) (editor.Op, error) {
	if c.document == nil || !c.hasEdits {
		return nil, r.Error(fail.Parse, c.pos, "", "want a kind, or textDocument and edits")
	}
	path, err := r.needPath(c.document.URI, "textDocument.uri", c.pos)
	first := !r.changed[path] && !r.moved
	r.changed[path] = true
	return r.edit(path, c.edits, c.pos, first), err
}

// edit is one operation on the file path, which pos names and nothing but
// positions holds. If it is the first one of the document, the file must not have
// been edited under another name.
// Inserts at one place are in the order of their positions, as these were
// before columns behind the end of a line became that end.
func (r *reader) edit(path string, edits []locator.Edit, pos int, first bool) editor.Edit {
	slices.SortStableFunc(edits, func(a, b locator.Edit) int {
		p, q := a.Range.Start, b.Range.Start
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Character, q.Character))
	})
	expect := editor.Expect{AsOf: r.opts.AsOf, Untouched: first}
	return editor.Edit{Path: path, Expect: expect, Edits: edits, Origin: editor.Origin(r.Position(pos))}
}

// textEdit is a TextEdit, AnnotatedTextEdit or SnippetTextEdit, which must not
// be taken for one of the others.
type textEdit struct {
	Range            *textRange      `json:"range"`
	NewText          *string         `json:"newText"`
	AnnotationID     *string         `json:"annotationId"`
	Snippet          json.RawMessage `json:"snippet"`
	InsertTextFormat int             `json:"insertTextFormat"`
}

type textRange struct{ Start, End *position }

type position struct{ Line, Character *int }

// edits reads an array of edits of one file.
func (r *reader) edits(document bool) ([]locator.Edit, error) {
	var edits []locator.Edit
	err := r.Array(func() error {
		pos := r.Pos()
		var raw textEdit
		if err := r.Decode(&raw); err != nil {
			return fail.Wrap(err, "", r.target)
		}
		e, err := r.textEdit(raw, pos, document)
		edits = append(edits, e)
		return err
	})
	return edits, err
}

const formatSnippet = 2

func (r *reader) textEdit(e textEdit, pos int, document bool) (locator.Edit, error) {
	switch {
	case e.Snippet != nil, e.InsertTextFormat == formatSnippet:
		return locator.Edit{}, r.Error(fail.Unsupported, pos, r.target, "a snippet has places for a person to fill in")
	case e.Range == nil || e.NewText == nil:
		return locator.Edit{}, r.Error(fail.Parse, pos, r.target, "an edit needs range and newText")
	}
	var at [4]int
	for i, p := range []*position{e.Range.Start, e.Range.End} {
		if p == nil || p.Line == nil || p.Character == nil || *p.Line < 0 || *p.Character < 0 {
			return locator.Edit{}, r.Error(fail.Parse, pos, r.target,
				"a range needs start and end with line and character, from 0")
		}
		at[2*i], at[2*i+1] = *p.Line, *p.Character
	}
	start, end := locator.Position{Line: at[0], Character: at[1]}, locator.Position{Line: at[2], Character: at[3]}
	if end.Line < start.Line || end.Line == start.Line && end.Character < start.Character {
		return locator.Edit{}, r.Error(fail.Parse, pos, r.target, "the range ends before it starts")
	}
	r.note(e.AnnotationID, pos, document)
	return locator.Edit{Text: []byte(*e.NewText), Origin: r.Position(pos),
		Range: &locator.Range{Start: start, End: end, Encoding: r.opts.Encoding, Clamp: true}}, nil
}

// note remembers that an annotation is used at pos.
func (r *reader) note(id *string, pos int, document bool) {
	if id != nil {
		r.used = append(r.used, use{*id, r.target, pos, document})
	}
}

// checkAnnotations refuses what nobody has confirmed.
func (r *reader) checkAnnotations() error {
	for _, u := range r.used {
		if u.document != (r.documents != nil) {
			continue
		}
		a, ok := r.annotations[u.id]
		switch {
		case !ok:
			return r.Error(fail.Parse, u.pos, u.path, "there is no annotation %.40q", u.id)
		case a.NeedsConfirmation && !r.opts.Confirmed:
			return r.Error(fail.Unsupported, u.pos, u.path, "the change %.80q needs a confirmation", a.Label).
				WithHint("look at it with --check --diff, then confirm with --confirm-annotated")
		}
	}
	return nil
}

func (r *reader) needPath(uri *string, field string, pos int) (string, error) {
	if uri == nil {
		return "", r.Error(fail.Parse, pos, r.target, "%s is missing", field)
	}
	return r.path(*uri, pos)
}

func (r *reader) path(uri string, pos int) (string, error) {
	path, err := r.opts.Root.URI(uri)
	return path, r.At(err, pos, "")
}
