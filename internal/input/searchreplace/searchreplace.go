// Package searchreplace reads blocks of text to look for and text to put in
// its place, each between conflict-like markers and below a line that names the
// file. Prose and code fences around the blocks are passed over.
package searchreplace

import (
	"bytes"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// The markers of a block. Their length varies from tool to tool.
func isSearch(line []byte) bool {
	return isMarker(line, "<", " SEARCH") || isMarker(line, "<", " SEARCH>")
}
func isDivider(line []byte) bool { return isMarker(line, "=", "") }
func isReplace(line []byte) bool { return isMarker(line, ">", " REPLACE") }

// isMarker reports whether line is five to nine times sign, then word.
func isMarker(line []byte, sign, word string) bool {
	rest := bytes.TrimLeft(line, sign)
	n := len(line) - len(rest)
	return 5 <= n && n <= 9 && string(bytes.TrimRight(rest, " \t")) == word
}

// Detect reports whether data has a line with which a block begins.
func Detect(data []byte) bool {
	for l := fix.NewLines(&fix.Source{Data: data}); !l.Done(); l.Advance() {
		if isSearch(l.Line()) {
			return true
		}
	}
	return false
}

// Parse reads all blocks of src. Each is an operation of its own, so that it
// sees what those before it made of a file. The text to look for is whole lines
// that must stand in the file exactly once; a block that looks for nothing makes
// a new file. The plan refers to the data of src. An error is of kind parse and
// names the line.
func Parse(src *fix.Source) (editor.Plan, error) {
	p := parser{Lines: fix.NewLines(src)}
	var plan editor.Plan
	for ; !p.Done(); p.Advance() {
		switch line := p.Line(); {
		case isSearch(line):
			op, err := p.block()
			if err != nil {
				return editor.Plan{}, err
			}
			plan.Ops = append(plan.Ops, op)
		case isReplace(line):
			return editor.Plan{}, p.Errorf(p.path, "no block begins before this line")
		case !p.Blank() && !isFence(line):
			p.path = pathOf(line)
		}
	}
	if len(plan.Ops) == 0 {
		return plan, src.Error(fail.Parse, 0, "", "there is no block in the input")
	}
	return plan, nil
}

type parser struct {
	*fix.Lines
	path string // the last line that could name a file
}

// isFence reports whether line begins or ends a block of code in Markdown.
func isFence(line []byte) bool {
	line = bytes.TrimSpace(line)
	return bytes.HasPrefix(line, []byte("```")) || bytes.HasPrefix(line, []byte("~~~"))
}

// pathOf returns the path in a line, without what Markdown puts around it.
func pathOf(line []byte) string {
	path := strings.TrimSuffix(strings.TrimSpace(string(line)), ":")
	for _, around := range []string{"**", "`"} {
		if inside, ok := strings.CutPrefix(path, around); ok {
			path = strings.TrimSuffix(inside, around)
		}
	}
	return strings.TrimSuffix(path, ":")
}

// block reads a block, up to the line that ends it.
func (p *parser) block() (editor.Op, error) {
	start := p.Pos()
	if p.path == "" {
		return nil, p.Errorf("", "no line above the block names a file")
	}
	p.Advance()
	old, _, err := p.until(isDivider, start)
	if err != nil {
		return nil, err
	}
	p.Advance()
	added, content, err := p.until(isReplace, start)
	if err != nil {
		return nil, err
	}
	origin := p.Position(start)
	if len(old) == 0 {
		return editor.Create{Path: p.path, Content: content, Origin: editor.Origin(origin)}, nil
	}
	edit := locator.Edit{Hunk: &locator.Hunk{Lines: change(old, added)}, Origin: origin}
	return editor.Edit{Path: p.path, Edits: []locator.Edit{edit}, Origin: editor.Origin(origin)}, nil
}

// until reads the lines before the marker end, and returns them without and
// with their line ends.
func (p *parser) until(end func([]byte) bool, start int) (lines [][]byte, raw []byte, err error) {
	from := p.Pos()
	for ; !p.Done(); p.Advance() {
		line := p.Line()
		switch {
		case end(line):
			return lines, p.Data[from:p.Pos():p.Pos()], nil
		case isSearch(line), isDivider(line), isReplace(line):
			return nil, nil, p.Errorf(p.path, "this marker does not belong here")
		}
		lines = append(lines, line)
	}
	return nil, nil, p.Error(fail.Parse, start, p.path, "the block has no end")
}

// change returns the lines of a hunk that makes added of old and keeps what
// both begin or end with.
func change(old, added [][]byte) []locator.HunkLine {
	var head, tail int
	shorter := min(len(old), len(added))
	for head < shorter && bytes.Equal(old[head], added[head]) {
		head++
	}
	for tail < shorter-head && bytes.Equal(old[len(old)-1-tail], added[len(added)-1-tail]) {
		tail++
	}
	var lines []locator.HunkLine
	add := func(do locator.LineAction, texts [][]byte) {
		for _, text := range texts {
			lines = append(lines, locator.HunkLine{Do: do, Text: text})
		}
	}
	add(locator.KeepLine, old[:head])
	add(locator.RemoveLine, old[head:len(old)-tail])
	add(locator.AddLine, added[head:len(added)-tail])
	add(locator.KeepLine, old[len(old)-tail:])
	return lines
}
