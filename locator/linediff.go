package locator

import (
	"bytes"
	"slices"
)

// lineChanges returns spans that do to old what spans do, but replace whole
// lines by whole lines, and only lines that differ.
func lineChanges(old []byte, spans []Span) ([]Span, error) {
	if err := Validate(int64(len(old)), spans); err != nil {
		return nil, err
	}
	var changes []Span
	for len(spans) > 0 {
		start := bytes.LastIndexByte(old[:spans[0].Start], '\n') + 1
		end, n := start, 0
		// All that touches the lines so far belongs to them.
		for ; n < len(spans) && bytes.IndexByte(old[end:max(end, spans[n].Start)], '\n') < 0; n++ {
			if n == 0 || spans[n].End >= end {
				end = lineEnd(old, spans[n].End)
			}
		}
		text := spliceRange(old, start, end, spans[:n])
		changes = append(changes, diffLines(old[start:end], text, start)...)
		spans = spans[n:]
	}
	return changes, nil
}

// spliceRange returns old[start:end] with spans replaced, which lie in it.
func spliceRange(old []byte, start, end int, spans []Span) []byte {
	local := slices.Clone(spans)
	for i := range local {
		local[i].Start -= start
		local[i].End -= start
	}
	return splice(nil, old[start:end], local)
}

// diffLines returns the lines of a, a text that stands at offset, that text
// replaces by other lines.
func diffLines(a, text []byte, offset int) []Span {
	aEnds, bEnds := lineEnds(a), lineEnds(text)
	aIDs, bIDs := lineIDs(a, aEnds, text, bEnds)
	var changes []Span
	for _, c := range diffIDs(aIDs, bIDs) {
		changes = append(changes, Span{
			Start: offset + aEnds[c.aStart],
			End:   offset + aEnds[c.aEnd],
			Text:  text[bEnds[c.bStart]:bEnds[c.bEnd]],
		})
	}
	return changes
}

// lineIDs gives equal lines of a and b equal numbers.
func lineIDs(a []byte, aEnds []int, b []byte, bEnds []int) (aIDs, bIDs []int) {
	ids := make(map[string]int)
	number := func(text []byte, ends []int) []int {
		list := make([]int, len(ends)-1)
		for i := range list {
			line := text[ends[i]:ends[i+1]]
			id, ok := ids[string(line)]
			if !ok {
				id = len(ids)
				ids[string(line)] = id
			}
			list[i] = id
		}
		return list
	}
	return number(a, aEnds), number(b, bEnds)
}

// lineChange says that some lines of a, from 0, become some lines of b.
type lineChange struct{ aStart, aEnd, bStart, bEnd int }

// maxLineEdits bounds the search for the fewest deleted and inserted lines, so
// that texts with little in common cost neither time nor memory: they differ
// as a whole.
const maxLineEdits = 1000

// diffIDs returns where a and b differ, in order.
func diffIDs(a, b []int) []lineChange {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	whole := lineChange{head, len(a) - tail, head, len(b) - tail}
	if whole.aStart == whole.aEnd && whole.bStart == whole.bEnd {
		return nil
	}
	a, b = a[head:whole.aEnd], b[head:whole.bEnd]
	if len(a) == 0 || len(b) == 0 {
		return []lineChange{whole}
	}
	trace, ok := shortestEdit(a, b)
	if !ok {
		return []lineChange{whole}
	}
	changes := backtrack(trace, len(a), len(b))
	for i := range changes {
		changes[i].aStart += head
		changes[i].aEnd += head
		changes[i].bStart += head
		changes[i].bEnd += head
	}
	return changes
}

// shortestEdit is the greedy algorithm of Myers (1986): after d steps, trace[d]
// holds for every diagonal k (k = x-y, at index k+d) the furthest x that d
// deletions and insertions reach. It gives up after maxLineEdits.
func shortestEdit(a, b []int) (trace [][]int, ok bool) {
	for d := 0; d <= min(len(a)+len(b), maxLineEdits); d++ {
		reach := make([]int, 2*d+1)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x, _ = stepTo(trace[d-1], d, k)
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x++
				y++
			}
			reach[k+d] = x
			if x >= len(a) && y >= len(b) {
				return append(trace, reach), true
			}
		}
		trace = append(trace, reach)
	}
	return nil, false
}

// stepTo returns where step d starts on diagonal k, given how far the steps
// before reached, and the diagonal that it comes from: k+1 for an insertion,
// k-1 for a deletion.
func stepTo(before []int, d, k int) (x, from int) {
	at := func(k int) int { return before[k+d-1] }
	if k == -d || k != d && at(k-1) < at(k+1) {
		return at(k + 1), k + 1
	}
	return at(k-1) + 1, k - 1
}

// backtrack reads the path to (x, y) out of trace and joins steps that touch.
func backtrack(trace [][]int, x, y int) []lineChange {
	var changes []lineChange
	for d := len(trace) - 1; d > 0; d-- {
		k := x - y
		start, from := stepTo(trace[d-1], d, k)
		step := lineChange{aEnd: start, bEnd: start - k}
		step.aStart = trace[d-1][from+d-1]
		step.bStart = step.aStart - from
		x, y = step.aStart, step.bStart
		last := len(changes) - 1
		if last >= 0 && changes[last].aStart == step.aEnd && changes[last].bStart == step.bEnd {
			changes[last].aStart, changes[last].bStart = step.aStart, step.bStart
			continue
		}
		changes = append(changes, step)
	}
	slices.Reverse(changes)
	return changes
}
