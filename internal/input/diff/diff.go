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
	"github.com/emend/emend/internal/input/fix"
)

// Options say how patches are read.
type Options struct {
	// Strip is how many leading components names lose; nil: one, and none where
	// neither name of a plain diff has a slash.
	Strip *int
	// Directory is put before all names, after that.
	Directory string
	// Reverse takes the patches back.
	Reverse bool
}

// Parse reads all patches in src into one plan, which removes the directories
// that it empties. Patches that follow one another, as in a mailbox, are
// applied one after another. The plan does not refer to src afterwards. An
// error is of kind parse, or of kind unsupported for combined diffs, submodules,
// changes without data, and copies that are to be taken back.
func Parse(src *fix.Source, opts Options) (editor.Plan, error) {
	if opts.Strip != nil && *opts.Strip < 0 {
		return editor.Plan{}, fail.New(fail.Usage, "", "", "cannot strip %d components from names", *opts.Strip)
	}
	p := parser{lines: lines{fix.NewLines(src)}, Options: opts}
	if err := p.patchesAndProse(); err != nil {
		return editor.Plan{}, err
	}
	if len(p.patches) == 0 {
		return editor.Plan{}, src.Error(fail.Parse, 0, "", "no valid patches in the input").
			WithHint("patches are read as git diff or diff -u writes them")
	}
	if opts.Reverse {
		if err := p.reverse(); err != nil {
			return editor.Plan{}, err
		}
	}
	plan := editor.Plan{PruneDirs: true}
	for _, patch := range p.patches {
		ops, err := compile(patch)
		if err != nil {
			return editor.Plan{}, err
		}
		plan.Ops = append(plan.Ops, ops...)
	}
	return plan, nil
}

// Detect reports whether data has a line with which a patch begins.
func Detect(data []byte) bool {
	for l := (lines{fix.NewLines(&fix.Source{Data: data})}); !l.Done(); l.Advance() {
		if l.has("diff --git ") || isCombined(l.Raw()) || l.has("--- ") && bytes.HasPrefix(l.Next(), []byte("+++ ")) {
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
	Options
	patches  [][]*change     // those of one patch speak of one state of the tree
	made     map[string]bool // the names to which the last patch gives content
	isHeader bool            // the current line may belong to the headers of a mail
}

func (p *parser) patchesAndProse() error {
	p.isHeader = true
	for !p.Done() {
		c, err := p.change()
		switch {
		case err != nil:
			return err
		case c != nil:
			p.add(c)
		case p.atMail():
			p.made = nil
			err = p.message()
		default:
			err = p.prose()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add adds c to the last patch, or begins another one: the first of a mail, and
// where a file gets content that has got some already.
func (p *parser) add(c *change) {
	c.under(p.Directory)
	if p.made == nil || p.made[c.new] {
		p.made = make(map[string]bool)
		p.patches = append(p.patches, nil)
	}
	last := len(p.patches) - 1
	p.patches[last] = append(p.patches[last], c)
	if c.new != "" {
		p.made[c.new] = true
	}
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
	if c.empty() {
		return nil, c.errorAt(c.pos, "the patch changes nothing")
	}
	return c, nil
}

func (p *parser) header() (*change, error) {
	switch {
	case p.has("diff --git "):
		return p.gitHeader()
	case p.has("--- ") && bytes.HasPrefix(p.Next(), []byte("+++ ")):
		return p.plainHeader()
	case isCombined(p.Raw()):
		return nil, p.unsupported("this is a combined diff, of a merge", "diff against one parent")
	case isBinaryNote(p.Raw()):
		return nil, p.unsupported("the patch does not carry this change of a binary file", binaryHint)
	case isSubmoduleNote(p.Raw()):
		return nil, p.unsupported("changes of submodules are not supported", submoduleHint)
	case p.has("@@ -"):
		if _, ok := parseHunkHeader(string(p.Raw())); ok {
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
	case c.git && string(p.Raw()) == "GIT binary patch\n":
		err = p.binary(c)
	case c.git && isBinaryNote(p.Raw()):
		c.note = p.Pos()
		p.Advance()
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
