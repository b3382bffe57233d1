// Package clang reads the YAML that clang-tidy --export-fixes and clang's
// refactoring tools write, and that clang-apply-replacements reads.
package clang

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Options are what the documents leave open.
type Options struct {
	fix.Options
	Root fix.Root
}

// Parse reads the documents of sources, one a translation unit. A diagnostic is
// a fix, and so is each replacement that belongs to none. Errors are of kind
// parse, unsupported, path-escape or conflict and name the place.
func Parse(sources []*fix.Source, opts Options) (editor.Plan, error) {
	return parse(sources, opts, pieceSize)
}

// parse is Parse by pieces of about size bytes.
func parse(sources []*fix.Source, opts Options, size int) (editor.Plan, error) {
	r := &reader{opts: opts, size: size, set: fix.NewSet(fix.Rules{SameInsert: true, PerTU: true}, opts.Options)}
	for _, src := range sources {
		r.Source = src
		if err := r.documents(); err != nil {
			return editor.Plan{}, err
		}
	}
	return r.set.Plan()
}

// Detect reports whether data begins as such a document does, behind comments
// and the mark of a document.
func Detect(data []byte) bool {
	for l := fix.NewLines(&fix.Source{Data: data}); !l.Done(); l.Advance() {
		line := bytes.TrimSpace(l.Line())
		if len(line) == 0 || line[0] == '#' || bytes.HasPrefix(line, []byte("---")) {
			continue
		}
		name, _, colon := bytes.Cut(line, []byte(":"))
		return colon && slices.Contains([]string{"MainSourceFile", "Replacements", "Diagnostics"}, string(name))
	}
	return false
}

type reader struct {
	*fix.Source
	opts Options
	size int // of a piece
	set  *fix.Set

	unit      int             // the document that is being read
	given     map[string]bool // the names that it has had
	continued bool            // it began in a piece before
	part      *piece          // of the source, that is being read
}

func (r *reader) documents() error {
	if !utf8.Valid(r.Data) {
		return r.Error(fail.Parse, 0, "", "the text is not UTF-8")
	}
	for p := range pieces(r.Source, r.size) {
		if r.part != nil {
			r.part.join(p)
		} else {
			r.part, r.continued = p, p.continued
		}
		whole, err := r.piece()
		if err != nil {
			return err
		}
		if whole {
			r.part = nil
		}
	}
	return nil
}

// piece reads the documents of the part. It returns false where that has been cut
// in the middle of a value.
func (r *reader) piece() (whole bool, err error) {
	p := r.part
	if len(p.text) < p.enough && !p.last {
		return false, nil
	}
	text := bytes.NewReader(p.text)
	in := yaml.NewDecoder(text)
	for read := 0; ; read++ {
		var doc yaml.Node
		switch err := in.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return true, nil
		case err != nil && text.Len() == 0 && !p.last:
			p.enough = 2 * len(p.text)
			return false, nil
		case err != nil:
			return false, r.malformed(err)
		}
		if read < p.read {
			continue
		}
		p.read++
		if err := r.document(doc.Content[0]); err != nil {
			return false, err
		}
	}
}

// malformed is what the YAML library says of a piece, at the line that it
// names.
func (r *reader) malformed(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if _, scanErr := fmt.Sscanf(message, "line %d: ", &line); scanErr == nil {
		_, message, _ = strings.Cut(message, ": ")
	}
	return r.Error(fail.Parse, r.offset(line, 1), "", "%s", message)
}

