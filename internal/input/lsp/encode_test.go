package lsp

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

var root = fix.Root{Names: []string{"/w"}}

// TestEncodeIsWhatParseReads has random changes of random documents written in
// every encoding, and read again.
func TestEncodeIsWhatParseReads(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 4000 {
		text, changed := []byte(randomText(rnd, 30)), []byte(randomText(rnd, 30))
		enc := locator.Encoding(rnd.IntN(3))
		edits := make([]locator.Edit, 0)
		for _, s := range locator.Diff(text, changed) {
			edits = append(edits, locator.Edit{Start: s.Start, End: s.End, Text: s.Text})
		}
		doc, err := Encode([]editor.Op{editor.Edit{Path: "a b/é", Edits: edits}}, root, enc,
			func(string) ([]byte, error) { return text, nil })
		require.NoError(t, err)
		plan, err := Parse(&fix.Source{Data: doc}, Options{Root: root, Encoding: enc})
		require.NoError(t, err, "%s", doc)
		op := plan.Ops[0].(editor.Edit)
		require.Equal(t, "a b/é", op.Path)
		located, err := locator.Locate(text, op.Edits)
		require.NoError(t, err, "%q to %q by %s", text, changed, doc)
		got, err := locator.Splice(text, located.Spans)
		require.NoError(t, err)
		require.Equal(t, string(changed), string(got), "%q by %s", text, doc)
	}
}

// TestEncodeWritesSmallEdits shows what an editor gets to see.
func TestEncodeWritesSmallEdits(t *testing.T) {
	text := "one\ntwo Foo three\r\nfour\n"
	ops := []editor.Op{
		editor.Edit{Path: "a", Edits: []locator.Edit{{Lines: &locator.Lines{First: 1, Last: 3},
			Text: []byte("one\ntwo Bar three\r\nfour\n"), Old: []byte(text)}}},
		editor.Create{Path: "d/n", Content: []byte("<new>\n")},
		editor.Create{Path: "empty"},
		editor.Rename{From: "x", To: "y"},
		editor.Delete{Path: "100%"},
	}
	doc, err := Encode(ops, root, locator.UTF16, func(string) ([]byte, error) { return []byte(text), nil })
	require.NoError(t, err)
	require.Equal(t, `{"documentChanges":[
{"textDocument":{"uri":"file:///w/a","version":null},"edits":[{"range":{"start":{"line":1,"character":4},"end":{"line":1,"character":7}},"newText":"Bar"}]},
{"kind":"create","uri":"file:///w/d/n"},
{"textDocument":{"uri":"file:///w/d/n","version":null},"edits":[{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"newText":"<new>\n"}]},
{"kind":"create","uri":"file:///w/empty"},
{"kind":"rename","oldUri":"file:///w/x","newUri":"file:///w/y"},
{"kind":"delete","uri":"file:///w/100%25"}
]}
`, string(doc))
}

func TestEncodeRefusesWhatTheProtocolCannotSay(t *testing.T) {
	for _, op := range []editor.Op{
		editor.Chmod{Path: "f", Mode: 0o755}, editor.Symlink{Path: "f", Target: "t"}, editor.Mkdir{Path: "f"},
		editor.Write{Path: "f", Content: []byte("\x00")}, editor.Create{Path: "f", Mode: 0o755 | editor.ExactMode},
		editor.Create{Path: "f", Content: []byte("\xff")}, editor.Edit{Path: "f", Edits: []locator.Edit{{Start: 0, End: 1}}},
	} {
		_, err := Encode([]editor.Op{op}, root, locator.UTF16, func(string) ([]byte, error) { return []byte("\xe9"), nil })
		require.Equal(t, fail.Unsupported, fail.KindOf(err), "%T", op)
	}
}
