package input

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// manyOf are documents of as many changes as are asked for: what comes first,
// the i-th change, what stands between two, and what comes last.
var manyOf = map[string]struct {
	head   string
	change func(i int) string
	comma  string
	tail   string
}{
	"plan": {`{"emend": 1, "ops": [`, func(i int) string {
		return fmt.Sprintf(`{"op": "edit", "path": "f%d", "edits": [{"start": %d, "end": %d, "text": "new", "old": "old"}]}`, i%1000, i, i+3)
	}, ",\n", `]}`},
	"plan-stream": {`{"emend": 1}` + "\n", func(i int) string {
		return fmt.Sprintf(`{"op": "edit", "path": "f%d", "edits": [{"start": %d, "end": %d, "text": "new", "old": "old"}]}`, i%1000, i, i+3)
	}, "\n", "\n"},
	"diff": {"", func(i int) string {
		return fmt.Sprintf("diff --git a/f%d b/f%d\n--- a/f%d\n+++ b/f%d\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n", i, i, i, i)
	}, "", ""},
	"lsp": {`{"changes": {"file:///w/f": [`, func(i int) string {
		return fmt.Sprintf(`{"range": {"start": {"line": %d, "character": 0}, "end": {"line": %d, "character": 3}}, "newText": "new"}`, i, i)
	}, ",\n", `]}}`},
	"clang": {"---\nMainSourceFile: /w/f\nDiagnostics:\n", func(i int) string {
		return fmt.Sprintf("  - DiagnosticName: modernize-use-nullptr\n    DiagnosticMessage:\n      Message: use nullptr\n      FilePath: /w/f\n"+
			"      FileOffset: %d\n      Replacements:\n        - FilePath: /w/f\n          Offset: %d\n          Length: 1\n"+
			"          ReplacementText: nullptr\n    Level: Warning\n    BuildDirectory: /w\n", 2*i, 2*i)
	}, "", "...\n"},
	"sarif": {`{"version": "2.1.0", "runs": [{"results": [`, func(i int) string {
		return fmt.Sprintf(`{"ruleId": "r", "message": {"text": "m"}, "fixes": [{"artifactChanges": [{"artifactLocation": {"uri": "f%d"},`+
			` "replacements": [{"deletedRegion": {"startLine": %d, "startColumn": 1, "endColumn": 4}, "insertedContent": {"text": "new"}}]}]}]}`, i%1000, i+1)
	}, ",\n", `]}]}`},
	"rustc": {"", func(i int) string {
		return fmt.Sprintf(`{"$message_type":"diagnostic","message":"m","code":null,"level":"warning","spans":[],"children":[{"message":"h","code":null,`+
			`"level":"help","spans":[{"file_name":"src/lib.rs","byte_start":%d,"byte_end":%d,"text":[{"text":"x;","highlight_start":1,"highlight_end":2}],`+
			`"suggested_replacement":"y","suggestion_applicability":"MachineApplicable"}],"children":[],"rendered":null}],"rendered":"m"}`, 3*i, 3*i+1)
	}, "\n", "\n"},
	"govet": {`{"p": {"a": [`, func(i int) string {
		return fmt.Sprintf(`{"posn": "/w/f.go:%d:1", "message": "m", "suggested_fixes": [{"message": "m", "edits": [`+
			`{"filename": "/w/f.go", "start": %d, "end": %d, "new": "x"}]}]}`, i, 2*i, 2*i+1)
	}, ",\n", `]}}`},
	"ast-grep": {"[", func(i int) string {
		return fmt.Sprintf(`{"text": "foo", "range": {"byteOffset": {"start": %d, "end": %d}}, "file": "f.js", "lines": "foo", "replacement": "bar",`+
			` "replacementOffsets": {"start": %d, "end": %d}, "language": "JavaScript"}`, 4*i, 4*i+3, 4*i, 4*i+3)
	}, ",\n", "]"},
	"eslint": {`[{"filePath": "/w/f.js", "messages": [`, func(i int) string {
		return fmt.Sprintf(`{"ruleId": "semi", "severity": 2, "message": "Missing semicolon.", "line": %d, "column": 1, "fix": {"range": [%d, %d], "text": ";"}}`, i, 3*i, 3*i+1)
	}, ",\n", `]}]`},
	"ruff": {"[", func(i int) string {
		return fmt.Sprintf(`{"cell": null, "code": "F401", "filename": "/w/f.py", "fix": {"applicability": "safe", "edits": [{"content": "x",`+
			` "location": {"row": %d, "column": 1}, "end_location": {"row": %d, "column": 2}}]}, "message": "m"}`, i+1, i+1)
	}, ",\n", "]"},
	"apply-patch": {"*** Begin Patch\n", func(i int) string {
		return fmt.Sprintf("*** Update File: f%d\n@@\n one\n-two\n+TWO\n three\n", i)
	}, "", "*** End Patch\n"},
	"search-replace": {"", func(i int) string {
		return fmt.Sprintf("f%d\n<<<<<<< SEARCH\none\ntwo\n=======\none\nTWO\n>>>>>>> REPLACE\n", i)
	}, "", ""},
}

// large returns a document of a format with at least size bytes.
func large(format string, size int) []byte {
	var b bytes.Buffer
	b.Grow(size + 1<<10)
	m := manyOf[format]
	b.WriteString(m.head)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString(m.comma)
		}
		b.WriteString(m.change(i))
	}
	b.WriteString(m.tail)
	return b.Bytes()
}

const largeEnv = "EMEND_TEST_LARGE" // FORMAT SIZE, for a process of its own

// TestLargeInputs has documents read that are as large as they get, and some
// that are only that: none takes more than a small multiple of its size.
func TestLargeInputs(t *testing.T) {
	if job := os.Getenv(largeEnv); job != "" {
		parseLarge(t, job)
		return
	}
	size := 1 << 20
	if os.Getenv("EMEND_LONG") != "" {
		size = 100 << 20
	}
	for _, format := range Formats()[1:] {
		t.Run(format, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestLargeInputs$", "-test.v")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", largeEnv, format, size))
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			memory := int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
			require.Less(t, memory, 128<<20+20*size)
			t.Logf("%d MiB of input, %d MiB of memory, %.1f s", size>>20, memory>>20, cmd.ProcessState.UserTime().Seconds())
		})
	}
}

func parseLarge(t *testing.T, job string) {
	var format string
	var size int
	_, err := fmt.Sscan(job, &format, &size)
	require.NoError(t, err)
	n, err := readAll(format, large(format, size))
	require.NoError(t, err)
	require.Positive(t, n)
	for _, shape := range []string{"[", `{"a":`, "- ", " ", "a", `"`, "\n", "\x00", "'\n", "diff --git a/f b/f\n"} {
		for _, head := range []string{manyOf[format].head, manyOf[format].head + `"`} {
			runtime.GC()
			_, err := readAll(format, append([]byte(head), bytes.Repeat([]byte(shape), size/len(shape))...))
			require.True(t, err == nil || fail.Of(err) != nil, "%.10q: %v", shape, err)
		}
	}
}

// readAll returns the number of operations.
func readAll(format string, doc []byte) (int, error) {
	plan, err := Parse(format, Options{Root: fix.Root{Names: []string{"/w"}}}, &fix.Source{Data: doc})
	if err != nil || plan.More == nil {
		return len(plan.Ops), err
	}
	n := 0
	for _, err := range plan.More {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
