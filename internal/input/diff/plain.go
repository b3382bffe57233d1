package diff

import "strings"

// plainHeader reads the two lines with which a plain unified diff begins.
func (p *parser) plainHeader() (*change, error) {
	c := &change{src: p.Source, pos: p.Pos()}
	from, err := p.whole()
	if err != nil {
		return nil, err
	}
	p.Advance()
	to, err := p.whole()
	if err != nil {
		return nil, err
	}
	from, to = from[len("--- "):], to[len("+++ "):]
	if err := p.plainNames(c, from, to); err != nil {
		return nil, err
	}
	p.Advance()
	if !p.has("@@ -") {
		return nil, p.errorf("want a hunk after the file header")
	}
	return c, nil
}

// plainNames finds out from the two names, and their time stamps, which file
// the patch is about. Where they differ it is the new one, unless that is the
// old one with something appended, as in a backup.
func (p *parser) plainNames(c *change, from, to string) (err error) {
	var names [2]string
	strip := p.plainStrip(from, to)
	for i, value := range []string{from, to} {
		if isDevNull(value) {
			continue
		}
		if names[i], err = p.name(value, strip); err != nil {
			return err
		}
	}
	old, name := names[0], names[1]
	if name == "" || old != "" && strings.HasPrefix(name, old) {
		name = old
	}
	switch {
	case name == "":
		return p.errorf("both names are %s", devNull)
	case isDevNull(from) || isEpoch(from):
		c.kind, c.new = create, name
	case isDevNull(to) || isEpoch(to):
		c.kind, c.old = remove, name
	default:
		c.old, c.new = name, name
	}
	return nil
}

// plainStrip is how many components plain names lose: one unless said
// otherwise, but none where no name has a slash.
func (p *parser) plainStrip(from, to string) int {
	if p.Strip != nil {
		return *p.Strip
	}
	for _, value := range []string{from, to} {
		name, _, _ := strings.Cut(value, "\t")
		if !isDevNull(value) && strings.Contains(name, "/") {
			return 1
		}
	}
	return 0
}
