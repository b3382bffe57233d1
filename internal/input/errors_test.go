package input

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// wrong is a document of each format with something wrong in it, the file of
// the workspace that it is about ("": it is not known yet), and the whole
// message: input, line, column, what is wrong, and what stands there.
var wrong = []struct{ format, document, path, message string }{
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"delete\", \"path\": \"d/f\", \"force\": true}]}", "d/f",
		`in.json:2:42: ops[0]: unknown field "force": "\"force\": true}]}"`},
	{"plan-stream", "{\"emend\": 1}\n\n{\"op\": \"edit\", \"path\": \"d/f\", \"edits\": 7}\n", "d/f",
		`in.json:3:40: ops[0]: edits: want an array, not a number: "7}"`},
	{"diff", "--- a/d/f\n+++ b/d/f\n@@ -1,2 +1,2 @@\n-one\n+two\nthree\n", "d/f",
		`in.json:6:1: this is not a line of a hunk, and more must come: "three"`},
	{"lsp", "{\"changes\": {\n \"file:///w/d/f\": [\n  {\"newText\": \"x\"}]}}", "d/f",
		`in.json:3:3: an edit needs range and newText: "{\"newText\": \"x\"}]}}"`},
	{"clang", "---\nMainSourceFile: f\nReplacements:\n  - FilePath: /w/d/f\n    Offset: -1\n    Length: 0\n", "d/f",
		`in.json:5:13: Offset: want a whole number, 0 or more: "-1"`},
	{"sarif", "{\"version\": \"2.1.0\", \"runs\": [{\"results\": [{\"fixes\": [{\"artifactChanges\": [\n" +
		"{\"artifactLocation\": {\"uri\": \"d/f\"}, \"replacements\": [{}]}]}]}]}]}", "d/f",
		`in.json:1:55: a replacement needs a deletedRegion: "{\"artifactChanges\": ["`},
	{"rustc", "{\"reason\":\"x\"}\n{\"reason\":\"compiler-message\",\"message\":{\"message\":\"m\",\"spans\":[{\"file_name\":\"d/f\",\"byte_start\":3," +
		"\"byte_end\":1,\"suggested_replacement\":\"\",\"suggestion_applicability\":\"MachineApplicable\"}]}}", "d/f",
		`in.json:2:1: bytes 3-1 are no span: "{\"reason\":\"compiler-message\",`},
	{"govet", "# p\n{\"p\": {\"a\": [\n{\"posn\": \"\", \"suggested_fixes\": [{\"edits\": [{\"filename\": \"/w/d/f\", \"start\": 3}]}]}]}}", "d/f",
		`in.json:3:1: an edit needs start and end, in order: "{\"posn\": \"\",`},
	{"ast-grep", "[\n {\"text\": \"x\", \"file\": \"d/f\", \"replacement\": \"y\", \"range\": {\"byteOffset\": {\"start\": 3, \"end\": 1}}}]", "d/f",
		`in.json:2:2: the byte offsets are not those of the text: "{\"text\": \"x\", `},
	{"eslint", "[\n{\"filePath\": \"/w/d/f\", \"messages\": [{\"ruleId\": \"r\", \"fix\": {\"range\": [3, 1], \"text\": \"\"}}], \"source\": \"x\"}]", "d/f",
		`in.json:2:37: r: the range of the fix is malformed: "{\"ruleId\": \"r\", `},
	{"ruff", "[\n{\"cell\": null, \"code\": \"F401\", \"filename\": \"/w/d/f\", \"fix\": {\"applicability\": \"safe\", \"edits\": [{\"content\": \"\"," +
		" \"location\": {\"row\": 0, \"column\": 1}, \"end_location\": {\"row\": 1, \"column\": 1}}]}}]", "d/f",
		`in.json:2:1: F401: rows and columns count from 1: "{\"cell\": null, `},
	{"apply-patch", "*** Begin Patch\n*** Update File: d/f\n one\nstray\n*** End Patch\n", "d/f",
		`in.json:4:1: want a line that begins with ' ', '-' or '+', or "*** End Patch": "stray"`},
	{"search-replace", "d/f\n<<<<<<< SEARCH\none\n>>>>>>> REPLACE\n", "d/f",
		`in.json:4:1: this marker does not belong here: ">>>>>>> REPLACE"`},
}

// TestErrorsShowThePlace goes through all formats.
func TestErrorsShowThePlace(t *testing.T) {
	tried := []string{Auto}
	for _, c := range wrong {
		tried = append(tried, c.format)
		t.Run(c.format, func(t *testing.T) {
			opts := Options{Root: fix.Root{Names: []string{"/w"}}}
			plan, err := Parse(c.format, opts, &fix.Source{Name: "in.json", Data: []byte(c.document)})
			if err == nil && plan.More != nil {
				for _, err = range plan.More {
				}
			}
			e := fail.Of(err)
			require.NotNil(t, e)
			require.Equal(t, fail.Parse, e.Kind)
			require.Equal(t, c.path, e.Path)
			require.Contains(t, e.Message, c.message)
			require.Regexp(t, `: ".+"(\.\.\.)?$`, e.Message)
		})
	}
	require.ElementsMatch(t, Formats(), tried)
}
