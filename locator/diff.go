package locator

// Diff returns spans that turn old into changed: whole lines, and only lines
// that differ. They share memory with changed.
func Diff(old, changed []byte) []Span { return diffLines(old, changed, 0) }
