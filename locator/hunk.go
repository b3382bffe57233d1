package locator

import (
	"bytes"
	"slices"

	"github.com/emend/emend/internal/fail"
)

// Hunk is lines to look for and what becomes of them, as in a patch without
// line numbers: the lines that it keeps and removes must stand in the text one
// behind the other, exactly once. Terminators are not compared: a line that it
// adds gets that of its neighbours, and a last line without one stays without.
// A byte order mark at the start of the text is no part of the first line.
type Hunk struct {
	// After is lines to look behind: each must stand exactly once behind the one
	// before it, white space around it not counted.
	After [][]byte
	Lines []HunkLine
	// AtEOF says that the hunk stands at the end of the text, and only there.
	AtEOF bool
}

// HunkLine is a line without its terminator, and what becomes of it.
type HunkLine struct {
	Do   LineAction
	Text []byte
}

// LineAction is what a hunk does with a line.
type LineAction byte

// The actions, as patches write them.
const (
	KeepLine   LineAction = ' '
	RemoveLine LineAction = '-'
	AddLine    LineAction = '+'
)

// hunk returns a span for every run of lines that h changes.
func (m *Mapper) hunk(h Hunk) ([]Span, error) { return h.locate(m.hunkLines()) }

func (h Hunk) locate(lines textLines) ([]Span, error) {
	old := h.old()
	first, err := h.after(lines)
	if err != nil {
		return nil, err
	}
	var at int
	switch {
	case h.AtEOF:
		at, err = h.atEOF(lines, first, old)
	case len(old) == 0:
		err = fail.New(fail.Usage, "", "", "no line says where the new lines go")
	default:
		at, err = lines.once(old, first)
	}
	if err != nil {
		return nil, err
	}
	return h.spans(lines, at), nil
}

// old returns the lines that must stand in the text.
func (h Hunk) old() [][]byte {
	var old [][]byte
	for _, l := range h.Lines {
		if l.Do != AddLine {
			old = append(old, l.Text)
		}
	}
	return old
}

// after returns the line to look from.
func (h Hunk) after(lines textLines) (int, error) {
	from := 0
	for _, want := range h.After {
		want = bytes.TrimSpace(want)
		var places []int
		for i := from; i < lines.count() && len(places) < MaxCandidates; i++ {
			if bytes.Equal(bytes.TrimSpace(lines.text(i)), want) {
				places = append(places, i)
			}
		}
		if len(places) != 1 {
			return 0, lines.notOnce([][]byte{want}, places)
		}
		from = places[0] + 1
	}
	return from, nil
}

func (h Hunk) atEOF(lines textLines, first int, old [][]byte) (int, error) {
	at := lines.count() - len(old)
	if at < first || !lines.match(old, at) {
		err := lines.notOnce(old, nil)
		err.Message = "the text to find is not at the end of the file: " + excerpt(bytes.Join(old, []byte("\n")))
		return 0, err
	}
	return at, nil
}

// spans returns what h replaces where its first old line is line at.
func (h Hunk) spans(lines textLines, at int) []Span {
	var spans []Span
	for i := 0; i < len(h.Lines); {
		if h.Lines[i].Do == KeepLine {
			at, i = at+1, i+1
			continue
		}
		start := at
		var added [][]byte
		for ; i < len(h.Lines) && h.Lines[i].Do != KeepLine; i++ {
			if h.Lines[i].Do == AddLine {
				added = append(added, h.Lines[i].Text)
			} else {
				at++
			}
		}
		spans = append(spans, lines.replace(start, at, added))
	}
	return spans
}

// textLines is a text as hunks see it.
type textLines struct {
	content []byte
	ends    []int // where line 0 begins, then where each line ends, terminator included
}

func (m *Mapper) hunkLines() textLines {
	if m.ends == nil {
		m.ends = lineEnds(m.content)
	}
	ends := m.ends
	if m.hasBOM() {
		ends = slices.Clone(ends)
		ends[0] = len(bom)
	}
	return textLines{m.content, ends}
}

func (t textLines) count() int { return len(t.ends) - 1 }

// text returns line i without its terminator.
func (t textLines) text(i int) []byte {
	line := t.content[t.ends[i]:t.ends[i+1]]
	return line[:len(line)-len(terminator(line))]
}

