// Package govet reads what go vet -json and other drivers of Go's analysis
// framework print.
package govet

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Options are what the output leaves open.
type Options struct {
	fix.Options
	Root fix.Root
}

// Parse reads a stream of objects, one a package, among lines of comment. The
// first suggested fix of each diagnostic is taken.
func Parse(src *fix.Source, opts Options) (editor.Plan, error) {
	// An import that several fixes add is added once, as go vet's own drivers do.
	r := &reader{opts: opts, src: src, set: fix.NewSet(fix.Rules{SameInsert: true}, opts.Options)}
	for pos := len(src.Data) - len(withoutBOM(src.Data)); ; {
		var err error
		if pos, err = r.comments(pos); err != nil {
			return editor.Plan{}, err
		}
		if pos == len(src.Data) {
			return r.set.Plan()
		}
		if pos, err = r.objects(pos); err != nil {
			return editor.Plan{}, err
		}
	}
}

// Detect reports whether data begins as the output of go vet -json does: with a
// line of comment or an object from package to analyzer to diagnostics.
func Detect(data []byte) bool {
	data, clean := skipComments(withoutBOM(data))
	if len(data) == 0 && clean {
		return true
	}
	_, analyzers := fix.FirstKey(data)
	name, diagnostics := fix.FirstKey(analyzers)
	if name == "" {
		return false
	}
	diagnostics = bytes.TrimLeft(diagnostics, " \t\r\n")
	if rest, ok := bytes.CutPrefix(diagnostics, []byte("[")); ok {
		return slices.Contains(fix.Names(rest), "posn")
	}
	field, _ := fix.FirstKey(diagnostics)
	return field == "error"
}

func withoutBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\uFEFF")) }

// skipComments returns data from the first object that is not empty on, and
// whether there are empty ones before it: packages in which nothing was found.
func skipComments(data []byte) (rest []byte, clean bool) {
	for {
		data = bytes.TrimLeft(data, " \t\r\n")
		empty := bytes.HasPrefix(data, []byte("{}"))
		if !empty && !bytes.HasPrefix(data, []byte("#")) {
			return data, clean
		}
		clean = clean || empty
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
}

type reader struct {
	*fix.JSON
	src  *fix.Source
	opts Options
	set  *fix.Set
}

// comments passes over white space and lines of comment and returns where they
// end. Anything but an object after them is what go vet says of a package that
// it could not analyze.
func (r *reader) comments(pos int) (int, error) {
	for pos < len(r.src.Data) {
		switch c := r.src.Data[pos]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			pos++
		case c == '#':
			line, _, _ := bytes.Cut(r.src.Data[pos:], []byte("\n"))
			pos += len(line)
		case c == '{':
			return pos, nil
		default:
			return 0, r.src.Error(fail.Parse, pos, "", "want an object: a package was not analyzed")
		}
	}
	return pos, nil
}

// objects reads the objects from pos on, and returns where they end.
func (r *reader) objects(pos int) (int, error) {
	end := len(r.src.Data)
	if i := bytes.Index(r.src.Data[pos:], []byte("\n#")); i >= 0 {
		end = pos + i
	}
	part := &fix.Source{Name: r.src.Name, Data: r.src.Data[:end]}
	in, err := fix.NewJSON(part, pos)
	if err != nil {
		return 0, err
	}
	r.JSON = in
	for r.Peek() == '{' {
		if err := r.Object(r.pkg); err != nil {
			return 0, err
		}
	}
	return r.Pos(), nil
}

// pkg reads the analyzers of a package. A test variant has the findings of its
// package again, which count once.
func (r *reader) pkg(id string) error {
	return r.Object(func(analyzer string) error {
		pos := r.Pos()
		if r.Peek() != '{' {
			return r.Array(func() error { return r.diagnostic(analyzer) })
		}
		var failed struct {
			Error string `json:"error"`
		}
		if err := r.Decode(&failed); err != nil {
			return err
		}
		r.set.Note(r.src, pos, analyzer+" of "+id, "the analyzer failed: "+failed.Error)
		return nil
	})
}

type diagnostic struct {
	Fixes []suggested `json:"suggested_fixes"`
}

type suggested struct {
	Edits []edit `json:"edits"`
}

// edit is a replacement; offsets are in bytes.
type edit struct {
	Filename string  `json:"filename"`
	Start    *int    `json:"start"`
	End      *int    `json:"end"`
	New      *string `json:"new"`
}

func (r *reader) diagnostic(analyzer string) error {
	f := fix.Fix{Name: analyzer, Pos: r.Pos()}
	var d diagnostic
	if err := r.Decode(&d); err != nil || len(d.Fixes) == 0 {
		return err
	}
	for _, e := range d.Fixes[0].Edits {
		path, err := r.opts.Root.Rel(e.Filename, "")
		if err != nil {
			return r.set.Refuse(r.src, f, err)
		}
		if e.Start == nil || e.End == nil || *e.Start < 0 || *e.End < *e.Start || *e.End > math.MaxInt32 {
			return r.src.Error(fail.Parse, f.Pos, path, "an edit needs start and end, in order")
		}
		if e.New == nil {
			return r.src.Error(fail.Parse, f.Pos, path, "an edit needs the new text")
		}
		f.Edits = append(f.Edits, fix.Edit{Path: path,
			Edit: locator.Edit{Start: *e.Start, End: *e.End, Text: []byte(*e.New)}})
	}
	return r.set.Add(r.src, f)
}
