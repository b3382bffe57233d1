package locator

import (
	"bytes"

	"github.com/emend/emend/internal/fail"
)

// MaxCandidates is how many places an ambiguous error names.
const MaxCandidates = 100

// Candidates returns the first places, at most limit, where text stands in
// content; they may overlap. Empty text stands nowhere.
func Candidates(content, text []byte, limit int) []fail.Candidate {
	return candidates(content, text, limit, func(int, int) bool { return true })
}

// candidates is Candidates of those that are right.
func candidates(content, text []byte, limit int, right func(start, end int) bool) []fail.Candidate {
	var places []fail.Candidate
	line, counted := 1, 0
	for from := 0; len(text) > 0 && len(places) < limit; {
		i := bytes.Index(content[from:], text)
		if i < 0 {
			break
		}
		start, end := from+i, from+i+len(text)
		from = start + 1
		if !right(start, end) {
			continue
		}
		line += bytes.Count(content[counted:start], []byte{'\n'})
		places = append(places, fail.Candidate{Start: start, End: end, Line: line})
		counted = start
	}
	return places
}

// findOnce returns where text stands, -1 for nowhere. Several places are an
// error of kind ambiguous.
func findOnce(content, text []byte) (int, error) {
	places := Candidates(content, text, 2)
	switch len(places) {
	case 0:
		return -1, nil
	case 1:
		return places[0].Start, nil
	}
	return -1, ambiguous(text, Candidates(content, text, MaxCandidates))
}

// ambiguous is the error for text that stands in several places.
func ambiguous(text []byte, places []fail.Candidate) error {
	err := fail.New(fail.Ambiguous, "", "", "the text stands in several places: %s", excerpt(text))
	err.Candidates = places
	return err
}

// find returns the places of an edit with Find.
func find(content []byte, e Edit) ([]Span, error) {
	if len(e.Find) == 0 {
		return nil, fail.New(fail.Usage, "", "", "the text to find is empty")
	}
	var starts []int
	if e.All {
		starts = findAll(content, e.Find)
	} else {
		start, err := findOnce(content, e.Find)
		if err != nil {
			return nil, err
		}
		if start >= 0 {
			starts = []int{start}
		}
	}
	if len(starts) == 0 {
		return nil, fail.New(fail.NotFound, "", "", "the text to find is nowhere: %s", excerpt(e.Find))
	}
	spans := make([]Span, len(starts))
	for i, start := range starts {
		spans[i] = Span{Start: start, End: start + len(e.Find), Text: e.Text}
	}
	return spans, nil
}

// findAll returns every place of text, left to right, not overlapping.
func findAll(content, text []byte) []int {
	var starts []int
	for from := 0; ; {
		i := bytes.Index(content[from:], text)
		if i < 0 {
			return starts
		}
		starts = append(starts, from+i)
		from += i + len(text)
	}
}
