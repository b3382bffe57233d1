// Package ruff reads what ruff check prints with --output-format json: a list
// of diagnostics, of which some carry a fix.
package ruff

import (
	"slices"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Detect reports whether data begins as a list of diagnostics does.
func Detect(data []byte) bool {
	names := fix.Names(fix.FirstItem(data))
	return slices.Contains(names, "cell") || slices.Contains(names, "filename") && slices.Contains(names, "location")
}

// Parse reads the fixes in src: those that ruff calls safe, or all. Rows and
// columns count from 1, columns in characters, a byte order mark left out. A
// fix is applied whole; an edit that several fixes share counts once; fixes that
// touch are a conflict, as for ruff. Errors are of kind parse, unsupported,
// path-escape or conflict and name the place.
func Parse(src *fix.Source, root fix.Root, opts fix.Options, all bool) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	r := reader{JSON: in, root: root, all: all, set: fix.NewSet(fix.Rules{SameInsert: true, Apart: true}, opts)}
	if err := in.Array(r.diagnostic); err != nil {
		return editor.Plan{}, err
	}
	if err := in.End(); err != nil {
		return editor.Plan{}, err
	}
	return r.set.Plan()
}

type reader struct {
	*fix.JSON
	root fix.Root
	all  bool
	set  *fix.Set
}

type diagnostic struct {
	Cell     *int // of a notebook
	Code     string
	Filename string
	Fix      *struct {
		Applicability string
		Edits         []edit
	}
}

type edit struct {
	Content     *string
	Location    location
	EndLocation location `json:"end_location"`
}

type location struct{ Row, Column int }

func (l location) position() locator.Position {
	return locator.Position{Line: l.Row - 1, Character: l.Column - 1}
}

func (r *reader) diagnostic() error {
	pos := r.Pos()
	var d diagnostic
	if err := r.Decode(&d); err != nil {
		return err
	}
	if d.Fix == nil {
		return nil
	}
	if a := d.Fix.Applicability; a != "safe" && !r.all {
		r.set.Note(r.Source, pos, d.Code, "the fix is not safe: "+a)
		return nil
	}
	f := fix.Fix{Name: d.Code, Pos: pos}
	path, err := r.root.Rel(d.Filename, "")
	if err != nil {
		return r.set.Refuse(r.Source, f, err)
	}
	if d.Cell != nil {
		return r.set.Refuse(r.Source, f, fail.New(fail.Unsupported, "", path, "places in the cells of a notebook are not supported"))
	}
	for _, e := range d.Fix.Edits {
		if min(e.Location.Row, e.Location.Column, e.EndLocation.Row, e.EndLocation.Column) < 1 {
			return r.Error(fail.Parse, pos, path, "%s: rows and columns count from 1", d.Code)
		}
		if e.Content == nil {
			return r.Error(fail.Parse, pos, path, "%s: an edit has no content", d.Code)
		}
		f.Edits = append(f.Edits, fix.Edit{Path: path, Edit: locator.Edit{
			Range: &locator.Range{
				Start: e.Location.position(), End: e.EndLocation.position(),
				Encoding: locator.UTF32, SkipBOM: true,
			},
			Text: []byte(*e.Content),
		}})
	}
	return r.set.Add(r.Source, f)
}
