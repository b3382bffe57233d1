// Package diff reads patches: what git diff writes, git's extended headers and
// binary patches included, and plain unified diffs. Text around the patches (a
// mail, a log) is passed over as git does it. A hunk must stand at its line
// with all its context: there is no fuzz and no search. Whatever a patch
// announces and does not carry is an error, so that a change is never applied
// in part.
package diff

import (
	"bytes"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
)

// Parse reads all patches in data into one plan, which removes the directories
// that it empties. From names, strip leading components are dropped; nil means
// one, and none where neither name of a plain diff has a slash. The plan does
// not refer to data afterwards. An error is of kind parse, or of kind
// unsupported for combined diffs, submodules and changes without data, and
// names the line of the patch.
func Parse(data []byte, strip *int) (editor.Plan, error) {
	if strip != nil && *strip < 0 {
		return editor.Plan{}, fail.New(fail.Usage, "", "", "cannot strip %d components from names", *strip)
	}
	p := parser{lines: newLines(data), strip: strip}
	for p.line != nil {
		c, err := p.change()
		if err != nil {
			return editor.Plan{}, err
		}
		if c == nil {
			p.advance()
			continue
		}
		p.changes = append(p.changes, c)
	}
	if len(p.changes) == 0 {
		return editor.Plan{}, fail.New(fail.Parse, "", "", "no valid patches in the input").
			WithHint("patches are read as git diff or diff -u writes them")
	}
	ops, err := compile(p.changes)
	if err != nil {
		return editor.Plan{}, err
	}
	return editor.Plan{Ops: ops, PruneDirs: true}, nil
}

// Detect reports whether data has a line with which a patch begins.
func Detect(data []byte) bool {
	for l := newLines(data); l.line != nil; l.advance() {
		if l.has("diff --git ") || isCombined(l.line) || l.has("--- ") && bytes.HasPrefix(l.ahead(1), []byte("+++ ")) {
			return true
		}
	}
	return false
}

const (
	binaryHint    = "make the patch with git diff --binary"
	submoduleHint = "leave them out with git diff --ignore-submodules"
)

type parser struct {
	lines
	strip   *int
	changes []*change
}

// change reads the patch of one file whose header begins at the current line.
// It returns nil, and moves nowhere, where none begins.
func (p *parser) change() (*change, error) {
	c, err := p.header()
	if err != nil || c == nil {
		return nil, err
	}
	if err := p.body(c); err != nil {
		return nil, fail.Wrap(err, "", c.path())
	}
	return c, nil
}

func (p *parser) header() (*change, error) {
	switch {
	case p.has("diff --git "):
		return p.gitHeader()
	case p.has("--- ") && bytes.HasPrefix(p.ahead(1), []byte("+++ ")):
		return p.plainHeader()
	case isCombined(p.line):
		return nil, p.unsupported("this is a combined diff, of a merge", "diff against one parent")
	case isBinaryNote(p.line):
		return nil, p.unsupported("the patch does not carry this change of a binary file", binaryHint)
	case isSubmoduleNote(p.line):
		return nil, p.unsupported("changes of submodules are not supported", submoduleHint)
	case p.has("@@ -"):
		if _, ok := parseHunkHeader(string(p.line)); ok {
			return nil, p.errorf("a hunk without a file header")
		}
	}
	return nil, nil
}

// body reads what follows the header of c.
func (p *parser) body(c *change) (err error) {
	switch {
	case p.has("@@ -"):
		err = p.hunks(c)
	case c.git && string(p.line) == "GIT binary patch\n":
		err = p.binary(c)
	case c.git && isBinaryNote(p.line):
		c.note = p.number
		p.advance()
	}
	return err
}

func isCombined(line []byte) bool {
	for _, start := range []string{"diff --cc ", "diff --combined ", "@@@ -"} {
		if bytes.HasPrefix(line, []byte(start)) {
			return true
		}
	}
	return false
}

// isBinaryNote matches what stands in place of a patch of a binary file.
func isBinaryNote(line []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(line, "\r\n"), []byte(" differ")) &&
		(bytes.HasPrefix(line, []byte("Binary files ")) || bytes.HasPrefix(line, []byte("Files ")))
}

// isSubmoduleNote matches what git diff --submodule=log writes: "Submodule NAME
// OLD..NEW", or "OLD...NEW", and maybe more.
func isSubmoduleNote(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("Submodule "))
	_, ids, found := bytes.Cut(rest, []byte(" "))
	if !ok || !found {
		return false
	}
	for _, word := range bytes.Fields(ids) {
		from, to, dots := strings.Cut(string(bytes.Trim(word, ":")), "..")
		if dots && isObjectID(from) && isObjectID(strings.TrimPrefix(to, ".")) {
			return true
		}
	}
	return false
}
