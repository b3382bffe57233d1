package diff

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
)

// The headers that most malformed patches begin with.
const (
	plainHead  = "--- a/f\n+++ b/f\n"
	gitHead    = "diff --git a/f b/f\n"
	textHead   = gitHead + "index 1111111..2222222 100644\n" + plainHead
	binaryHead = gitHead + "index 1111111111111111111111111111111111111111.." +
		"f70f10e4db19068f79bc43844b49f3eece45c4e8 100644\nGIT binary patch\n" // "A"
)

var malformed = []struct {
	name, patch string
	kind        fail.Kind
	message     string
}{
	{"empty", "", fail.Parse, "no valid patches"},
	{"prose", "hello\nworld\n", fail.Parse, "no valid patches"},
	{"names only", "--- a\n", fail.Parse, "no valid patches"},

	{"hunk without header", "@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "input:1:1: a hunk without a file header"},
	{"hunk after a gap", plainHead + "@@ -1 +1 @@\n-a\n+b\n\n@@ -3 +3 @@\n-a\n+b\n", fail.Parse, "input:7:1: a hunk without"},
	{"header without hunk", plainHead, fail.Parse, "input:3:1: want a hunk"},
	{"prose after header", plainHead + "text\n", fail.Parse, "input:3:1: want a hunk"},
	{"hunk too short", plainHead + "@@ -1,3 +1,3 @@\n a\n-b\n+c\n", fail.Parse, "input:7:1: the patch ends within a hunk"},
	{"hunk too short, another follows", plainHead + "@@ -1,3 +1,3 @@\n a\n-b\n+c\n@@ -9 +9 @@\n-a\n+b\n", fail.Parse,
		"input:7:1: this is not a line of a hunk"},
	{"hunk too long", plainHead + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n+d\n", fail.Parse, "the hunk at line 3 has more lines"},
	{"context too long", plainHead + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n d\n", fail.Parse, "the hunk at line 3 has more lines"},
	{"removal too long", plainHead + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n-d\n", fail.Parse, "the hunk at line 3 has more lines"},
	{"one side too long", plainHead + "@@ -1,2 +1,2 @@\n-a\n-b\n-c\n", fail.Parse, "input:6:1: the line does not fit"},
	{"nothing changes", plainHead + "@@ -1,2 +1,2 @@\n a\n b\n", fail.Parse, "input:3:1: the hunk changes nothing"},
	{"empty hunk", plainHead + "@@ -1,0 +1,0 @@\n", fail.Parse, "input:3:1: the hunk changes nothing"},
	{"cut line", plainHead + "@@ -1 +1 @@\n-a\n+b", fail.Parse, "input:5:1: the patch ends within a line"},
	{"cut header", "diff --git a/f b/f\nrename from f\nrename to g", fail.Parse, "input:3:1: the patch ends within a line"},
	{"no counts", plainHead + "@@ -1, +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"negative", plainHead + "@@ --1 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"signed", plainHead + "@@ -+1 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"huge", plainHead + "@@ -99999999999999999999 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"overflow", plainHead + "@@ -9223372036854775807,9 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"line 0", plainHead + "@@ -0 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: malformed hunk header"},
	{"overlap", plainHead + "@@ -5 +5 @@\n-a\n+b\n@@ -5 +5 @@\n-a\n+b\n", fail.Parse, "input:6:1: the hunk overlaps"},
	{"out of order", plainHead + "@@ -5 +5 @@\n-a\n+b\n@@ -2 +2 @@\n-a\n+b\n", fail.Parse, "input:6:1: the hunk overlaps"},
	{"stray end mark", plainHead + "@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n", fail.Parse, "input:4:1: the mark"},
	{"end mark twice", plainHead + "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n\\ No newline at end of file\n",
		fail.Parse, "input:7:1: the mark"},
	{"line after the end", plainHead + "@@ -1,2 +1 @@\n-a\n\\ No newline at end of file\n-b\n+c\n", fail.Parse,
		"input:6:1: the line does not fit"},
	{"hunk after the end", plainHead + "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n@@ -5 +5 @@\n-a\n+b\n", fail.Parse,
		"input:7:1: a hunk after the end"},

	{"nothing but a header", gitHead, fail.Parse, "input:1:1: the patch changes nothing"},
	{"nothing but an index", gitHead + "index 1111111..2222222 100644\n", fail.Parse, "input:1:1: the patch changes nothing"},
	{"same mode", gitHead + "old mode 100644\nnew mode 100644\n", fail.Parse, "input:1:1: the patch changes nothing"},
	{"new mode only", gitHead + "new mode 100644\n", fail.Parse, "input:1:1: there is a new mode and no old one"},
	{"no name", "diff --git a/f b/g\nold mode 100644\nnew mode 100755\n", fail.Parse, "does not say which file"},
	{"no prefix", "diff --git f f\nold mode 100644\nnew mode 100755\n", fail.Parse, "does not say which file"},
	{"name too short", gitHead + "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "input:2:1: nothing remains of the name"},
	{"two names", "diff --git a/f b/g\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "two names"},
	{"name of another file", gitHead + "--- a/g\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "input:2:1: the header names both"},
	{"other name", gitHead + "rename from f\nrename to g\n--- a/f\n+++ b/h\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "names both"},
	{"half a rename", gitHead + "rename from f\n", fail.Parse, "needs both its names"},
	{"rename to a directory", gitHead + "rename from f\nrename to g/\n", fail.Parse, "input:3:1: \"g/\" is not the name of a file"},
	{"dot in a name", "--- a/./f\n+++ b/./f\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "is not the name of a file"},
	{"empty part of a name", "--- a/d//f\n+++ b/d//f\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "is not the name of a file"},
	{"rename onto itself", gitHead + "rename from f\nrename to f\n", fail.Parse, "onto itself"},
	{"rename and copy", gitHead + "rename from f\ncopy to g\n", fail.Parse, "at once"},
	{"new and deleted", gitHead + "new file mode 100644\ndeleted file mode 100644\n", fail.Parse, "at once"},
	{"hunk without names", gitHead + "@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "input:2:1: want --- and +++"},
	{"one side only", gitHead + "--- a/f\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "both --- and +++"},
	{"null without new", gitHead + "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+b\n", fail.Parse, "input:2:1: /dev/null where no line"},
	{"new without null", gitHead + "new file mode 100644\n--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+b\n", fail.Parse, "input:3:1: want /dev/null"},
	{"both null", "--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+b\n", fail.Parse, "both names are /dev/null"},
	{"new file with old lines", "--- /dev/null\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "input:3:1: a new file depends"},
	{"new file with two hunks", "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+b\n@@ -1,0 +2 @@\n+c\n", fail.Parse, "a new file depends"},
	{"deleted file with new lines", "--- a/f\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", fail.Parse, "a deleted file keeps"},
	{"deleted file in part", "--- a/f\n+++ /dev/null\n@@ -2 +1,0 @@\n-a\n", fail.Parse, "a deleted file keeps"},
	{"bad mode", gitHead + "old mode 100948\n", fail.Parse, "input:2:1: \"100948\" is not a mode"},
	{"directory", gitHead + "new file mode 040000\n", fail.Parse, "not the mode of a file or a link"},
	{"file to link", gitHead + "old mode 100644\nnew mode 120000\n", fail.Parse, "cannot become a link"},
	{"two modes", gitHead + "old mode 100644\nold mode 100755\nnew mode 100755\n", fail.Parse, "input:3:1: the header gives the modes"},
	{"bad index", gitHead + "index 123x..456\n", fail.Parse, "input:2:1: malformed index"},
	{"bad similarity", gitHead + "similarity index many\n", fail.Parse, "input:2:1: malformed similarity"},
	{"bad quotes", gitHead + "rename from \"f\n", fail.Parse, "input:2:1: malformed quoted name"},
	{"bad escape", gitHead + "rename from \"f\\q\"\n", fail.Parse, "input:2:1: malformed quoted name"},
	{"octal too large", gitHead + "rename from \"\\777\"\n", fail.Parse, "input:2:1: malformed quoted name"},
	{"nul in name", gitHead + "rename from \"\\000\"\n", fail.Parse, "input:2:1: malformed quoted name"},
	{"link without target", "diff --git a/l b/l\nnew file mode 120000\nindex 0000000..e69de29\n", fail.Parse, "no target"},

	{"combined", "diff --cc f\nindex 111,222..333\n--- a/f\n+++ b/f\n@@@ -1,1 -1,1 +1,1 @@@\n", fail.Unsupported,
		"input:1:1: this is a combined diff"},
	{"combined, other name", "diff --combined f\n", fail.Unsupported, "input:1:1: this is a combined diff"},
	{"combined hunk", "@@@ -1,1 -1,1 +1,1 @@@\n", fail.Unsupported,
		"input:1:1: this is a combined diff"},
	{"submodule", "diff --git a/m b/m\nindex 1111111..2222222 160000\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n" +
		"-Subproject commit 1111111\n+Subproject commit 2222222\n", fail.Unsupported, "input:2:1: changes of submodules"},
	{"new submodule", "diff --git a/m b/m\nnew file mode 160000\n", fail.Unsupported, "input:2:1: changes of submodules"},
	{"submodule log", "Submodule lib 1111111..2222222:\n  > more\n", fail.Unsupported, "input:1:1: changes of submodules"},
	{"binary without data", gitHead + "index 1111111..2222222 100644\nBinary files a/f and b/f differ\n", fail.Unsupported,
		"input:3:1: the patch does not carry"},
	{"deleted binary without id", gitHead + "deleted file mode 100644\nindex 1111111..0000000\nBinary files a/f and /dev/null differ\n",
		fail.Unsupported, "input:4:1: the patch does not carry"},
	{"binary in a plain diff", "Binary files a/f and b/f differ\n", fail.Unsupported, "input:1:1: the patch does not carry"},

	{"binary without ids", gitHead + "index 1111111..2222222 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n", fail.Parse,
		"input:4:1: a binary patch needs"},
	{"binary without literal", binaryHead + "text\n", fail.Parse, "input:4:1: want literal or delta"},
	{"binary size", binaryHead + "literal x\n", fail.Parse, "input:4:1: malformed size"},
	{"binary too large", binaryHead + "literal 9999999999\n", fail.TooLarge, "input:4:1: a binary patch of 9999999999 bytes"},
	{"binary other size", binaryHead + "literal 1\nHcmV?d00001\n\n", fail.Parse, "input:4:1: corrupt binary patch"},
	{"binary cut", binaryHead + "literal 0\nHcmV?d00001\n", fail.Parse, "input:6:1: corrupt line"},
	{"binary digit", binaryHead + "literal 0\nHcmV?d0000\"\n\n", fail.Parse, "input:5:1: corrupt line"},
	{"binary length", binaryHead + "literal 0\nZcmV?d00001\n\n", fail.Parse, "input:5:1: corrupt line"},
	{"binary not zlib", binaryHead + "literal 0\nH0000000000\n\n", fail.Parse, "input:4:1: corrupt binary patch"},
	{"binary other object", binaryHead + "literal 0\nHcmV?d00001\n\n", fail.Parse, "its content is not the object"},
	{"binary bad way back", gitHead + "deleted file mode 100644\nindex 1111111111111111111111111111111111111111..0000000\n" +
		"GIT binary patch\nliteral 0\nHcmV?d00001\n\nliteral 1\nHcmV?d00001\n\n", fail.Parse, "input:8:1: corrupt binary patch"},
	{"delta", binaryHead + "delta 0\nHcmV?d00001\n\n", fail.Parse, "input:4:1: corrupt delta"},
}

func TestMalformedPatches(t *testing.T) {
	for _, c := range malformed {
		t.Run(c.name, func(t *testing.T) {
			p, err := parse([]byte(c.patch), Options{})
			require.Error(t, err)
			require.Equal(t, c.kind, fail.KindOf(err), "%v", err)
			require.Contains(t, err.Error(), c.message)
			require.Empty(t, p.Ops)
		})
	}
}

func TestErrorNamesFileAndLine(t *testing.T) {
	_, err := parse([]byte(textHead+"@@ -1 +1 @@\n-a\n+b\n"+strings.ReplaceAll(textHead, "/f", "/dir/g")+"@@ -x +1 @@\n"), Options{})
	require.Equal(t, "dir/g", fail.Of(err).Path)
	require.Contains(t, err.Error(), "input:12:1: malformed hunk header")
}

func TestStripMustNotBeNegative(t *testing.T) {
	strip := -1
	_, err := parse([]byte(textHead), Options{Strip: &strip})
	require.Equal(t, fail.Usage, fail.KindOf(err))
}

// Paths and text are bytes: none of them turns into U+FFFD on the way.
func TestLesson08TextAndPathsThatAreNotUTF8(t *testing.T) {
	for _, patch := range []string{
		"--- a/\xff\xfe\n+++ b/\xff\xfe\n@@ -1 +1 @@\n-\xe9\n+\xc3\x28\n",
		"--- \"a/\\377\\376\"\n+++ \"b/\\377\\376\"\n@@ -1 +1 @@\n-\xe9\n+\xc3\x28\n",
		"--- \"a/\xff\xfe\"\n+++ \"b/\xff\xfe\"\n@@ -1 +1 @@\n-\xe9\n+\xc3\x28\n",
	} {
		p, err := parse([]byte(patch), Options{})
		require.NoError(t, err)
		edit := p.Ops[0].(editor.Edit)
		require.Equal(t, "\xff\xfe", edit.Path)
		require.Equal(t, "\xe9\n", string(edit.Edits[0].Old))
		require.Equal(t, "\xc3\x28\n", string(edit.Edits[0].Text))
	}
}

// Hunks that overlap, in one file's patch, never reach a file.
func TestLesson39OverlappingHunks(t *testing.T) {
	_, err := parse([]byte(textHead+"@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -3,2 +3,2 @@\n c\n-d\n+D\n"), Options{})
	require.ErrorContains(t, err, "input:10:1: the hunk overlaps the one before it")
}

// A path is passed on as it is, so that the editor sees what it refuses.
func TestLesson43HostilePathsArePassedOn(t *testing.T) {
	for _, path := range []string{"../../etc/passwd", "/etc/passwd", ".git/config"} {
		p, err := parse([]byte("--- a/"+path+"\n+++ b/"+path+"\n@@ -1 +1 @@\n-a\n+b\n"), Options{})
		require.NoError(t, err)
		require.Equal(t, path, p.Ops[0].(editor.Edit).Path)
	}
}
