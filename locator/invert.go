package locator

// Replacement is a Span that knows what it replaces: the bytes Old at Start
// become New. It can be undone without the text.
type Replacement struct {
	Start    int64
	Old, New []byte
}

// Span returns r without what it replaces.
func (r Replacement) Span() Span {
	return Span{Start: int(r.Start), End: int(r.Start) + len(r.Old), Text: r.New}
}

// Replacements returns spans with the bytes of content that they replace. The result
// shares memory with both. Errors are those of Validate.
func Replacements(content []byte, spans []Span) ([]Replacement, error) {
	if err := Validate(int64(len(content)), spans); err != nil {
		return nil, err
	}
	list := make([]Replacement, len(spans))
	for i, s := range spans {
		list[i] = Replacement{Start: int64(s.Start), Old: content[s.Start:s.End:s.End], New: s.Text}
	}
	return list, nil
}

// InvertReplacements returns what undoes list, which is sorted and does not
// overlap: it refers to the text with list applied, and is sorted too.
func InvertReplacements(list []Replacement) []Replacement {
	inverse := make([]Replacement, len(list))
	shift := int64(0)
	for i, r := range list {
		inverse[i] = Replacement{Start: r.Start + shift, Old: r.New, New: r.Old}
		shift += int64(len(r.New) - len(r.Old))
	}
	return inverse
}

// Invert returns the spans that turn Splice(content, spans) back into content.
// They share memory with content. Errors are those of Validate.
func Invert(content []byte, spans []Span) ([]Span, error) {
	list, err := Replacements(content, spans)
	if err != nil {
		return nil, err
	}
	inverse := make([]Span, len(list))
	for i, r := range InvertReplacements(list) {
		inverse[i] = r.Span()
	}
	return inverse, nil
}

// Minimize returns spans without those that change nothing, and cuts from the
// rest what old and new text have in common at both ends. Splice gives the same
// for both. Errors are those of Validate.
func Minimize(content []byte, spans []Span) ([]Span, error) {
	if err := Validate(int64(len(content)), spans); err != nil {
		return nil, err
	}
	var least []Span
	for _, s := range spans {
		s = trim(content, s)
		if !s.insert() || len(s.Text) > 0 {
			least = append(least, s)
		}
	}
	return least, nil
}

// trim returns s without what it has in common with what it replaces.
func trim(content []byte, s Span) Span {
	for !s.insert() && len(s.Text) > 0 && content[s.Start] == s.Text[0] {
		s.Start++
		s.Text = s.Text[1:]
	}
	for !s.insert() && len(s.Text) > 0 && content[s.End-1] == s.Text[len(s.Text)-1] {
		s.End--
		s.Text = s.Text[:len(s.Text)-1]
	}
	return s
}
