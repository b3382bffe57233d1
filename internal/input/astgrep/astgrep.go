// Package astgrep reads what ast-grep prints with --json, pretty, compact or
// stream: matches with their text, byte offsets and replacement.
package astgrep

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Detect reports whether data begins as a list or a stream of matches does.
func Detect(data []byte) bool {
	return slices.Contains(fix.Names(fix.FirstItem(data)), "text")
}

// Parse reads the matches in src; those without a replacement change nothing.
// The text of a match is its anchor. Matches that overlap are a conflict. Errors
// are of kind parse, path-escape or conflict and name the place.
func Parse(src *fix.Source, root fix.Root, opts fix.Options) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	r := reader{JSON: in, root: root, set: fix.NewSet(fix.Rules{}, opts)}
	if in.Peek() == '[' {
		if err := in.Array(r.match); err != nil {
			return editor.Plan{}, err
		}
	}
	for in.Peek() == '{' {
		if err := r.match(); err != nil {
			return editor.Plan{}, err
		}
	}
	if err := in.End(); err != nil {
		return editor.Plan{}, err
	}
	return r.set.Plan()
}

type reader struct {
	*fix.JSON
	root fix.Root
	set  *fix.Set
}

// match is the fields of a match that say what to do.
type match struct {
	Text  string
	Range struct{ ByteOffset *offsets }
	File  string
	// Lines is all of the lines that the match is in, without the last line end;
	// CharCount says how many characters of them stand before it.
	Lines              string
	CharCount          *struct{ Leading int }
	Replacement        *string
	ReplacementOffsets *offsets
	RuleID             string
}

type offsets struct{ Start, End int }

func (r *reader) match() error {
	pos := r.Pos()
	var m match
	if err := r.Decode(&m); err != nil {
		return err
	}
	if m.Replacement == nil {
		return nil
	}
	path, err := r.root.Rel(m.File, "")
	f := fix.Fix{Name: m.RuleID, Pos: pos}
	if err != nil {
		return r.set.Refuse(r.Source, f, err)
	}
	at := m.Range.ByteOffset
	if at == nil || at.Start < 0 || at.End-at.Start != len(m.Text) {
		return r.Error(fail.Parse, pos, path, "the byte offsets are not those of the text")
	}
	place := m.ReplacementOffsets
	if place == nil {
		place = at
	}
	f.Edits = []fix.Edit{{
		Path:    path,
		Edit:    locator.Edit{Start: place.Start, End: place.End, Text: []byte(*m.Replacement)},
		Context: m.context(*at, *place),
	}}
	return r.set.Add(r.Source, f)
}

// context returns the text of the match, or the lines that it is in where the
// replacement reaches beyond it.
func (m *match) context(at, place offsets) *fix.Context {
	if at.Start <= place.Start && place.End <= at.End || m.CharCount == nil {
		return &fix.Context{Start: at.Start, Text: []byte(m.Text)}
	}
	lead := []byte(m.Lines)
	for n := m.CharCount.Leading; n > 0 && len(lead) > 0; n-- {
		_, size := utf8.DecodeRune(lead)
		lead = lead[size:]
	}
	before := len(m.Lines) - len(lead)
	if before > at.Start || !bytes.HasPrefix(lead, []byte(m.Text)) {
		return nil
	}
	return &fix.Context{Start: at.Start - before, Text: []byte(m.Lines)}
}
