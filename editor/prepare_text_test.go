package editor

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// What an operation on a file takes does not grow with the operations on it
// before: neither where it says a place nor where it looks for one.
func TestManyOperationsOnOneFile(t *testing.T) {
	const line = "0000000 is a line\n"
	var lines strings.Builder
	for i := range 4096 {
		fmt.Fprintf(&lines, "%07d%s", i, line[7:])
	}
	edits := map[string]func(i int) locator.Edit{
		"range": func(i int) locator.Edit {
			at := i*len(line) + i + 11 // one byte more for each before
			return locator.Edit{Start: at, End: at + 1, Text: []byte("no"), Old: []byte("a")}
		},
		"find": func(i int) locator.Edit {
			return locator.Edit{Find: fmt.Appendf(nil, "%07d is a", i), Text: fmt.Appendf(nil, "%07d is no", i)}
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			each := func(n int) uint64 {
				tree := model{"f": file(lines.String())}.tree(t)
				var ops []Op
				for i := range n {
					ops = append(ops, editOf("f", edit(i)))
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				p, err := prepare(t.Context(), tree, Plan{Ops: ops}, prepareOptions{})
				runtime.ReadMemStats(&after)
				require.NoError(t, err)
				require.Len(t, p.changes[0].Edits, n)
				want := strings.Replace(lines.String(), " is a", " is no", n)
				require.Equal(t, hashing.Raw([]byte(want)), p.changes[0].After.Hash)
				return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
			}
			require.Less(t, each(4096), 2*each(512), "bytes an operation")
		})
	}
}

// Texts are held while operations go round in files, as many as there is room
// for: which are held makes no difference.
func TestOperationsInTurn(t *testing.T) {
	disk, want := model{}, model{}
	text := strings.Repeat("0123456789abcdef", textLimit/16/4)
	var ops []Op
	for i := range 6 {
		name := fmt.Sprint("f", i)
		disk[name] = file(text)
		ops = append(ops, editOf(name, locator.Edit{Text: []byte("first ")}))
	}
	for i := range 6 {
		name := fmt.Sprint("f", i)
		want[name] = file(fmt.Sprint("second ", i, text))
		ops = append(ops, editOf(name, locator.Edit{End: 6, Text: fmt.Appendf(nil, "second %d", i), Old: []byte("first ")}))
	}
	requireAfter(t, disk, want, ops...)
}

// What has not been settled yet is, for whoever looks.
func TestOperationsSeeTheEditsBefore(t *testing.T) {
	a := editOf("f", locator.Edit{Text: []byte("1")})
	hash := RawHash(hashing.Raw([]byte("1text")))
	want := model{"f": file("21text")}
	two := Edit{Path: "f", Expect: hash, Edits: []locator.Edit{{Text: []byte("2")}}}
	requireAfter(t, model{"f": file("text")}, want, a, two)
	requireAfter(t, model{"f": file("text")}, model{"f": file("x")}, a, Write{Path: "f", Expect: hash, Content: []byte("x")})
	requireAfter(t, model{"f": file("text")}, model{"f": file("1text"), "g": file("1text")}, a, Copy{From: "f", To: "g"})
	requireAfter(t, model{}, want, Create{Path: "f", Content: []byte("text")}, a, two)

	_, err := prepareOn(t, model{"f": file("text")}, prepareOptions{}, a,
		Edit{Path: "f", Expect: Expect{Untouched: true}, Edits: a.Edits})
	require.Equal(t, fail.Conflict, fail.KindOf(err))
	secret := file("text")
	secret.mode = 0o444
	_, err = prepareOn(t, model{"f": secret}, prepareOptions{}, a, editOf("f", locator.Edit{End: 1}))
	require.Equal(t, fail.ReadOnly, fail.KindOf(err))
}
