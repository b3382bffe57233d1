package plan

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// parseAs leaves out where operations and edits come from.
func parseAs(data []byte, enc locator.Encoding) (editor.Plan, error) {
	p, err := Parse(&fix.Source{Data: data}, enc)
	for i, op := range p.Ops {
		if e, ok := op.(editor.Edit); ok {
			for i := range e.Edits {
				e.Edits[i].Origin = ""
			}
		}
		bare := reflect.New(reflect.TypeOf(op)).Elem()
		bare.Set(reflect.ValueOf(op))
		bare.FieldByName("Origin").SetZero()
		p.Ops[i] = bare.Interface().(editor.Op)
	}
	return p, err
}

// op wraps one operation in a plan.
func op(operation string) string { return `{"emend": 1, "ops": [` + operation + `]}` }

// edit wraps one edit in a plan.
func edit(e string) string { return op(`{"op": "edit", "path": "a.go", "edits": [` + e + `]}`) }

func TestOperations(t *testing.T) {
	x, y := hashing.Raw([]byte("x")), hashing.Raw([]byte("y"))
	tests := []struct {
		name, json string
		want       editor.Op
	}{
		{"edit", `{"op": "edit", "path": "a", "edits": []}`, editor.Edit{Path: "a"}},
		{"fields in any order", `{"edits": [], "path": "a", "op": "edit"}`, editor.Edit{Path: "a"}},
		{"expect", fmt.Sprintf(`{"op": "edit", "path": "a", "expect": {"norm": "%s", "raw": "%s"}, "edits": []}`, y, x),
			editor.Edit{Path: "a", Expect: editor.Expect{Raw: &x, Norm: &y}}},
		{"base", `{"op": "edit", "path": "a", "base": "b", "edits": []}`, editor.Edit{Path: "a", Base: []byte("b")}},
		{"empty base", `{"op": "edit", "path": "a", "base": "", "edits": []}`, editor.Edit{Path: "a", Base: []byte{}}},
		{"base in base64", `{"op": "edit", "path": "a", "base_base64": "/w==", "edits": []}`,
			editor.Edit{Path: "a", Base: []byte("\xff")}},
		{"write", `{"op": "write", "path": "a", "content": "c"}`, editor.Write{Path: "a", Content: []byte("c")}},
		{"write, all", fmt.Sprintf(`{"op": "write", "path_base64": "/w==", "content_base64": "/g==", "mode": "0600",
			"expect": {"raw": "%s"}}`, x),
			editor.Write{Path: "\xff", Content: []byte("\xfe"), Mode: 0o600, Expect: editor.RawHash(x)}},
		{"create", `{"op": "create", "path": "a", "content": ""}`, editor.Create{Path: "a", Content: []byte{}}},
		{"create, mode", `{"op": "create", "path": "a", "content": "c", "mode": "0755"}`,
			editor.Create{Path: "a", Content: []byte("c"), Mode: 0o755}},
		{"delete", `{"op": "delete", "path": "a"}`, editor.Delete{Path: "a"}},
		{"delete, expect", fmt.Sprintf(`{"op": "delete", "path": "a", "expect": {"raw": "%s"}}`, x),
			editor.Delete{Path: "a", Expect: editor.RawHash(x)}},
		{"rename", `{"op": "rename", "from": "a", "to": "b"}`, editor.Rename{From: "a", To: "b"}},
		{"rename, all", `{"op": "rename", "from_base64": "YQ==", "to_base64": "Yg==", "overwrite": true}`,
			editor.Rename{From: "a", To: "b", Overwrite: true}},
		{"rename, no overwrite", `{"op": "rename", "from": "a", "to": "b", "overwrite": false}`, editor.Rename{From: "a", To: "b"}},
		{"chmod", `{"op": "chmod", "path": "a", "mode": "04755"}`, editor.Chmod{Path: "a", Mode: 0o4755}},
		{"chmod to nothing", `{"op": "chmod", "path": "a", "mode": "0000"}`, editor.Chmod{Path: "a", Mode: editor.ExactMode}},
		{"symlink", `{"op": "symlink", "path": "a", "target": "b c"}`, editor.Symlink{Path: "a", Target: "b c"}},
		{"symlink in base64", `{"op": "symlink", "path": "a", "target_base64": "/w=="}`, editor.Symlink{Path: "a", Target: "\xff"}},
		{"mkdir", `{"op": "mkdir", "path": "a/b"}`, editor.Mkdir{Path: "a/b"}},
		{"escapes", `{"op": "mkdir", "path": "\"\\\/\b\f\n\r\t\u00e4\u00E4\ud83d\ude00é"}`,
			editor.Mkdir{Path: "\"\\/\b\f\n\r\t\u00e4\u00e4\U0001F600é"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			p, err := parseAs([]byte(op(c.json)), locator.UTF16)
			require.NoError(t, err)
			require.Equal(t, []editor.Op{c.want}, p.Ops)
		})
	}
}

