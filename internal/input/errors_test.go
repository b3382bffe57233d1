package input

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	// What is something else holds nothing of what would be looked for.
	{"lsp", "{\"jsonrpc\": \"2.0\", \"result\": {\"changes\": {}}}", "",
		`in.json:1:1: a WorkspaceEdit has changes or documentChanges: "{\"jsonrpc\": \"2.0\",`},
	{"sarif", "{\"version\": \"2.1.0\"}", "", `in.json:1:1: a log has runs: "{\"version\": \"2.1.0\"}"`},
	{"eslint", "{\"metadata\": {}}", "", `in.json:1:1: a report has results: "{\"metadata\": {}}"`},
	// What a tool always prints, and its replacement would delete without.
	{"govet", "# p\n{\"p\": {\"a\": [\n{\"posn\": \"\", \"suggested_fixes\": [{\"edits\": [{\"filename\": \"/w/d/f\", \"start\": 3, \"end\": 4}]}]}]}}", "d/f",
		`in.json:3:1: an edit needs the new text: "{\"posn\": \"\",`},
	{"eslint", "[\n{\"filePath\": \"/w/d/f\", \"messages\": [{\"ruleId\": \"r\", \"fix\": {\"range\": [0, 1]}}], \"source\": \"x\"}]", "d/f",
		`in.json:2:37: r: the fix has no text: "{\"ruleId\": \"r\", `},
	{"ruff", "[\n{\"cell\": null, \"code\": \"F401\", \"filename\": \"/w/d/f\", \"fix\": {\"applicability\": \"safe\", \"edits\": [{" +
		"\"location\": {\"row\": 1, \"column\": 1}, \"end_location\": {\"row\": 1, \"column\": 1}}]}}]", "d/f",
		`in.json:2:1: F401: an edit has no content: "{\"cell\": null, `},
	{"clang", "---\nMainSourceFile: f\nReplacements:\n  - FilePath: /w/d/f\n    Offset: 1\n    Length: 0\n", "d/f",
		`in.json:4:5: ReplacementText is missing: "FilePath: /w/d/f"`},
	{"lsp", "{\"changes\": {\n \"file:///w/d/f\": [\n  {\"newText\": 7}]}}", "d/f",
		`in.json:3:15: newText cannot be a number: want a string: "7}]}}"`},
	{"lsp", "{\"documentChanges\": [{\"textDocument\": {\"uri\": \"file:///w/d/f\"}, \"edits\": [\n  {\"newText\": 7}]}]}", "d/f",
		`in.json:2:15: newText cannot be a number: want a string: "7}]}]}"`},
	{"rustc", "{\"message\":\"m\",\"spans\":[" +
		"{\"file_name\":\"d/f\",\"byte_start\":0,\"byte_end\":1,\"text\":[{\"text\":\"ab\",\"highlight_start\":1,\"highlight_end\":2}],\"suggested_replacement\":\"\",\"suggestion_applicability\":\"MachineApplicable\"}," +
		"{\"file_name\":\"d/f\",\"byte_start\":1,\"byte_end\":2,\"text\":[{\"text\":\"xy\",\"highlight_start\":2,\"highlight_end\":3}],\"suggested_replacement\":\"\",\"suggestion_applicability\":\"MachineApplicable\"}]}", "d/f",
		`in.json:1:1: m: the report shows two different texts of one place, bytes 0-2: "{\"message\":\"m\",`},
	{"sarif", "{\"version\": \"2.1.0\", \"runs\": [{\"results\": [{\"fixes\": [{\"artifactChanges\": [\n" +
		"{\"artifactLocation\": {\"uri\": \"d/f\"}, \"replacements\": [{\"deletedRegion\": {\"byteOffset\": 4294967296, \"startLine\": 1}}]}]}]}]}]}", "d/f",
		`in.json:1:55: the offset of a region is too large: "{\"artifactChanges\": ["`},
	{"apply-patch", "*** Begin Patch\n*** Update File: d/f\n one\nstray\n*** End Patch\n", "d/f",
		`in.json:4:1: want a line that begins with ' ', '-' or '+', or "*** End Patch": "stray"`},
	{"search-replace", "d/f\n<<<<<<< SEARCH\none\n>>>>>>> REPLACE\n", "d/f",
		`in.json:4:1: this marker does not belong here: ">>>>>>> REPLACE"`},
}

