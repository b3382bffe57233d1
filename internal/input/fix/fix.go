package fix

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// Fix is what a tool offers for one finding: edits that are applied all or not
// at all.
type Fix struct {
	Name  string // what the tool calls it
	Pos   int    // where it stands in the source
	TU    int    // the translation unit that it was found in, if Rules.PerTU is set
	Edits []Edit
}

// Edit is an edit of the file Path, which is relative to the root. An edit that
// names a byte range can have a Context.
type Edit struct {
	Path string
	locator.Edit
	Context *Context
}

// Context is text of the file around the place of an edit, from byte offset
// Start on: it holds the edit in place as old text does.
type Context struct {
	Start int
	Text  []byte
}

func (c *Context) end() int { return c.Start + len(c.Text) }

// Rules say how fixes get along with each other. Everywhere, fixes with the same
// edits count once, so do equal replacements of several fixes; replacements that
// overlap are a conflict; different inserts at one place keep their order.
type Rules struct {
	// SameInsert lets an insert that several fixes have count once (an import,
	// say). Else it is a conflict: it may be half of a pair.
	SameInsert bool
	// PerTU makes an insert that several fixes of one translation unit have count
	// as often as they have it: they know of each other.
	PerTU bool
	// Apart makes touching a conflict, too.
	Apart bool
}

// Options are the user's choices.
type Options struct {
	// AsOf is when the report was made: a file that is newer is refused where
	// nothing but offsets says where its edits go. Zero: not checked.
	AsOf time.Time
	// SkipConflicts leaves fixes out that cannot be applied, instead of failing.
	SkipConflicts bool
	// Skipped, if not nil, is told of everything in the report that was left out.
	Skipped func(Skipped)
}

// Skipped is something in a report that was left out, and why.
type Skipped struct {
	Fix    string `json:"fix"`
	Where  string `json:"where"` // NAME:LINE:COLUMN of the report
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Set collects the fixes of a report, or of several, into a plan.
type Set struct {
	rules  Rules
	opts   Options
	files  map[string]*file
	order  []*file
	seen   map[hashing.Digest]bool
	expect map[string]editor.Expect
}

// file is the edits of one file that do not conflict, in order.
type file struct {
	path  string
	units map[string][]*placed // by what their places count
}

// placed is an edit with its place, in whatever it counts.
type placed struct {
	Edit
	start, end point
	unit       string
	owner      *owner
}

// owner is a fix and where it stands, for messages.
type owner struct {
	fix Fix
	src *Source
}

// origin says where the fix stands.
func (p *placed) origin() string {
	where := p.owner.src.Position(p.owner.fix.Pos)
	if p.owner.fix.Name == "" {
		return where
	}
	return where + ": " + p.owner.fix.Name
}

// point is a place: line and column, or 0 and an offset.
type point struct{ line, column int }

func (p point) compare(q point) int {
	return cmp.Or(cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column))
}

// NewSet returns an empty set.
func NewSet(rules Rules, opts Options) *Set {
	return &Set{rules: rules, opts: opts, files: make(map[string]*file), seen: make(map[hashing.Digest]bool),
		expect: make(map[string]editor.Expect)}
}

// Expect says what the file path must be for its edits to apply.
func (s *Set) Expect(path string, e editor.Expect) { s.expect[path] = e }

// Note reports something at pos that is left out and concerns no fix.
func (s *Set) Note(src *Source, pos int, name, reason string) {
	s.skip(Skipped{Fix: name, Where: src.Position(pos), Reason: reason})
}

func (s *Set) skip(what Skipped) {
	if s.opts.Skipped != nil {
		s.opts.Skipped(what)
	}
}

// Refuse is for a fix of src that cannot be applied because of err: the error,
// or nil if such fixes are skipped.
func (s *Set) Refuse(src *Source, f Fix, err error) error {
	e := fail.From(err, "", "")
	if s.opts.SkipConflicts {
		s.skip(Skipped{Fix: f.Name, Where: src.Position(f.Pos), Path: e.Path, Reason: e.Message})
		return nil
	}
	refused := f.error(src, e)
	if e.Kind == fail.Conflict && refused.Hint == "" {
		refused.Hint = "--on-conflict skip leaves such fixes out"
	}
	return refused
}

// error is e as an error about f, which stands in src.
func (f Fix) error(src *Source, e *fail.Error) *fail.Error {
	message := e.Message
	if f.Name != "" {
		message = f.Name + ": " + message
	}
	about := src.Error(e.Kind, f.Pos, e.Path, "%s", message)
	about.Hint = e.Hint
	return about
}

// Add adds a fix of src. One that conflicts with those before it is refused.
func (s *Set) Add(src *Source, f Fix) error {
	key := f.digest()
	if len(f.Edits) == 0 || s.seen[key] {
		return nil
	}
	var added []*placed
	by := &owner{f, src}
	for _, e := range f.Edits {
		p, err := place(e, by)
		var twin bool
		if err == nil {
			twin, err = s.check(p)
		}
		if err != nil {
			for _, p := range added {
				s.remove(p)
			}
			return s.Refuse(src, f, err)
		}
		if !twin {
			s.insert(p)
			added = append(added, p)
		}
	}
	s.seen[key] = true
	return nil
}

// digest identifies what f does, whoever says so and in whatever order.
func (f Fix) digest() hashing.Digest {
	edits := make([]string, len(f.Edits))
	for i, e := range f.Edits {
		p, _ := place(e, nil)
		b := fmt.Appendf(nil, "%q %s %v %v %q %v ", e.Path, p.unit, p.start, p.end, e.Find, e.All)
		edits[i] = string(append(b, e.Text...))
	}
	slices.Sort(edits)
	var h hashing.RawHasher
	for _, e := range edits {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(e))))
		_, _ = h.Write([]byte(e))
	}
	return h.Raw()
}

// place finds out what e says of its place.
func place(e Edit, by *owner) (*placed, error) {
	p := &placed{Edit: e, owner: by}
	switch {
	case e.Find != nil:
		p.unit = "text " + string(e.Find)
	case e.Range != nil:
		p.unit = "positions " + e.Range.Encoding.String()
		p.start = point{e.Range.Start.Line, e.Range.Start.Character}
		p.end = point{e.Range.End.Line, e.Range.End.Character}
	case e.Lines != nil:
		p.unit, p.start, p.end = "lines", point{0, e.Lines.First}, point{0, e.Lines.Last + 1}
	case e.Units != nil:
		p.unit = "units " + e.Units.Encoding.String()
		p.start, p.end = point{0, e.Units.Start}, point{0, e.Units.End}
	default:
		p.unit, p.start, p.end = "bytes", point{0, e.Start}, point{0, e.End}
	}
	if p.start.compare(p.end) > 0 || p.start.line < 0 || p.start.column < 0 || p.end.column < 0 {
		return p, fail.New(fail.Parse, "", e.Path, "the range %s ends before it starts, or is negative", p)
	}
	return p, nil
}

// String names the place: offsets as they are, lines and columns from 1.
func (p *placed) String() string {
	if p.Range == nil {
		return fmt.Sprintf("%d-%d", p.start.column, p.end.column)
	}
	return fmt.Sprintf("%d:%d-%d:%d", p.start.line+1, p.start.column+1, p.end.line+1, p.end.column+1)
}

func (p *placed) insertion() bool { return p.start == p.end }
