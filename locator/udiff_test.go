package locator

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func diffText(t *testing.T, old string, spans ...Span) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, UnifiedDiff(&out, "a/f", "b/f", []byte(old), spans))
	return out.String()
}

func TestUnifiedDiff(t *testing.T) {
	const head = "--- a/f\n+++ b/f\n"
	const ten = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
	const noLF = "\\ No newline at end of file\n"
	for _, c := range []struct {
		name, old string
		spans     []Span
		want      string
	}{
		{"nothing", "a\n", nil, ""},
		{"same bytes", "a\n", []Span{{0, 2, []byte("a\n")}}, ""},
		{"one byte", "a\nbc\nd\n", []Span{{2, 3, []byte("x")}}, head + "@@ -1,3 +1,3 @@\n a\n-bc\n+xc\n d\n"},
		{"create", "", []Span{{0, 0, []byte("a\nb\n")}}, head + "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"empty", "a\n", []Span{{0, 2, nil}}, head + "@@ -1 +0,0 @@\n-a\n"},
		{"context", ten, []Span{{8, 9, []byte("x")}}, head + "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		{"two hunks", ten, []Span{{0, 1, []byte("x")}, {18, 20, []byte("y")}},
			head + "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-10\n+y\n"},
		{"near changes share a hunk", ten, []Span{{0, 1, []byte("x")}, {14, 15, []byte("y")}},
			head + "@@ -1,10 +1,10 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n 9\n 10\n"},
		{"later hunks shift", ten, []Span{{0, 0, []byte("0\n")}, {18, 21, nil}},
			head + "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -7,4 +8,3 @@\n 7\n 8\n 9\n-10\n"},
		{"newline goes", "a\nb\n", []Span{{3, 4, nil}}, head + "@@ -1,2 +1,2 @@\n a\n-b\n+b\n" + noLF},
		{"newline comes", "a\nb", []Span{{3, 3, []byte("\n")}}, head + "@@ -1,2 +1,2 @@\n a\n-b\n" + noLF + "+b\n"},
		{"context without newline", "a\nb", []Span{{0, 1, []byte("x")}}, head + "@@ -1,2 +1,2 @@\n-a\n+x\n b\n" + noLF},
		{"joined lines", "a\nb\nc\n", []Span{{1, 2, nil}}, head + "@@ -1,3 +1,2 @@\n-a\n-b\n+ab\n c\n"},
		{"CR stays", "a\r\nb\r\n", []Span{{0, 1, []byte("x")}}, head + "@@ -1,2 +1,2 @@\n-a\r\n+x\r\n b\r\n"},
		{"whole file", "a\nb\nc\nd\n", []Span{{0, 8, []byte("a\nx\nc\ny\nd\n")}},
			head + "@@ -1,4 +1,5 @@\n a\n-b\n+x\n c\n+y\n d\n"},
		{"two inserts at the end", "a\n", []Span{{2, 2, []byte("x")}, {2, 2, []byte("y")}},
			head + "@@ -1 +1,2 @@\n a\n+xy\n" + noLF},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, diffText(t, c.old, c.spans...)) })
	}
}

func TestUnifiedDiffOfTextsWithLittleInCommon(t *testing.T) {
	var old, text strings.Builder
	for i := range 3 * maxLineEdits {
		fmt.Fprintf(&old, "old %d\n", i)
		fmt.Fprintf(&text, "new %d\n", i)
	}
	got := diffText(t, old.String(), Span{0, old.Len(), []byte(text.String())})
	require.Equal(t, 1, strings.Count(got, "\n@@"))
	require.Equal(t, 3*maxLineEdits, strings.Count(got, "\n-old"))
}

func TestHeaderNames(t *testing.T) {
	for name, want := range map[string]string{
		"a/file":       "a/file",
		"/dev/null":    "/dev/null",
		"a/ä":          "a/ä",
		"a/b c":        "a/b c\t",
		"a/t\tab":      `"a/t\tab"`,
		"a/q\"\\ \n\r": `"a/q\"\\ \n\r"`,
		"a/\xff é":     `"a/\377 \303\251"`,
		"a/\x01\x7f é": `"a/\001\177 é"`,
		"\a\b\v\f":     `"\a\b\v\f"`,
	} {
		require.Equal(t, want, headerName(name))
	}
}