// refused is operations of each format that do not fit a workspace with nothing
// but the file "there", and what is said of them: operation, file, place in the
// input, and what is wrong.
var refused = []struct{ format, document, message string }{
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"create\", \"path\": \"there\", \"content\": \"\"}]}", "create there: in:2:10: a file is there already"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"delete\", \"path\": \"f\"}]}", "delete f: in:2:10: there is no such file"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"rename\", \"from\": \"f\", \"to\": \"g\"}]}", "rename f: in:2:10: there is no such file"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"chmod\", \"path\": \"f\", \"mode\": \"0644\"}]}", "chmod f: in:2:10: there is no such file"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"symlink\", \"path\": \"there\", \"target\": \"x\"}]}", "symlink there: in:2:10: a file is there already"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"mkdir\", \"path\": \"there\"}]}", "mkdir there: in:2:10: a file is there already"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"mkdir\", \"path\": \"d\"},\n  {\"op\": \"write\", \"path\": \"d\", \"content\": \"\"}]}", "write d: in:3:3: a directory is not a file"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"edit\", \"path\": \"f\", \"edits\": []}]}", "edit f: in:2:10: there is no such file"},
	{"plan", "{\"emend\": 1,\n \"ops\": [{\"op\": \"edit\", \"path\": \"there\", \"edits\": [\n{\"find\": \"z\", \"text\": \"\"}]}]}",
		"edit there: in:3:1: the text to find is nowhere"},
	{"plan-stream", "{\"emend\": 1}\n{\"op\": \"mkdir\", \"path\": \"d\"}\n{\"op\": \"delete\", \"path\": \"f\"}\n", "delete f: in:3:1: there is no such file"},
	{"diff", "Text\n\n--- /dev/null\n+++ b/there\n@@ -0,0 +1 @@\n+x\n", "create there: in:3:1: a file is there already"},
	{"diff", "Text\ndiff --git a/f b/f\ndeleted file mode 100644\n", "delete f: in:2:1: there is no such file"},
	{"diff", "Text\ndiff --git a/f b/g\nrename from f\nrename to g\n", "rename f: in:2:1: there is no such file"},
	{"diff", "Text\ndiff --git a/f b/g\ncopy from f\ncopy to g\n", "copy f: in:2:1: there is no such file"},
	{"diff", "Text\ndiff --git a/f b/f\nold mode 100644\nnew mode 100755\n", "chmod f: in:2:1: there is no such file"},
	{"diff", "diff --git a/there b/there\nnew file mode 120000\n--- /dev/null\n+++ b/there\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
		"symlink there: in:1:1: a file is there already"},
	{"diff", "Text\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+y\n", "edit f: in:2:1: there is no such file"},
	{"diff", "Text\n--- a/there\n+++ b/there\n@@ -1 +1 @@\n-x\n+y\n", "edit there: in:4:1: bytes 0-4 are not the old text"},
	{"lsp", "{\"documentChanges\": [\n {\"kind\": \"create\", \"uri\": \"file:///w/there\"}]}", "create there: in:2:2: a file is there already"},
	{"lsp", "{\"documentChanges\": [\n {\"kind\": \"delete\", \"uri\": \"file:///w/f\"}]}", "delete f: in:2:2: there is no such file"},
	{"lsp", "{\"documentChanges\": [\n {\"kind\": \"rename\", \"oldUri\": \"file:///w/f\", \"newUri\": \"file:///w/g\"}]}", "rename f: in:2:2: there is no such file"},
	{"lsp", "{\"documentChanges\": [\n {\"textDocument\": {\"uri\": \"file:///w/f\"}, \"edits\": []}]}", "edit f: in:2:2: there is no such file"},
	{"lsp", "{\"changes\": {\n \"file:///w/f\": []}}", "edit f: in:2:17: there is no such file"},
	{"clang", "---\nReplacements:\n  - FilePath: /w/f\n    Offset: 1\n    Length: 0\n    ReplacementText: x\n", "edit f: in:3:5: there is no such file"},
	{"sarif", "{\"version\": \"2.1.0\", \"runs\": [{\"results\": [{\"ruleId\": \"r\", \"fixes\": [\n{\"artifactChanges\": [{\"artifactLocation\":" +
		" {\"uri\": \"f\"}, \"replacements\": [{\"deletedRegion\": {\"startLine\": 1}}]}]}]}]}]}", "edit f: in:2:1: r: there is no such file"},
	{"rustc", "{\"reason\":\"x\"}\n{\"reason\":\"compiler-message\",\"message\":{\"message\":\"m\",\"spans\":[{\"file_name\":\"f\",\"byte_start\":3," +
		"\"byte_end\":4,\"suggested_replacement\":\"\",\"suggestion_applicability\":\"MachineApplicable\"}]}}", "edit f: in:2:1: m: there is no such file"},
	{"govet", "# p\n{\"p\": {\"a\": [\n{\"posn\": \"\", \"suggested_fixes\": [{\"edits\": [{\"filename\": \"/w/f\", \"start\": 3, \"end\": 4, \"new\": \"\"}]}]}]}}",
		"edit f: in:3:1: a: there is no such file"},
	{"ast-grep", "[\n {\"text\": \"x\", \"file\": \"f\", \"replacement\": \"y\", \"range\": {\"byteOffset\": {\"start\": 3, \"end\": 4}}}]",
		"edit f: in:2:2: there is no such file"},
	{"eslint", "[\n{\"filePath\": \"/w/f\", \"messages\": [\n{\"ruleId\": \"r\", \"fix\": {\"range\": [0, 1], \"text\": \"\"}}]}]",
		"edit f: in:3:1: r: there is no such file"},
	{"eslint", "[\n{\"filePath\": \"/w/f\", \"messages\": [], \"source\": \"x\", \"output\": \"y\"}]", "write f: in:2:1: there is no such file"},
	{"ruff", "[\n{\"cell\": null, \"code\": \"F401\", \"filename\": \"/w/f\", \"fix\": {\"applicability\": \"safe\", \"edits\": [{\"content\": \"\"," +
		" \"location\": {\"row\": 1, \"column\": 1}, \"end_location\": {\"row\": 1, \"column\": 2}}]}}]", "edit f: in:2:1: F401: there is no such file"},
	{"apply-patch", "*** Begin Patch\n*** Add File: there\n+x\n*** End Patch\n", "create there: in:2:1: a file is there already"},
	{"apply-patch", "*** Begin Patch\n*** Delete File: f\n*** End Patch\n", "delete f: in:2:1: there is no such file"},
	{"apply-patch", "*** Begin Patch\n*** Update File: f\n@@\n-x\n+y\n*** End Patch\n", "edit f: in:2:1: there is no such file"},
	{"apply-patch", "*** Begin Patch\n*** Add File: g\n+x\n*** Update File: g\n*** Move to: there\n*** End Patch\n",
		"rename there: in:5:1: a file is there already"},
	{"search-replace", "there\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n", "create there: in:2:1: a file is there already"},
	{"search-replace", "f\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", "edit f: in:2:1: there is no such file"},
}

