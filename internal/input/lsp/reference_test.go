package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// reference applies the edits of every case with the reference implementation;
// null where it refuses them.
const reference = `
const { TextDocument } = require('vscode-languageserver-textdocument');
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(c => {
  try {
    return TextDocument.applyEdits(TextDocument.create('file:///w/f', 'plain', 1, c.text), c.edits);
  } catch (e) {
    return null;
  }
})));`

type refCase struct {
	Text  string    `json:"text"`
	Edits []refEdit `json:"edits"`
}

type refEdit struct {
	Range struct {
		Start refPosition `json:"start"`
		End   refPosition `json:"end"`
	} `json:"range"`
	NewText string `json:"newText"`
}

type refPosition struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// TestReference compares random documents and edits with the implementation
// that the protocol's authors publish, wherever its result is defined.
func TestReference(t *testing.T) {
	dir := installReference(t)
	rnd := rand.New(rand.NewPCG(7, 3))
	cases := make([]refCase, 4000)
	for i := range cases {
		cases[i] = randomCase(rnd)
	}
	wants := runReference(t, dir, cases)
	defined := 0
	for i, c := range cases {
		got, err := applyCase(t, c)
		switch {
		case wants[i] == nil: // it refuses only what overlaps, and an insert listed behind a replacement at its start
		case err != nil:
			require.True(t, insideCharacter(c), "%v\n%+v", err, c)
		default:
			defined++
			require.Equal(t, *wants[i], got, "%+v", c)
		}
	}
	require.Greater(t, defined, len(cases)/2)
}

// installReference returns a directory in which node finds the reference.
func installReference(t *testing.T) string {
	if testing.Short() {
		t.Skip("vscode-languageserver-textdocument is installed from npm: not in short mode")
	}
	dir := filepath.Join(os.TempDir(), "emend-lsp-reference")
	if _, err := os.Stat(filepath.Join(dir, "node_modules/vscode-languageserver-textdocument")); err == nil {
		return dir
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "vscode-languageserver-textdocument@1.0.16")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("vscode-languageserver-textdocument cannot be installed from npm: %v\n%s", err, out)
	}
	return dir
}

func runReference(t *testing.T, dir string, cases []refCase) []*string {
	in, err := json.Marshal(cases)
	require.NoError(t, err)
	cmd := exec.Command("node", "-e", reference)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(in))
	out, err := cmd.Output()
	require.NoError(t, err)
	var wants []*string
	require.NoError(t, json.Unmarshal(out, &wants))
	return wants
}

// pieces make documents with every kind of line end and width of character.
var pieces = []string{"a", "bc", "é", "日", "😀", " ", "\t", "\n", "\n", "\r\n", "\r", "\u2028", "e\u0301"}

func randomText(rnd *rand.Rand, most int) string {
	var b strings.Builder
	for range rnd.IntN(most) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

// randomCase returns a document and edits that mostly do not overlap.
func randomCase(rnd *rand.Rand) refCase {
	c := refCase{Text: randomText(rnd, 30)}
	lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(c.Text), "\n") + 1
	position := func() refPosition {
		if rnd.IntN(20) == 0 {
			return refPosition{Line: lines}
		}
		return refPosition{rnd.IntN(lines), rnd.IntN(9)}
	}
	for range 1 + rnd.IntN(3) {
		var e refEdit
		e.Range.Start, e.Range.End = position(), position()
		if s, n := e.Range.Start, e.Range.End; n.Line < s.Line || n.Line == s.Line && n.Character < s.Character {
			e.Range.Start, e.Range.End = n, s
		}
		if rnd.IntN(3) == 0 {
			e.Range.End = e.Range.Start
		}
		e.NewText = randomText(rnd, 4)
		c.Edits = append(c.Edits, e)
	}
	return c
}

// applyCase reads the edits as a WorkspaceEdit and applies them.
func applyCase(t *testing.T, c refCase) (string, error) {
	edits, err := json.Marshal(c.Edits)
	require.NoError(t, err)
	report := fmt.Sprintf(`{"documentChanges":[{"textDocument":{"uri":"file:///w/f","version":null},"edits":%s}]}`, edits)
	plan, err := Parse(&fix.Source{Data: []byte(report)}, Options{Root: fix.Root{Names: []string{"/w"}}})
	require.NoError(t, err)
	located, err := locator.Locate([]byte(c.Text), plan.Ops[0].(editor.Edit).Edits)
	if err != nil {
		return "", err
	}
	out, err := locator.Splice([]byte(c.Text), located.Spans)
	return string(out), err
}

// insideCharacter reports whether a position of c is between the halves of a
// surrogate pair, where the reference makes text that is not Unicode.
func insideCharacter(c refCase) bool {
	m := locator.NewMapper([]byte(c.Text))
	for _, e := range c.Edits {
		for _, p := range []refPosition{e.Range.Start, e.Range.End} {
			at := locator.Position{Line: p.Line, Character: p.Character}
			_, _, err := m.RangeToOffsets(locator.Range{Start: at, End: at, Clamp: true})
			if err != nil && strings.Contains(err.Error(), "inside a character") {
				return true
			}
		}
	}
	return false
}