// terminator returns what line ends with: LF, CR LF, or nothing.
func terminator(line []byte) []byte {
	for _, end := range []string{"\r\n", "\n"} {
		if bytes.HasSuffix(line, []byte(end)) {
			return line[len(line)-len(end):]
		}
	}
	return nil
}

func (t textLines) match(want [][]byte, at int) bool {
	if at < 0 || at+len(want) > t.count() {
		return false
	}
	for i, w := range want {
		if !bytes.Equal(t.text(at+i), w) {
			return false
		}
	}
	return true
}

// once returns the one line, from line first on, where want stands.
func (t textLines) once(want [][]byte, first int) (int, error) {
	var places []int
	for i := first; i+len(want) <= t.count() && len(places) < MaxCandidates; i++ {
		if t.match(want, i) {
			places = append(places, i)
		}
	}
	if len(places) != 1 {
		return 0, t.notOnce(want, places)
	}
	return places[0], nil
}

// notOnce is the error for lines that stand at several places, or at none: then
// the candidates are where the longest of them that there is stands.
func (t textLines) notOnce(want [][]byte, places []int) *fail.Error {
	kind, message := fail.Ambiguous, "the text to find stands in several places: "
	if len(places) == 0 {
		kind, message = fail.NotFound, "the text to find is nowhere: "
		places = t.similar(want)
	}
	text := bytes.Join(want, []byte("\n"))
	err := fail.New(kind, "", "", "%s%s", message, excerpt(text))
	for _, at := range places {
		end := min(at+len(want), t.count())
		err.Candidates = append(err.Candidates, fail.Candidate{Start: t.ends[at], End: t.ends[end], Line: at + 1})
	}
	if kind == fail.NotFound && len(places) > 0 {
		err.Expected = excerpt(text)
		err.Actual = excerpt(t.content[err.Candidates[0].Start:err.Candidates[0].End])
		err.Hint = "a similar text is there: take the lines from the file as it is"
	}
	return err
}

// maxSimilar is how many places an error offers for text that is nowhere.
const maxSimilar = 3

// similar returns where want would begin if it stood where its longest line
// that there is stands, white space around lines not counted: where more of
// its lines stand comes first.
func (t textLines) similar(want [][]byte) []int {
	order := make([]int, len(want))
	places := map[string][]int{}
	for i, w := range want {
		order[i] = i
		if w = bytes.TrimSpace(w); len(w) > 0 {
			places[string(w)] = nil
		}
	}
	for i := range t.count() {
		line := bytes.TrimSpace(t.text(i))
		if at, ok := places[string(line)]; ok && len(at) < maxSimilar {
			places[string(line)] = append(at, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(want[b]) - len(want[a]) })
	for _, k := range order {
		if found := places[string(bytes.TrimSpace(want[k]))]; len(found) > 0 {
			for i, line := range found {
				found[i] = max(0, line-k)
			}
			found = slices.Compact(found)
			slices.SortStableFunc(found, func(a, b int) int { return t.alike(want, b) - t.alike(want, a) })
			return found
		}
	}
	return nil
}

// alike returns how many lines of want stand from line at on, white space around
// them not counted.
func (t textLines) alike(want [][]byte, at int) int {
	n := 0
	for i := range min(len(want), t.count()-at) {
		if bytes.Equal(bytes.TrimSpace(t.text(at+i)), bytes.TrimSpace(want[i])) {
			n++
		}
	}
	return n
}

// replace puts added in the place of lines [first, last).
func (t textLines) replace(first, last int, added [][]byte) Span {
	s := Span{Start: t.ends[first], End: t.ends[last]}
	if len(added) == 0 {
		return s
	}
	eol := t.eol(first)
	s.Text = append(bytes.Join(added, eol), eol...)
	unended := t.count() > 0 && s.End == len(t.content) && len(terminator(t.content)) == 0
	switch {
	case unended && first == last && s.Start > t.ends[0]:
		s.Text = append(slices.Clone(eol), s.Text[:len(s.Text)-len(eol)]...)
	case unended && first < last:
		s.Text = s.Text[:len(s.Text)-len(eol)]
	}
	return s
}

// eol returns the terminator for new lines at line i: that of the line, of the
// one before it, or of the first.
func (t textLines) eol(i int) []byte {
	for _, k := range []int{i, i - 1, 0} {
		if 0 <= k && k < t.count() {
			if end := terminator(t.content[t.ends[k]:t.ends[k+1]]); end != nil {
				return end
			}
		}
	}
	return []byte("\n")
}