// TestRefusalsShowThePlace goes through all formats.
func TestRefusalsShowThePlace(t *testing.T) {
	tried := map[string]bool{Auto: true}
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "there"), []byte("text"), 0o644))
	for _, c := range refused {
		tried[c.format] = true
		t.Run(c.format, func(t *testing.T) {
			opts := Options{Root: fix.Root{Names: []string{"/w"}}}
			src := &fix.Source{Name: "in", Data: []byte(c.document)}
			plan, err := Parse(c.format, opts, src)
			require.NoError(t, err)
			err = applyPlan(root, plan)
			require.ErrorContains(t, err, c.message)
			if e := fix.Show([]*fix.Source{src}, fail.Of(err)); e.Expected == "" {
				require.Regexp(t, `: ".+"(\.\.\.)?$`, e.Message, e.Origin)
			}
		})
	}
	require.ElementsMatch(t, Formats(), slices.Collect(maps.Keys(tried)))
}

// TestErrorsShowThePlace goes through all formats.
func TestErrorsShowThePlace(t *testing.T) {
	tried := map[string]bool{Auto: true}
	for _, c := range wrong {
		tried[c.format] = true
		t.Run(c.format, func(t *testing.T) {
			opts := Options{Root: fix.Root{Names: []string{"/w"}}}
			plan, err := Parse(c.format, opts, &fix.Source{Name: "in.json", Data: []byte(c.document)})
			if err == nil && plan.More != nil {
				for _, err = range plan.More {
				}
			}
			e := fail.Of(err)
			require.NotNil(t, e)
			require.Contains(t, []fail.Kind{fail.Parse, fail.Conflict}, e.Kind)
			require.Equal(t, c.path, e.Path)
			require.Contains(t, e.Message, c.message)
			require.Regexp(t, `: ".+"(\.\.\.)?$`, e.Message, e.Origin)
		})
	}
	require.ElementsMatch(t, Formats(), slices.Collect(maps.Keys(tried)))
}