func TestEdits(t *testing.T) {
	place := locator.Range{
		Start:    locator.Position{Line: 1, Character: 2},
		End:      locator.Position{Line: 3, Character: 4},
		Encoding: locator.UTF32,
	}
	tests := []struct {
		name, json string
		want       locator.Edit
	}{
		{"bytes", `{"start": 10, "end": 14, "text": "n"}`, locator.Edit{Start: 10, End: 14, Text: []byte("n")}},
		{"old", `{"start": 1, "end": 1, "text": "", "old": ""}`, locator.Edit{Start: 1, End: 1, Text: []byte{}, Old: []byte{}}},
		{"base64", `{"start": 0, "end": 1, "text_base64": "/w==", "old_base64": "/g=="}`,
			locator.Edit{End: 1, Text: []byte("\xff"), Old: []byte("\xfe")}},
		{"lines", `{"lines": [3, 5], "text": "x\n"}`, locator.Edit{Lines: &locator.Lines{First: 3, Last: 5}, Text: []byte("x\n")}},
		{"range", `{"range": {"start": {"line": 1, "character": 2}, "end": {"character": 4, "line": 3}}, "text": ""}`,
			locator.Edit{Range: &place, Text: []byte{}}},
		{"find", `{"find": "u", "text": "r", "all": false}`, locator.Edit{Find: []byte("u"), Text: []byte("r")}},
		{"find all", `{"find_base64": "/w==", "text": "r", "all": true}`, locator.Edit{Find: []byte("\xff"), Text: []byte("r"), All: true}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			p, err := parseAs([]byte(edit(c.json)), locator.UTF32)
			require.NoError(t, err)
			require.Equal(t, []locator.Edit{c.want}, p.Ops[0].(editor.Edit).Edits)
		})
	}
}

func TestPlan(t *testing.T) {
	p, err := parseAs([]byte("\xef\xbb\xbf\t{\"key\": \"k\", \"label\": \"l\", \"ops\": [], \"emend\": 1}\r\n"), locator.UTF16)
	require.NoError(t, err)
	require.Equal(t, editor.Plan{Key: "k", Label: "l"}, p)
}

