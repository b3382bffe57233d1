package editor

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/locator"
)

func TestReportOfEveryOperation(t *testing.T) {
	disk := model{"e": file("one"), "w": file("w"), "d": file("d"), "r": file("r"), "m": file("m"), "l": link("x"),
		"bytes\xff": file("b"), "dir/in": file("x")}
	got, err := prepareOn(t, disk, prepareOptions{},
		Rename{From: "r", To: "new/r"}, editOf("e", replaced("one", "n", "N")), Write{Path: "w",
			Expect: RawHash(hashing.Raw([]byte("w")))},
		Create{Path: "c/c"}, Delete{Path: "d"}, Chmod{Path: "m", Mode: 0o4755}, Symlink{Path: "l",
			Target: "y"}, Mkdir{Path: "n/n"},
		Write{Path: "bytes\xff"}, Chmod{Path: "new/r", Mode: 0o600}, Rename{From: "dir", To: "dir2"})
	require.NoError(t, err)
	h := func(s string) string { return hashing.Raw([]byte(s)).String() }
	require.Equal(t, "0600", got.files[0].Perm)
	require.NotEmpty(t, got.files[3].Perm)
	require.Empty(t, got.files[4].Perm)
	require.Equal(t, []FileReport{
		{Path: "new/r", From: "r", Op: "rename", Before: h("r"), After: h("r"), Mode: "0600"},
		{Path: "e", Op: "edit", Before: h("one"), After: h("oNe"), Edits: 1, Anchor: "old"},
		{Path: "w", Op: "write", Before: h("w"), After: h(""), Anchor: "hash"},
		{Path: "c/c", Op: "create", After: h("")},
		{Path: "d", Op: "delete", Before: h("d"), Anchor: "none"},
		{Path: "m", Op: "chmod", Before: h("m"), After: h("m"), Mode: "4755"},
		{Path: "l", Op: "symlink", Before: "link:x", After: "link:y", Anchor: "none"},
		{Path: "n/n", Op: "mkdir", After: "dir"},
		{Path: "bytes\xff", Op: "write", Before: h("b"), After: h(""), Anchor: "none"},
		{Path: "dir2", From: "dir", Op: "rename", Before: "dir", After: "dir"},
	}, withoutPerm(got.files))
	js, err := got.files[8].MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t,
		`{"path_base64":"Ynl0ZXP/","op":"write","before":"`+h("b")+`","after":"`+h("")+`","edits":0,"shifted":0,"anchor":"none"}`, string(js))
	js, err = got.files[0].MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t,
		`{"path":"new/r","from":"r","op":"rename","before":"`+h("r")+`","after":"`+h("r")+`","mode":"0600","edits":0,"shifted":0}`, string(js))
}

// withoutPerm leaves out the modes, which for new files depend on the umask.
func withoutPerm(files []FileReport) []FileReport {
	out := slices.Clone(files)
	for i := range out {
		out[i].Perm = ""
	}
	return out
}

// The digest tells plans apart in every field, and calls equal plans equal.
func TestPlanDigest(t *testing.T) {
	d := hashing.Raw(nil)
	plans := []Plan{{}, {PruneDirs: true}, {Ops: []Op{Mkdir{Path: "a"}}}, {Ops: []Op{Mkdir{Path: "ab"}}},
		{Ops: []Op{Mkdir{Path: "a"}, Mkdir{Path: "b"}}}}
	for _, op := range []Op{
		editOf("a"), Edit{Path: "a", Base: []byte{}}, editOf("a", locator.Edit{}), editOf("a",
			locator.Edit{End: 1}), editOf("a", locator.Edit{Start: 1}),
		editOf("a", locator.Edit{Text: []byte("x")}), editOf("a", locator.Edit{Old: []byte{}}), editOf("a",
			locator.Edit{Find: []byte{}}),
		editOf("a", locator.Edit{All: true}), editOf("a", locator.Edit{Lines: &locator.Lines{}}), editOf("a",
			locator.Edit{Range: &locator.Range{}}),
		editOf("a", locator.Edit{AtEOF: true}), editOf("a", locator.Edit{ByLine: true}), editOf("a", locator.Edit{Range: &locator.Range{Clamp: true}}),
		Edit{Path: "a", Expect: Expect{Raw: &d}}, Edit{Path: "a", Expect: Expect{Norm: &d}}, Edit{Path: "a",
			Expect: Expect{GitBlob: d[:]}},
		Write{Path: "a"}, Write{Path: "a", Mode: ExactMode}, Create{Path: "a"}, Delete{Path: "a"}, Chmod{Path: "a"},
		Rename{From: "a", To: "b"}, Rename{From: "ab"}, Rename{From: "a", To: "b", Overwrite: true}, Copy{From: "a",
			To: "b"},
		Symlink{Path: "a"}, Symlink{Path: "a", New: true}, Rewrite{Path: "a"}, Rewrite{Path: "a", Source: []byte("s")},
	} {
		plans = append(plans, Plan{Ops: []Op{op}})
	}
	seen := make(map[hashing.Digest]int)
	for i, p := range plans {
		d := digestOf(t, p)
		other, dup := seen[d]
		require.False(t, dup, "%v and %v", p, plans[other])
		seen[d] = i
		require.Equal(t, d, digestOf(t, Plan{PruneDirs: p.PruneDirs, More: Plan{Ops: p.Ops}.all()}))
	}
	require.Equal(t, digestOf(t, Plan{Key: "k", Label: "l"}), digestOf(t, Plan{}))
}

func digestOf(t *testing.T, p Plan) hashing.Digest {
	d, err := p.digest()
	require.NoError(t, err)
	return d
}
