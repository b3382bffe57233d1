package locator

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// contextLines is how many unchanged lines a hunk shows around a change.
const contextLines = 3

// UnifiedDiff writes to w what spans change in old, as a unified diff that git
// apply and patch accept, with names (a/file, /dev/null) quoted where need be.
// It writes nothing at all where nothing changes. Errors are those of Validate
// and of w.
func UnifiedDiff(w io.Writer, oldName, newName string, old []byte, spans []Span) error {
	changes, err := lineChanges(old, spans)
	if err != nil || len(changes) == 0 {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "--- %s\n+++ %s\n", headerName(oldName), headerName(newName))
	d := differ{out: out, old: old}
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && countLines(old[changes[n-1].End:changes[n].Start]) <= 2*contextLines {
			n++
		}
		d.hunk(changes[:n])
		changes = changes[n:]
	}
	return out.Flush()
}

// headerName ends a name with blanks in it by a tab, as git does: what reads
// the header would end it at the blank.
func headerName(name string) string {
	quoted := QuoteGit(name)
	if quoted == name && strings.ContainsRune(name, ' ') {
		return name + "\t"
	}
	return quoted
}

// differ writes hunks one after another.
type differ struct {
	out     *bufio.Writer
	old     []byte
	pos     int // in old: the start of a line
	oldLine int // lines before pos
	newLine int // lines of the new text before what became of pos
}

// hunk writes changes, which are near each other, with their context.
func (d *differ) hunk(changes []Span) {
	first, last := changes[0], changes[len(changes)-1]
	start := contextStart(d.old, d.pos, first.Start)
	end := last.End
	for range contextLines {
		end = lineEnd(d.old, end)
	}
	before := countLines(d.old[d.pos:start])
	d.oldLine, d.newLine = d.oldLine+before, d.newLine+before

	oldCount := countLines(d.old[start:end])
	newCount := oldCount
	for _, c := range changes {
		newCount += countLines(c.Text) - countLines(d.old[c.Start:c.End])
	}
	fmt.Fprintf(d.out, "@@ -%s +%s @@\n", lineRange(d.oldLine, oldCount), lineRange(d.newLine, newCount))
	pos := start
	for _, c := range changes {
		d.lines(' ', d.old[pos:c.Start])
		d.lines('-', d.old[c.Start:c.End])
		d.lines('+', c.Text)
		pos = c.End
	}
	d.lines(' ', d.old[pos:end])
	d.pos, d.oldLine, d.newLine = end, d.oldLine+oldCount, d.newLine+newCount
}

// lines writes every line of text with a mark in front.
func (d *differ) lines(mark byte, text []byte) {
	for len(text) > 0 {
		end := lineEnd(text, 0)
		_ = d.out.WriteByte(mark) // the writer keeps its first error for Flush
		_, _ = d.out.Write(text[:end])
		if text[end-1] != '\n' {
			_, _ = d.out.WriteString("\n\\ No newline at end of file\n")
		}
		text = text[end:]
	}
}

// contextStart goes back from pos over the lines of context, not beyond from.
func contextStart(old []byte, from, pos int) int {
	for n := 0; n < contextLines && pos > from; n++ {
		pos = from + bytes.LastIndexByte(old[from:pos-1], '\n') + 1
	}
	return pos
}

// lineRange is how a hunk header names count lines behind the first skipped.
func lineRange(skipped, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", skipped)
	case 1:
		return fmt.Sprint(skipped + 1)
	}
	return fmt.Sprintf("%d,%d", skipped+1, count)
}

// countLines counts lines, the last one also where it has no LF.
func countLines(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}
