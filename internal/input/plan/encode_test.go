package plan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

func TestEncodedPlansReadTheSame(t *testing.T) {
	x, y := hashing.Raw([]byte("x")), hashing.Norm([]byte("y"))
	for _, p := range []editor.Plan{
		{},
		{Key: "k", Label: "a \"label\" & <more>\u2028"},
		{Ops: []editor.Op{
			editor.Edit{Path: "a", Expect: editor.Expect{Raw: &x, Norm: &y}, Base: []byte{}, Edits: []locator.Edit{
				{Start: 1, End: 2, Text: []byte{}},
				{Lines: &locator.Lines{First: 3, Last: 2}, Text: []byte("\xff\r\n"), Old: []byte{}},
				{Find: []byte("f"), All: true, Text: []byte("\x00"), Old: []byte("f")},
			}},
			editor.Edit{Path: "\xff", Expect: editor.Expect{Norm: &y}},
			editor.Write{Path: "w", Content: []byte("c"), Expect: editor.RawHash(x), Mode: 0o4755},
			editor.Create{Path: "c", Content: []byte{}, Mode: 0o20},
			editor.Create{Path: "e", Content: []byte("\uFFFD"), Mode: editor.ExactMode},
			editor.Delete{Path: "d", Expect: editor.RawHash(x)},
			editor.Rename{From: "f", To: "\xfe", Overwrite: true},
			editor.Chmod{Path: "m", Mode: 0o644},
			editor.Symlink{Path: "l", Target: "t"},
			editor.Mkdir{Path: "dir"},
		}},
	} {
		doc, err := Encode(p)
		require.NoError(t, err)
		got, err := parseAs(doc, locator.UTF16)
		require.NoError(t, err, "%s", doc)
		require.Equal(t, p, got)
	}
}

func TestWhatAPlanCannotSay(t *testing.T) {
	place := func(e locator.Edit) editor.Op { return editor.Edit{Path: "a", Edits: []locator.Edit{e}} }
	for _, op := range []editor.Op{
		editor.Copy{From: "a", To: "b"},
		editor.Rewrite{Path: "a"},
		editor.Chmod{Path: "a", Mode: editor.SetExec},
		editor.Delete{Path: "a", Expect: editor.Expect{GitBlob: []byte("x")}},
		place(locator.Edit{Hunk: &locator.Hunk{}}),
		place(locator.Edit{Units: &locator.Units{}}),
		place(locator.Edit{AtEOF: true}),
	} {
		_, err := Encode(editor.Plan{Ops: []editor.Op{op}})
		require.Equal(t, fail.Unsupported, fail.KindOf(err))
	}
}