// randomLines returns few different short lines, the last perhaps open.
func randomLines(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.Intn(30) {
		b.WriteString([]string{"a", "b", "\t c", "", "d\r", "e"}[rng.Intn(6)] + "\n")
	}
	if rng.Intn(3) == 0 {
		b.WriteString("end")
	}
	return b.String()
}

func randomScript(rng *rand.Rand) *script {
	s := make(script, rng.Intn(60))
	for i := range s {
		s[i] = "\n\nab\x00\x01\x02\x03c"[rng.Intn(9)]
	}
	return &s
}

// TestOtherToolsApplyTheDiff gives diffs to git apply and to patch.
func TestOtherToolsApplyTheDiff(t *testing.T) {
	rounds := 10
	if os.Getenv("EMEND_LONG") != "" {
		rounds = 2000
	}
	for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn"}, {"patch", "-s", "-p1", "--binary", "-i"}} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skip(tool[0] + " is not installed")
			}
			for round := range rounds {
				applyDiff(t, tool, rand.New(rand.NewSource(int64(round))))
			}
		})
	}
}

// applyDiff lets tool patch several files at once: processes cost more than
// files.
func applyDiff(t *testing.T, tool []string, rng *rand.Rand) {
	dir := t.TempDir()
	var patch bytes.Buffer
	want := make(map[string]string)
	for i := range 20 {
		name := []string{"f", "with space ", "\xffraw", "q\"uote\\", "tab\t"}[i%5] + fmt.Sprint(i)
		old := "x" + randomLines(rng) // never empty: that would be a create
		spans := randomScript(rng).sortedSpans(len(old), 10)
		if i%3 == 0 {
			spans = []Span{{0, len(old), []byte(randomLines(rng))}}
		}
		after, err := Splice([]byte(old), spans)
		require.NoError(t, err)
		if len(after) == 0 {
			continue // or a delete
		}
		var diff bytes.Buffer
		require.NoError(t, UnifiedDiff(&diff, "a/"+name, "b/"+name, []byte(old), spans))
		require.Equal(t, old == string(after), diff.Len() == 0)
		if diff.Len() > 0 {
			fmt.Fprintf(&patch, "diff --git %s %s\n%s", QuoteGit("a/"+name), QuoteGit("b/"+name), diff.Bytes())
		}
		want[name] = string(after)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(old), 0o644))
	}
	patchFile := filepath.Join(t.TempDir(), "patch")
	require.NoError(t, os.WriteFile(patchFile, patch.Bytes(), 0o644))
	cmd := exec.Command(tool[0], append(tool[1:], patchFile)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, patch.String())
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, text, string(got), "%q\n%s", name, patch.String())
	}
}

// FuzzLineChanges checks that the line changes do what the spans do, and are
// whole lines that differ.
func FuzzLineChanges(f *testing.F) {
	f.Add([]byte("a\nb\nc\n"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"))
	f.Fuzz(checkLineChanges)
}

func checkLineChanges(t *testing.T, old, text []byte) {
	old = bytes.Map(func(r rune) rune { return rune("ab\n"[r%3]) }, old)
	s := script(text)
	for _, spans := range [][]Span{s.sortedSpans(len(old), 20), {{0, len(old), text}}} {
		want, err := Splice(old, spans)
		require.NoError(t, err)
		changes, err := lineChanges(old, spans)
		require.NoError(t, err)
		got, err := Splice(old, changes)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		got, err = Splice(old, Diff(old, want))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		for _, c := range changes {
			require.NotEqual(t, string(old[c.Start:c.End]), string(c.Text))
			require.True(t, c.Start == 0 || old[c.Start-1] == '\n')
			require.True(t, c.End == len(old) || c.insert() || old[c.End-1] == '\n')
		}
	}
}
