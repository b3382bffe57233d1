package clang

import (
	"math"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/emend/emend/internal/fail"
)

// fields returns the values of a mapping by their names.
func (r *reader) fields(n *yaml.Node) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.Error(fail.Parse, r.pos(n), "", "want a mapping")
	}
	fields := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if fields[name.Value] != nil {
			return nil, r.givenTwice(name)
		}
		fields[name.Value] = n.Content[i+1]
	}
	return fields, nil
}

func (r *reader) givenTwice(name *yaml.Node) error {
	return r.Error(fail.Parse, r.pos(name), "", "%.40q is given twice", name.Value)
}

// each calls item for the values of a sequence, which may be missing.
func (r *reader) each(n *yaml.Node, item func(*yaml.Node) error) error {
	if n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return r.Error(fail.Parse, r.pos(n), "", "want a list")
	}
	for _, value := range n.Content {
		if err := item(value); err != nil {
			return err
		}
	}
	return nil
}

// text returns a scalar as it is written; a missing one is empty.
func (r *reader) text(n *yaml.Node) (string, error) {
	switch {
	case n == nil:
		return "", nil
	case n.Kind != yaml.ScalarNode:
		return "", r.Error(fail.Parse, r.pos(n), "", "want text")
	}
	return n.Value, nil
}

// number returns the field name of the mapping n.
func (r *reader) number(n *yaml.Node, fields map[string]*yaml.Node, name string) (int, error) {
	value := fields[name]
	if value == nil {
		return 0, r.Error(fail.Parse, r.pos(n), "", "%s is missing", name)
	}
	number, err := strconv.Atoi(value.Value)
	if err != nil || number < 0 || number > math.MaxInt/2 {
		return 0, r.Error(fail.Parse, r.pos(value), "", "%s: want a whole number, 0 or more", name)
	}
	return number, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// pos returns the offset at which n stands.
func (r *reader) pos(n *yaml.Node) int { return r.offset(n.Line, n.Column) }

// offset returns the offset of a line and a column, in characters, of the
// piece, both from 1.
func (r *reader) offset(line, column int) int {
	pos := r.part.offset(line - 1)
	for ; column > 1 && pos < len(r.Data); column-- {
		_, size := utf8.DecodeRune(r.Data[pos:])
		pos += size
	}
	return pos
}
