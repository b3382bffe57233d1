// Package eslint reads what ESLint prints with -f json (or json-with-metadata):
// for each file its messages, of which some carry a fix, and the source that
// they are about.
package eslint

import (
	"slices"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

const bom = "\uFEFF"

// Detect reports whether data begins as a list of results does.
func Detect(data []byte) bool {
	return slices.ContainsFunc(fix.Names(fix.FirstItem(data)), func(name string) bool {
		return name == "filePath" || name == "results"
	})
}

// Parse reads the fixes in src. Their offsets count UTF-16 code units, a byte
// order mark left out; the source holds them in place, where the report has it.
// Fixes that touch are a conflict, as for ESLint. Suggestions are left alone.
// Errors are of kind parse, unsupported, path-escape or conflict and name the
// place.
func Parse(src *fix.Source, root fix.Root, opts fix.Options) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	r := reader{JSON: in, root: root, set: fix.NewSet(fix.Rules{Apart: true}, opts)}
	if in.Peek() == '{' {
		err = r.withMetadata()
	} else {
		err = in.Array(r.result)
	}
	if err == nil {
		err = in.End()
	}
	if err != nil {
		return editor.Plan{}, err
	}
	plan, err := r.set.Plan()
	if err != nil {
		return editor.Plan{}, err
	}
	plan.Ops = append(plan.Ops, r.writes...)
	return plan, nil
}

type reader struct {
	*fix.JSON
	root   fix.Root
	set    *fix.Set
	writes []editor.Op
}

// withMetadata reads what json-with-metadata prints.
func (r *reader) withMetadata() error {
	pos, results := r.Pos(), false
	err := r.Object(func(name string) error {
		if name != "results" {
			return r.Skip()
		}
		results = true
		return r.Array(r.result)
	})
	if err == nil && !results {
		err = r.Error(fail.Parse, pos, "", "a report has results")
	}
	return err
}

// result is what ESLint found in one file.
type result struct {
	pos            int
	filePath       string
	source, output *string
	messages       []message // those with a fix
}

type message struct {
	pos    int
	RuleID string
	Fix    *struct {
		Range []int
		Text  *string
	}
}

func (r *reader) result() error {
	res := result{pos: r.Pos()}
	err := r.Object(func(name string) error {
		switch name {
		case "filePath":
			return r.Decode(&res.filePath)
		case "source":
			return r.Decode(&res.source)
		case "output":
			return r.Decode(&res.output)
		case "messages":
			return r.Array(func() error { return r.message(&res) })
		}
		return r.Skip()
	})
	if err != nil || len(res.messages) == 0 && res.output == nil {
		return err
	}
	path, err := r.root.Rel(res.filePath, "")
	switch {
	case err != nil:
		return r.set.Refuse(r.Source, fix.Fix{Pos: res.pos}, err)
	case res.output != nil:
		return r.output(&res, path)
	}
	return r.fixes(&res, path)
}

func (r *reader) message(res *result) error {
	m := message{pos: r.Pos()}
	if err := r.Decode(&m); err != nil || m.Fix == nil {
		return err
	}
	res.messages = append(res.messages, m)
	return nil
}

// fixes adds the fixes of a file in the order in which ESLint takes them, which
// decides between those in conflict.
func (r *reader) fixes(res *result, path string) error {
	slices.SortStableFunc(res.messages, func(a, b message) int { return slices.Compare(a.Fix.Range, b.Fix.Range) })
	placed := inReport
	if res.source != nil {
		r.set.Expect(path, editor.RawHash(hashing.Raw([]byte(*res.source))))
		placed = inSource(*res.source)
	}
	for _, m := range res.messages {
		if at := m.Fix.Range; len(at) != 2 || at[0] < -1 || at[1] < max(0, at[0]) {
			return r.Error(fail.Parse, m.pos, path, "%s: the range of the fix is malformed", m.RuleID)
		}
		if m.Fix.Text == nil {
			return r.Error(fail.Parse, m.pos, path, "%s: the fix has no text", m.RuleID)
		}
		edit, err := placed(m)
		if err != nil {
			return r.At(err, m.pos, path)
		}
		f := fix.Fix{Name: m.RuleID, Pos: m.pos, Edits: []fix.Edit{{Path: path, Edit: edit}}}
		if err := r.set.Add(r.Source, f); err != nil {
			return err
		}
	}
	return nil
}

// output replaces a file by what ESLint has made of it.
func (r *reader) output(res *result, path string) error {
	if res.source == nil {
		return r.Error(fail.Unsupported, res.pos, path, "the report has the fixed text, but not the source that it was made of").
			WithHint("run eslint -f json without --fix-dry-run")
	}
	r.writes = append(r.writes, editor.Write{
		Path:    path,
		Content: []byte(*res.output),
		Expect:  editor.RawHash(hashing.Raw([]byte(*res.source))),
		Origin:  editor.Origin(r.Position(res.pos)),
	})
	return nil
}

// inSource places fixes by the text that they were made for.
func inSource(source string) func(message) (locator.Edit, error) {
	content := []byte(source)
	m := locator.NewMapper(content)
	return func(msg message) (locator.Edit, error) {
		from, to, text := msg.Fix.Range[0], msg.Fix.Range[1], *msg.Fix.Text
		start, end, err := m.UnitsToOffsets(locator.Units{Start: max(0, from), End: to, Encoding: locator.UTF16, SkipBOM: true})
		if err != nil {
			return locator.Edit{}, err
		}
		if from < 0 || from == 0 && strings.HasPrefix(text, bom) {
			start = 0 // the byte order mark is replaced, too
		}
		return locator.Edit{Start: start, End: end, Old: content[start:end], Text: []byte(text)}, nil
	}
}

// inReport places fixes by their offsets alone.
func inReport(msg message) (locator.Edit, error) {
	from, to, text := msg.Fix.Range[0], msg.Fix.Range[1], []byte(*msg.Fix.Text)
	switch {
	case from < 0 && to == 0:
		return locator.Edit{End: len(bom), Old: []byte(bom), Text: text}, nil
	case from < 0:
		return locator.Edit{}, fail.New(fail.Unsupported, "", "", "%s: removes a byte order mark with text behind it", msg.RuleID)
	}
	units := locator.Units{Start: from, End: to, Encoding: locator.UTF16, SkipBOM: true}
	return locator.Edit{Units: &units, Text: text}, nil
}