var malformed = []struct {
	name, json string
	message    string
}{
	{"empty", ``, "input:1:1: want an object, not the end of the input"},
	{"array", `[]`, "want an object, not an array"},
	{"no version", `{"ops": []}`, "emend is missing"},
	{"no operations", `{"emend": 1}`, "ops is missing"},
	{"version a string", `{"emend": "1", "ops": []}`, "input:1:11: emend: want a whole number, not a string"},
	{"unknown field", "{\"emend\": 1,\n \"opps\": []}", `input:2:2: unknown field "opps": "\"opps\": []}"`},
	{"field twice", `{"emend": 1, "emend": 1, "ops": []}`, "input:1:14: emend is given twice"},
	{"operations twice", `{"emend": 1, "ops": [], "ops": []}`, "ops is given twice"},
	{"no base64 form", `{"emend": 1, "label_base64": "YQ==", "ops": []}`, `unknown field "label_base64"`},
	{"long key", `{"emend": 1, "key": "` + strings.Repeat("k", 257) + `", "ops": []}`, "key: has 257 bytes"},
	{"null operations", `{"emend": 1, "ops": null}`, "ops: want an array, not null"},
	{"null operation", op(`null`), "ops[0]: ops: want an object, not null"},
	{"data after the plan", `{"emend": 1, "ops": []} {}`, "input:1:25: want the end of the input after the plan, not an object"},
	{"NUL after the plan", "{\"emend\": 1, \"ops\": []}\x00", "want the end of the input"},
	{"cut", `{"emend": 1, "ops": [`, "want an object, not the end of the input"},
	{"trailing comma", `{"emend": 1, "ops": [],}`, "want a field name, not '}'"},
	{"no comma", `{"emend": 1 "ops": []}`, "want ',' or '}', not a string"},
	{"comment", "{// no\n}", "want a field name, not '/'"},
	{"single quotes", `{'emend': 1}`, `want a field name, not '\''`},

	{"no kind", op(`{"path": "a"}`), "ops[0]: op is missing"},
	{"unknown operation", op(`{"op": "move", "path": "a"}`), `ops[0]: op: unknown operation "move"`},
	{"no path", op(`{"op": "delete"}`), "delete: input:1:22: ops[0]: path is missing"},
	{"empty path", op(`{"op": "delete", "path": ""}`), "delete: input:1:47: ops[0]: path: must not be empty"},
	{"path null", op(`{"op": "delete", "path": null}`), "path: want a string, not null"},
	{"path twice", op(`{"op": "delete", "path": "a", "path_base64": "YQ=="}`), "delete a: input:1:52: ops[0]: path is given twice"},
	{"stray field", op(`{"op": "delete", "path": "a", "content": ""}`), "delete a: input:1:22: ops[0]: content does not belong to delete"},
	{"second operation", op(`{"op": "mkdir", "path": "a"}, {"op": "mkdir"}`), "mkdir: input:1:52: ops[1]: path is missing"},
	{"no content", op(`{"op": "create", "path": "a"}`), "content is missing"},
	{"no mode", op(`{"op": "chmod", "path": "a"}`), "mode is missing"},
	{"no target", op(`{"op": "symlink", "path": "a"}`), "target is missing"},
	{"empty target", op(`{"op": "symlink", "path": "a", "target": ""}`), "target: must not be empty"},
	{"no destination", op(`{"op": "rename", "from": "a"}`), "rename a: input:1:22: ops[0]: to is missing"},
	{"overwrite a number", op(`{"op": "rename", "from": "a", "to": "b", "overwrite": 1}`), "overwrite: want true or false, not a number"},
	{"mode without 0", op(`{"op": "chmod", "path": "a", "mode": "755"}`), `mode: "755" is not a mode`},
	{"mode too large", op(`{"op": "chmod", "path": "a", "mode": "017777"}`), `"017777" is not a mode`},
	{"mode not octal", op(`{"op": "chmod", "path": "a", "mode": "0789"}`), `"0789" is not a mode`},
	{"mode a number", op(`{"op": "chmod", "path": "a", "mode": 493}`), "mode: want a string, not a number"},
	{"mode empty", op(`{"op": "chmod", "path": "a", "mode": ""}`), `"" is not a mode`},
	{"hash", op(`{"op": "delete", "path": "a", "expect": {"raw": "sha1:00"}}`), "raw: \"sha1:00\" is not a hash"},
	{"expects nothing", op(`{"op": "delete", "path": "a", "expect": {}}`), "neither raw nor norm"},
	{"bad base64", op(`{"op": "mkdir", "path_base64": "YQ"}`), "path_base64: this is not base64"},
	{"base64 with bits left", op(`{"op": "mkdir", "path_base64": "YR=="}`), "path_base64: this is not base64"},
	{"base64 with line ends", op(`{"op": "mkdir", "path_base64": "YWFh\nYWFh"}`), "path_base64: this is not base64"},

	{"no edits", op(`{"op": "edit", "path": "a"}`), "edits is missing"},
	{"no place", edit(`{"text": ""}`),
		"edit a.go: input:1:63: ops[0]: edits[0]: want exactly one of start with end, lines, range, and find: there are 0"},
	{"two places", edit(`{"start": 1, "end": 2, "lines": [1, 1], "text": ""}`), "there are 2"},
	{"half a place", edit(`{"start": 1, "text": ""}`), "end is missing"},
	{"no text", edit(`{"start": 1, "end": 2}`), "text is missing"},
	{"text twice", edit(`{"start": 1, "end": 2, "text": "", "text_base64": ""}`), "text is given twice"},
	{"second edit", edit(`{"start": 1, "end": 2, "text": ""}, {"start": 1, "end": 2, "text": 3}`),
		"ops[0]: edits[1]: text: want a string, not a number"},
	{"negative", edit(`{"start": -1, "end": 2, "text": ""}`), "start: want a whole number in plain digits"},
	{"fraction", edit(`{"start": 1.5, "end": 2, "text": ""}`), "start: want a whole number in plain digits"},
	{"exponent", edit(`{"start": 1e3, "end": 2, "text": ""}`), "start: want a whole number in plain digits"},
	{"leading zero", edit(`{"start": 01, "end": 2, "text": ""}`), "start: want a whole number in plain digits"},
	{"too large", edit(`{"start": 9223372036854775808, "end": 2, "text": ""}`), "start: the number is too large"},
	{"one line", edit(`{"lines": [1], "text": ""}`), "lines: want two numbers"},
	{"three lines", edit(`{"lines": [1, 2, 3], "text": ""}`), "lines: want two numbers"},
	{"position without line", edit(`{"range": {"start": {"character": 0}, "end": {"line": 0, "character": 0}}, "text": ""}`),
		"line is missing"},
	{"range without end", edit(`{"range": {"start": {"line": 0, "character": 0}}, "text": ""}`), "end is missing"},
	{"find nothing", edit(`{"find": "", "text": ""}`), "find: must not be empty"},
	{"all without find", edit(`{"start": 1, "end": 2, "text": "", "all": true}`), "all goes with find only"},
	{"nested too deep", op(strings.Repeat(`{"edits":[`, 100000)), "unknown field"},

	{"control character", op("{\"op\": \"mkdir\", \"path\": \"a\nb\"}"),
		"input:1:48: ops[0]: path: a control character in a string must be escaped, as \\u000a"},
	{"unknown escape", op(`{"op": "mkdir", "path": "\x41"}`), `path: \x is not an escape`},
	{"short escape", op(`{"op": "mkdir", "path": "\u00e"}`), "path: want four hex digits"},
	{"no end", `{"emend": 1, "label": "abc`, "input:1:23: label: the string has no end"},
	{"ends in escape", `{"emend": 1, "label": "abc\`, "label: the string has no end"},
}

func TestMalformedPlans(t *testing.T) {
	for _, c := range malformed {
		t.Run(c.name, func(t *testing.T) {
			p, err := parseAs([]byte(c.json), locator.UTF16)
			require.ErrorContains(t, err, c.message)
			require.Equal(t, fail.Parse, fail.KindOf(err))
			require.Equal(t, editor.Plan{}, p)
		})
	}
}

func TestOtherVersionIsUnsupported(t *testing.T) {
	_, err := parseAs([]byte(`{"emend": 2, "future": [], "ops": {}}`), locator.UTF16)
	require.Equal(t, fail.Unsupported, fail.KindOf(err))
	require.ErrorContains(t, err, "version 2")
}

// What is not UTF-8 must come in base64: it never becomes U+FFFD.
func TestLesson08TextThatIsNotUTF8IsRefused(t *testing.T) {
	for _, bad := range []string{
		"\xff", "\xc3(", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80",
		`\ud800`, `\udc00`, `\ud800\u0041`, `\ud800x`,
	} {
		_, err := parseAs([]byte(op(`{"op": "mkdir", "path": "good/`+bad+`"}`)), locator.UTF16)
		require.ErrorContains(t, err, "_base64", "%q", bad)
		require.Equal(t, fail.Parse, fail.KindOf(err))
	}
	p, err := parseAs([]byte(op(`{"op": "mkdir", "path": "`+"\uFFFD"+`\ufffd"}`)), locator.UTF16)
	require.NoError(t, err)
	require.Equal(t, editor.Mkdir{Path: "\uFFFD\uFFFD"}, p.Ops[0])
}

func TestErrorNamesOperationAndPath(t *testing.T) {
	_, err := parseAs([]byte(edit(`{"lines": [1, 2], "text": true}`)), locator.UTF16)
	e := fail.Of(err)
	require.Equal(t, "edit", e.Op)
	require.Equal(t, "a.go", e.Path)
	require.Equal(t, "input:1:89: ops[0]: edits[0]: text: want a string, not true: \"true}]}]}\"", e.Message)
}