// document reads one translation unit, or what a piece has of one. Its lists
// are read as they come.
func (r *reader) document(n *yaml.Node) error {
	first := 0
	if r.continued {
		first = 2 // the name of the list that goes on
	} else {
		r.unit++
		r.given = make(map[string]bool)
	}
	r.continued = false
	if isNull(n) {
		return nil
	}
	if _, err := r.fields(n); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if i >= first && r.given[name.Value] {
			return r.givenTwice(name)
		}
		r.given[name.Value] = true
		if err := r.list(name.Value, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// list reads the list of that name.
func (r *reader) list(name string, n *yaml.Node) error {
	switch name {
	case "Replacements":
		return r.each(n, func(n *yaml.Node) error {
			e, err := r.replacement(n, "")
			return r.add(fix.Fix{Pos: r.pos(n), TU: r.unit, Edits: []fix.Edit{e}}, err)
		})
	case "Diagnostics":
		return r.each(n, r.diagnostic)
	}
	return nil
}

// diagnostic reads one diagnostic: its fix is that of its message, else that of
// the first note that has one.
func (r *reader) diagnostic(n *yaml.Node) error {
	d, err := r.fields(n)
	if err != nil {
		return err
	}
	name, err := r.text(d["DiagnosticName"])
	if err != nil {
		return err
	}
	dir, err := r.text(d["BuildDirectory"])
	if err != nil {
		return err
	}
	lists := []*yaml.Node{d["Replacements"]} // up to clang 8
	if message := d["DiagnosticMessage"]; message != nil {
		fields, err := r.fields(message)
		if err != nil {
			return err
		}
		lists = append(lists, fields["Replacements"])
	}
	err = r.each(d["Notes"], func(n *yaml.Node) error {
		note, err := r.fields(n)
		lists = append(lists, note["Replacements"])
		return err
	})
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list == nil || len(list.Content) == 0 {
			continue
		}
		f := fix.Fix{Name: name, Pos: r.pos(n), TU: r.unit}
		var refused error
		err := r.each(list, func(n *yaml.Node) error {
			e, err := r.replacement(n, dir)
			if fail.KindOf(err) == fail.PathEscape {
				refused, err = err, nil
			}
			f.Edits = append(f.Edits, e)
			return err
		})
		if err != nil {
			return err
		}
		return r.add(f, refused)
	}
	return nil
}

// add adds f, unless err says that it cannot be applied.
func (r *reader) add(f fix.Fix, err error) error {
	switch {
	case err == nil:
		return r.set.Add(r.Source, f)
	case fail.KindOf(err) == fail.PathEscape:
		return r.set.Refuse(r.Source, f, err)
	}
	return err
}

// replacement reads one replacement; relative paths are relative to dir.
func (r *reader) replacement(n *yaml.Node, dir string) (fix.Edit, error) {
	var e fix.Edit
	d, err := r.fields(n)
	if err != nil {
		return e, err
	}
	name, err := r.text(d["FilePath"])
	if err != nil {
		return e, err
	}
	path, outside := r.opts.Root.Rel(name, dir)
	offset, err := r.number(n, d, "Offset")
	if err != nil {
		return e, fail.Wrap(err, "", path)
	}
	length, err := r.number(n, d, "Length")
	if err != nil {
		return e, fail.Wrap(err, "", path)
	}
	text, err := r.replacementText(n, d["ReplacementText"])
	if err != nil {
		return e, fail.Wrap(err, "", path)
	}
	return fix.Edit{Path: path, Edit: locator.Edit{Start: offset, End: offset + length, Text: text}}, outside
}

// replacementText returns the text n of the replacement e. It refuses text that
// its writer has garbled, and takes none for what a cut has left: an empty text
// has quotes.
func (r *reader) replacementText(e, n *yaml.Node) ([]byte, error) {
	text, err := r.text(n)
	switch {
	case n == nil || isNull(n) && text == "":
		return nil, r.Error(fail.Parse, r.pos(e), "", "ReplacementText is missing")
	case err != nil:
		return nil, err
	case strings.ContainsRune(text, utf8.RuneError):
		return nil, r.Error(fail.Unsupported, r.pos(n), "", "clang has written U+FFFD for bytes that are not UTF-8")
	case n.Style == yaml.SingleQuotedStyle && strings.Contains(text, "\n"):
		return nil, r.Error(fail.Unsupported, r.pos(n), "", "clang before version 11 loses the indentation of text of several lines")
	}
	return []byte(text), nil
}
