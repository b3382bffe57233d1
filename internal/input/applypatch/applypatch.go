// Package applypatch reads the envelope in which language models write patches:
// "*** Begin Patch", sections that add, delete and update files, "*** End
// Patch". A hunk has no line numbers. Its lines must stand in the file exactly
// once, behind the lines that its @@ headers name; only line ends are not
// compared.
package applypatch

import (
	"bytes"
	"slices"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

const (
	beginPatch = "*** Begin Patch"
	endPatch   = "*** End Patch"
	addFile    = "*** Add File: "
	deleteFile = "*** Delete File: "
	updateFile = "*** Update File: "
	moveTo     = "*** Move to: "
	endOfFile  = "*** End of File"
)

// Detect reports whether the first line of data that is not blank begins a
// patch.
func Detect(data []byte) bool {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\uFEFF")))
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSpace(line)) == beginPatch
}

// Parse reads one patch. Added and moved files overwrite nothing. The plan
// refers to the data of src. An error is of kind parse and names the line.
func Parse(src *fix.Source) (editor.Plan, error) {
	p := parser{Lines: fix.NewLines(src)}
	var plan editor.Plan
	for p.Blank() {
		p.Advance()
	}
	if err := p.want(beginPatch); err != nil {
		return plan, err
	}
	for !p.is(endPatch) {
		ops, err := p.section()
		if err != nil {
			return editor.Plan{}, err
		}
		plan.Ops = append(plan.Ops, ops...)
	}
	p.Advance()
	for !p.Done() {
		if !p.Blank() {
			return editor.Plan{}, p.Errorf("", "want nothing behind %q", endPatch)
		}
		p.Advance()
	}
	if len(plan.Ops) == 0 {
		return editor.Plan{}, src.Error(fail.Parse, 0, "", "the patch is empty")
	}
	return plan, nil
}

type parser struct{ *fix.Lines }

// is reports whether the line is marker, white space around it not counted.
func (p parser) is(marker string) bool {
	return !p.Done() && string(bytes.TrimSpace(p.Line())) == marker
}

func (p parser) want(marker string) error {
	if !p.is(marker) {
		return p.Errorf("", "want %q", marker)
	}
	p.Advance()
	return nil
}

// name reads a line that begins with marker and goes on with a path.
func (p parser) name(marker string) (path string, ok bool, err error) {
	rest, ok := bytes.CutPrefix(p.Line(), []byte(marker))
	if !ok {
		return "", false, nil
	}
	path = string(bytes.TrimSpace(rest))
	if path == "" {
		return "", true, p.Errorf("", "the name of the file is missing")
	}
	p.Advance()
	return path, true, nil
}

// section reads what becomes of one file.
func (p parser) section() ([]editor.Op, error) {
	if p.Blank() {
		p.Advance()
		return nil, nil
	}
	origin := p.origin()
	if path, ok, err := p.name(addFile); ok || err != nil {
		return []editor.Op{editor.Create{Path: path, Content: p.content(), Origin: origin}}, err
	}
	if path, ok, err := p.name(deleteFile); ok || err != nil {
		return []editor.Op{editor.Delete{Path: path, Origin: origin}}, err
	}
	if path, ok, err := p.name(updateFile); ok || err != nil {
		return p.update(path, origin, err)
	}
	return nil, p.Errorf("", "want %q, %q, %q or %q", addFile, deleteFile, updateFile, endPatch)
}

// origin says where the line is.
func (p parser) origin() editor.Origin { return editor.Origin(p.Position(p.Pos())) }

// content reads the lines of a new file, with their line ends.
func (p parser) content() []byte {
	content := []byte{}
	for !p.Done() && bytes.HasPrefix(p.Line(), []byte("+")) {
		content = append(content, p.Raw()[1:]...)
		p.Advance()
	}
	return content
}

func (p parser) update(path string, origin editor.Origin, err error) ([]editor.Op, error) {
	if err != nil {
		return nil, err
	}
	var move []editor.Op
	from := p.origin()
	to, moved, err := p.name(moveTo)
	switch {
	case err != nil:
		return nil, err
	case moved && to == path:
		return nil, p.Errorf(path, "the file is moved onto itself")
	case moved:
		move = []editor.Op{editor.Rename{From: path, To: to, Origin: from}}
	}
	var edits []locator.Edit
	for !p.Done() && !p.atSection() {
		if p.Blank() && len(edits) == 0 {
			p.Advance()
			continue
		}
		from := p.Position(p.Pos())
		h, err := p.hunk(path)
		if err != nil {
			return nil, err
		}
		edits = append(edits, locator.Edit{Hunk: h, Origin: from})
	}
	switch {
	case len(edits) > 0:
		return append([]editor.Op{editor.Edit{Path: path, Edits: edits, Origin: origin}}, move...), nil
	case move == nil:
		return nil, p.Errorf(path, "the update changes nothing")
	}
	return move, nil
}

// atSection reports whether the line begins another section, or ends the patch.
func (p parser) atSection() bool {
	for _, marker := range []string{addFile, deleteFile, updateFile} {
		if bytes.HasPrefix(p.Line(), []byte(marker)) {
			return true
		}
	}
	return p.is(endPatch)
}

// hunk reads the headers and the lines of one hunk.
func (p parser) hunk(path string) (*locator.Hunk, error) {
	start := p.Pos()
	h := &locator.Hunk{}
	for !p.Done() && p.header() {
		if line := bytes.TrimSpace(p.Line()[len("@@"):]); len(line) > 0 {
			h.After = append(h.After, line)
		}
		p.Advance()
	}
	empty := 0 // how many lines at the end have not even the blank of context
	for !p.Done() && !p.header() && !p.atSection() && !p.is(endOfFile) {
		line := p.Line()
		empty++
		if len(line) == 0 {
			line = []byte(" ")
		} else {
			empty = 0
		}
		switch do := locator.LineAction(line[0]); do {
		case locator.KeepLine, locator.RemoveLine, locator.AddLine:
			h.Lines = append(h.Lines, locator.HunkLine{Do: do, Text: line[1:]})
		default:
			return nil, p.Errorf(path, "want a line that begins with ' ', '-' or '+', or %q", endPatch)
		}
		p.Advance()
	}
	h.Lines = h.Lines[:len(h.Lines)-empty] // they set off what follows
	if !p.Done() && p.is(endOfFile) {
		h.AtEOF = true
		p.Advance()
	}
	return h, p.check(h, start, path)
}

// check refuses a hunk of which nothing says where it goes.
func (p parser) check(h *locator.Hunk, start int, path string) error {
	placed := func(l locator.HunkLine) bool { return l.Do != locator.AddLine }
	switch {
	case len(h.Lines) == 0:
		return p.Error(fail.Parse, start, path, "the hunk has no lines")
	case !h.AtEOF && !slices.ContainsFunc(h.Lines, placed):
		return p.Error(fail.Parse, start, path, "the hunk adds lines, and no line of context says where").
			WithHint("give the lines before or after, or end the hunk with %q", endOfFile)
	}
	return nil
}

// header reports whether the line is @@, alone or with a line to look behind.
func (p parser) header() bool {
	line := p.Line()
	return string(line) == "@@" || bytes.HasPrefix(line, []byte("@@ "))
}
