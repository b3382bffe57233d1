package diff

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// node is a file or a link in a tree that is a map: the smallest thing that a
// plan can be applied to. It knows nothing of directories but that a file and
// names below it cannot exist together.
type node struct {
	data string // of a link: its target
	exec bool
	link bool
}

type tree map[string]node

func parse(patch []byte, opts Options) (editor.Plan, error) {
	return Parse(&fix.Source{Data: patch}, opts)
}

// apply returns what p makes of t, operation by operation.
func (t tree) apply(p editor.Plan) (tree, error) {
	now := maps.Clone(t)
	for i, op := range p.Ops {
		if err := now.step(op); err != nil {
			return nil, fmt.Errorf("%T %d: %w", op, i, err)
		}
	}
	return now, nil
}

func (t tree) step(op editor.Op) error {
	switch op := op.(type) {
	case editor.Create:
		return t.add(op.Path, node{data: string(op.Content), exec: op.Mode == editor.Executable})
	case editor.Symlink:
		if op.New {
			return t.add(op.Path, node{data: op.Target, link: true})
		}
		return t.change(op.Path, true, op.Expect, func(n *node) error { n.data = op.Target; return nil })
	case editor.Delete:
		if err := t.change(op.Path, t[op.Path].link, op.Expect, func(*node) error { return nil }); err != nil {
			return err
		}
		delete(t, op.Path)
	case editor.Rename:
		n, ok := t[op.From]
		if !ok {
			return fail.New(fail.NotFound, "", op.From, "not there")
		}
		delete(t, op.From)
		return t.add(op.To, n)
	case editor.Copy:
		n, ok := t[op.From]
		if !ok {
			return fail.New(fail.NotFound, "", op.From, "not there")
		}
		return t.add(op.To, n)
	case editor.Chmod:
		n := t[op.Path]
		n.exec = op.Mode == editor.SetExec
		return t.change(op.Path, false, editor.Expect{}, func(old *node) error { *old = n; return nil })
	case editor.Write:
		return t.change(op.Path, false, op.Expect, func(n *node) error { n.data = string(op.Content); return nil })
	case editor.Rewrite:
		return t.change(op.Path, false, op.Expect, func(n *node) error {
			made, err := op.Func([]byte(n.data))
			n.data = string(made)
			return err
		})
	case editor.Edit:
		return t.change(op.Path, false, op.Expect, func(n *node) (err error) {
			n.data, err = splice(n.data, op.Edits)
			return err
		})
	default:
		return fmt.Errorf("unexpected operation")
	}
	return nil
}

func (t tree) add(path string, n node) error {
	for other := range t {
		if other == path || strings.HasPrefix(other, path+"/") || strings.HasPrefix(path, other+"/") {
			return fail.New(fail.Exists, "", other, "in the way of %q", path)
		}
	}
	t[path] = n
	return nil
}

func (t tree) change(path string, link bool, want editor.Expect, change func(*node) error) error {
	n, ok := t[path]
	switch {
	case !ok || n.link != link:
		return fail.New(fail.NotFound, "", path, "not there, or of another kind")
	case want.Raw != nil && *want.Raw != hashing.Raw([]byte(n.data)):
		return fail.New(fail.Drift, "", path, "has another hash")
	case want.GitBlob != nil && !bytes.Equal(want.GitBlob, hashing.GitBlob([]byte(n.data), len(want.GitBlob))):
		return fail.New(fail.Drift, "", path, "is another object")
	}
	err := change(&n)
	t[path] = n
	return err
}

// splice replaces whole lines that must be as the edits say.
func splice(text string, edits []locator.Edit) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	var out strings.Builder
	done := 0
	for _, e := range edits {
		first, last := e.Lines.First-1, e.Lines.Last
		if first < done || last > len(lines) || first > last || strings.Join(lines[first:last], "") != string(e.Old) {
			return "", fail.New(fail.Drift, "", "", "lines %d to %d are not as expected", e.Lines.First, last)
		}
		if e.AtEOF && last != len(lines) {
			return "", fail.New(fail.Drift, "", "", "line %d is not the last", last)
		}
		out.WriteString(strings.Join(lines[done:first], ""))
		out.Write(e.Text)
		done = last
	}
	out.WriteString(strings.Join(lines[done:], ""))
	return out.String(), nil
}
