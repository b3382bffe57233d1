package input

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/diff"
	"github.com/emend/emend/internal/input/fix"
)

const (
	aPlan = ` {"emend": 1, "ops": [{"op": "mkdir", "path": "d"}]}`
	aDiff = "From: A\n\n--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n"
)

func source(data string) *fix.Source { return &fix.Source{Data: []byte(data)} }

func TestDetect(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"plan", aPlan, "plan"},
		{"plan after a byte order mark", "\xef\xbb\xbf{\"emend\"", "plan"},
		{"broken plan", "{", "plan"},
		{"diff", aDiff, "diff"},
		{"git diff", "diff --git a/f b/f\n", "diff"},
		{"combined diff", "diff --cc f\n", "diff"},
		{"diff with a brace", "{\n" + aDiff, "plan"},
		{"array", "[7]", ""},
		{"report of nothing", "[]\n", "eslint"},
		{"packages with nothing", "# p\n{}\n{}\n", "govet"},
		{"heading", "# {}\n", ""},
		{"stream", `{"emend": 1}` + "\n{}", "plan-stream"},
		{"plan on one line", `{"emend": 1, "ops": []}` + "\n", "plan"},
		{"apply-patch", "\n*** Begin Patch\n", "apply-patch"},
		{"diff in a patch", "*** Begin Patch\n*** Add File: f\n+" + aDiff, "apply-patch"},
		{"search-replace", "Do this:\n\nf\n<<<<<<< SEARCH\n", "search-replace"},
		{"ast-grep", `[ {"text": ""}]`, "ast-grep"},
		{"ast-grep stream", `{"text": ""}` + "\n" + `{"text": ""}`, "ast-grep"},
		{"eslint", `[{"filePath": "f"}]`, "eslint"},
		{"eslint with metadata", `{"results": []}`, "eslint"},
		{"ruff", `[{"cell": null}]`, "ruff"},
		// Names come in any order, with any white space.
		{"lsp", `{"label": "", "changes": {}}`, "lsp"},
		{"sarif", `{"properties": {}, "runs": [], "version": "2.1.0"}`, "sarif"},
		{"rustc", `{"$message_type": "diagnostic", "message": "", "spans": []}`, "rustc"},
		{"rustc, pretty", "{\n  \"children\": [],\n  \"message\": \"\",\n  \"spans\": []\n}", "rustc"},
		{"rustc, of an artifact", `{"$message_type":"artifact","artifact":"/w/t"}`, "rustc"},
		{"rustc, no spans", `{"message": ""}`, "plan"},
		{"cargo", `{"message": {"spans": []}, "reason": "compiler-message"}`, "rustc"},
		{"govet", `{"p": {"a": [{"message": "", "posn": ""}]}}`, "govet"},
		{"ast-grep", `[{"charCount": {"leading": 0}, "file": "", "text": ""}]`, "ast-grep"},
		{"eslint", `[{"errorCount": 0, "filePath": "f"}]`, "eslint"},
		{"ruff without notebooks", `[{"code": "F401", "filename": "f", "location": {}}]`, "ruff"},
		{"name behind a long value", `[{"errorCount": "` + strings.Repeat("x", 1<<20) + `", "filePath": "f"}]`, ""},
		{"blanks in a report of nothing", "[\n]\n", "eslint"},
		{"prose", "hello\n", ""},
		{"empty", "", ""},
		{"NUL", "\x00", ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, err := Detect([]byte(c.data))
			require.Equal(t, c.want, got)
			if c.want == "" {
				require.Equal(t, fail.Parse, fail.KindOf(err))
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, format := range []string{Auto, "plan"} {
		p, err := Parse(format, Options{}, source(aPlan))
		require.NoError(t, err)
		require.Equal(t, editor.Plan{Ops: []editor.Op{editor.Mkdir{Path: "d", Origin: "input:1:23"}}}, p)
	}
	for _, format := range []string{Auto, "diff"} {
		p, err := Parse(format, Options{}, source(aDiff))
		require.NoError(t, err)
		require.True(t, p.PruneDirs)
		require.Equal(t, "f", p.Ops[0].(editor.Edit).Path)
	}
	strip := 1
	_, err := Parse("diff", Options{Diff: diff.Options{Strip: &strip}}, source(aDiff))
	require.ErrorContains(t, err, "nothing remains of the name")
}

func TestUnknownFormatIsUsage(t *testing.T) {
	_, err := Parse("patch", Options{}, source(aDiff))
	require.Equal(t, fail.Usage, fail.KindOf(err))
	require.ErrorContains(t, err, "want auto, lsp, ")
	_, err = Parse("diff", Options{}, source(aPlan))
	require.Equal(t, fail.Parse, fail.KindOf(err))
}
