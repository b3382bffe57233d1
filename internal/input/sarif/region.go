package sarif

import (
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// region is a part of a file, by lines and columns from 1, by characters, or by
// bytes, the ends of which are exclusive. A byte order mark is no character.
type region struct {
	StartLine   *int     `json:"startLine"`
	StartColumn *int     `json:"startColumn"`
	EndLine     *int     `json:"endLine"`
	EndColumn   *int     `json:"endColumn"`
	CharOffset  *int     `json:"charOffset"`
	CharLength  *int     `json:"charLength"`
	ByteOffset  *int     `json:"byteOffset"`
	ByteLength  *int     `json:"byteLength"`
	Snippet     *content `json:"snippet"`
}

// place returns where the region is; the exact one where it says so in several
// ways. Its snippet is the text that must stand there.
func (g *region) place(enc locator.Encoding) (locator.Edit, error) {
	var e locator.Edit
	if g.Snippet != nil && g.Snippet.Text != nil {
		e.Old = []byte(*g.Snippet.Text)
	}
	if err := g.check(); err != nil {
		return e, err
	}
	given := func(offset *int) bool { return offset != nil && *offset >= 0 } // -1: not given
	switch {
	case given(g.ByteOffset):
		e.Start = *g.ByteOffset
		e.End = e.Start + or(g.ByteLength, 0)
	case g.StartLine != nil:
		e.Range = g.positions(enc)
	case given(g.CharOffset):
		e.Units = &locator.Units{Start: *g.CharOffset, End: *g.CharOffset + or(g.CharLength, 0), Encoding: enc, SkipBOM: true}
	default:
		return e, fail.New(fail.Parse, "", "", "the region says neither line, nor character, nor byte")
	}
	return e, nil
}

// check refuses numbers that no region has.
func (g *region) check() error {
	outside := func(least int, numbers ...*int) bool {
		return slices.ContainsFunc(numbers, func(n *int) bool { return n != nil && (*n < least || *n > maxNumber) })
	}
	switch {
	case outside(1, g.StartLine, g.StartColumn, g.EndLine, g.EndColumn):
		return fail.New(fail.Parse, "", "", "lines and columns of a region count from 1, up to %d", maxNumber)
	case outside(0, g.CharLength, g.ByteLength):
		return fail.New(fail.Parse, "", "", "the length of a region is negative or too large")
	case outside(math.MinInt, g.CharOffset, g.ByteOffset):
		return fail.New(fail.Parse, "", "", "the offset of a region is too large")
	}
	return nil
}

// positions returns the range of a region by lines. Without an end column it
// goes to the end of its last line, before the terminator.
func (g *region) positions(enc locator.Encoding) *locator.Range {
	r := &locator.Range{Encoding: enc, SkipBOM: true}
	r.Start = locator.Position{Line: *g.StartLine - 1, Character: or(g.StartColumn, 1) - 1}
	r.End = locator.Position{Line: or(g.EndLine, *g.StartLine) - 1, Character: or(g.EndColumn, maxNumber) - 1}
	// A column that is one too far, or the line behind the last, means the end.
	r.Clamp = true
	return r
}

func or(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

// maxBases bounds how far a base may be relative to another.
const maxBases = 20

// path returns the path of l in the root. A base without a URI is the root.
func (u *run) path(root fix.Root, l location) (string, error) {
	uri, id := l.URI, l.BaseID
	for range maxBases {
		if hasScheme(uri) {
			return root.URI(uri)
		}
		base := u.bases[id]
		if id == "" || base.URI == "" {
			name, err := url.PathUnescape(uri)
			if err != nil {
				return "", fail.New(fail.Parse, "", "", "%.80q is not a URI", uri)
			}
			return root.Rel(name, "")
		}
		uri, id = strings.TrimSuffix(base.URI, "/")+"/"+uri, base.BaseID
	}
	return "", fail.New(fail.Parse, "", "", "the base of %.80q is relative to itself", l.URI)
}

// hasScheme reports whether uri is absolute.
func hasScheme(uri string) bool {
	scheme, _, ok := strings.Cut(uri, ":")
	return ok && scheme != "" && !strings.ContainsAny(scheme, "/?#%")
}
