package editor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	engine "github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
)

// sealByHand writes a sealed intent of one step that emend itself would never
// write.
func sealByHand(t *testing.T, root string, st wal.Step, after []byte) {
	t.Helper()
	w, err := engine.OpenWorkspace(context.Background(), root, engine.WorkspaceOptions{})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Ensure(context.Background()))
	require.NoError(t, w.Log.Acquire(context.Background(), 0, nil))
	defer w.Log.Release()
	g, err := w.Log.Begin(wal.Begin{Label: "by hand"})
	require.NoError(t, err)
	defer g.Done()
	require.NoError(t, g.Step(&st))
	if st.HasAfter {
		require.NoError(t, g.Data(st.N, wal.After, 0, after))
	}
	require.NoError(t, g.Seal())
	require.NoError(t, w.Log.Sync())
}

// someID is the ID of no intent.
const someID = "00000000000000000000000001"

// TestRecordsOfSiblingsAreInputToo: what a record names is removed where it is a
// sibling of that intent, in a directory inside the root, and nowhere else.
func TestRecordsOfSiblingsAreInputToo(t *testing.T) {
	top := t.TempDir()
	root, out := filepath.Join(top, "root"), filepath.Join(top, "out")
	for _, d := range []string{root + "/d", root + "/.git", out} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	require.NoError(t, os.Symlink("../out", root+"/evil"))
	_, err := applyIn(root, editor.Create{Path: "x", Content: []byte("x")})
	require.NoError(t, err)
	sibling := "/.emend-" + someID + "-0.a"
	stay := []string{out + sibling, root + "/.git" + sibling, root + "/d/.emend-" + someID, root + "/d/f",
		root + "/d/.emend-" + strings.Replace(someID, "1", "2", 1) + "-0.a"}
	goes := []string{root + sibling, root + "/d" + sibling}
	for _, f := range append(stay, goes...) {
		require.NoError(t, os.WriteFile(f, nil, 0o644))
	}
	for i, home := range []string{"../out", "evil", ".git", "", "nowhere", out, ".", "d"} {
		require.NoError(t, os.WriteFile(fmt.Sprintf("%s/.emend/stage/%s-%d.s", root, someID, i), []byte(home), 0o600))
	}
	_, err = recovery.Run(context.Background(), root, recovery.Options{})
	require.NoError(t, err)
	for _, f := range stay {
		require.FileExists(t, f)
	}
	for _, f := range goes {
		require.NoFileExists(t, f)
	}
	left, err := os.ReadDir(root + "/.emend/stage")
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestPlansDoNotTouchSiblings: they are emend's own, wherever they are.
func TestPlansDoNotTouchSiblings(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{".emend-" + someID + "-0.a", ".EMEND-" + someID + "-17.b"} {
		for _, p := range []string{name, "d/" + name, name + "/f"} {
			_, err := applyIn(root, editor.Create{Path: p, Content: []byte("x")})
			require.Equal(t, fail.PathEscape, fail.KindOf(err), p)
		}
	}
	_, err := applyIn(root, editor.Create{Path: ".emend-notes-0.a", Content: []byte("x")})
	require.NoError(t, err)
}

func stateOfText(text string) wal.State {
	h := hashing.NewHasher()
	_, _ = h.Write([]byte(text))
	return wal.State{Kind: vfs.Regular, Hash: h.Raw(), Norm: h.Norm(), Size: int64(len(text)), Meta: wal.Meta{Mode: 0o644}}
}

// TestLesson43TheLogIsInputToo: paths read back from the log left the root.
func TestLesson43TheLogIsInputToo(t *testing.T) {
	steps := map[string]wal.Step{}
	for _, p := range []string{"../out/f", "d/../../out/f", "..", "/etc/f", ".git/config", ".emend/wal.log", "d/.GIT/f", "", ".", "d//f", "d/./f", "x\x00"} {
		steps["path "+p] = wal.Step{Path: p, LinkOf: -1}
		steps["from "+p] = wal.Step{Path: "new", DirFrom: p, LinkOf: -1}
	}
	delete(steps, "from ") // is no rename
	for _, p := range []string{"../out", "..", "/etc", ".git", ".emend", "d/f", "d/f/x", "other", "d/", "./d"} {
		steps["siblings in "+p] = wal.Step{Path: "d/f", Sibling: p, LinkOf: -1}
	}
	steps["a sibling"] = wal.Step{Path: "d/.emend-" + someID + "-0.a", LinkOf: -1}
	steps["link to nowhere"] = wal.Step{Path: "f", LinkOf: 7}
	steps["link to itself"] = wal.Step{Path: "f", LinkOf: 0}
	steps["through a link"] = wal.Step{Path: "evil/f", LinkOf: -1}
	for name, st := range steps {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			root, out := filepath.Join(top, "root"), filepath.Join(top, "out")
			for _, d := range []string{root + "/d", root + "/.git", out} {
				require.NoError(t, os.MkdirAll(d, 0o755))
			}
			for _, f := range []string{root + "/.git/config", out + "/f"} {
				require.NoError(t, os.WriteFile(f, []byte("before"), 0o644))
			}
			require.NoError(t, os.Symlink("../out", root+"/evil"))
			st.Before, st.After, st.HasAfter = stateOfText("before"), stateOfText("after"), true
			sealByHand(t, root, st, []byte("after"))
			requireUntouched := func() {
				for _, f := range []string{root + "/.git/config", out + "/f"} {
					b, err := os.ReadFile(f)
					require.NoError(t, err)
					require.Equal(t, "before", string(b))
				}
				entries, err := os.ReadDir(out)
				require.NoError(t, err)
				require.Len(t, entries, 1)
			}
			for _, policy := range []recovery.Policy{recovery.Auto, recovery.PolicyForward, recovery.PolicyBack} {
				_, err := recovery.Run(context.Background(), root, recovery.Options{Policy: policy})
				if name != "through a link" { // where a person may look at what is parked
					require.Contains(t, []fail.Kind{fail.PathEscape, fail.LogCorrupt}, fail.KindOf(err), err)
				}
				requireUntouched()
			}
			_, err := applyIn(root, editor.Create{Path: "new", Content: []byte("x")})
			if name != "through a link" {
				require.Error(t, err)
			}
			requireUntouched()
		})
	}
}

// TestPlantedEmend: an .emend that somebody else could have made is not read.
func TestPlantedEmend(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, root, emend, elsewhere string){
		"link":      func(t *testing.T, _, emend, to string) { require.NoError(t, os.Symlink(to, emend)) },
		"file":      func(t *testing.T, _, emend, _ string) { require.NoError(t, os.WriteFile(emend, nil, 0o600)) },
		"shared":    func(t *testing.T, _, emend, _ string) { made(t, emend); require.NoError(t, os.Chmod(emend, 0o770)) },
		"log link":  func(t *testing.T, _, emend, to string) { made(t, emend); link(t, to+"/log", emend+"/wal.log") },
		"lock link": func(t *testing.T, _, emend, to string) { made(t, emend); link(t, to+"/log", emend+"/lock") },
		"slots link": func(t *testing.T, _, emend, to string) {
			made(t, emend)
			link(t, to, emend+"/stage")
		},
		"shared log": func(t *testing.T, _, emend, _ string) {
			made(t, emend)
			require.NoError(t, os.WriteFile(emend+"/wal.log", nil, 0o600))
			require.NoError(t, os.Chmod(emend+"/wal.log", 0o666))
		},
		"owner": func(t *testing.T, _, emend, _ string) {
			made(t, emend)
			if err := os.Chown(emend, 1234, 1234); err != nil {
				t.Skipf("skipped: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, elsewhere := t.TempDir(), t.TempDir()
			require.NoError(t, os.WriteFile(elsewhere+"/log", []byte("theirs"), 0o600))
			plant(t, root, root+"/.emend", elsewhere)
			_, err := applyIn(root, editor.Create{Path: "new", Content: []byte("x")})
			require.Equal(t, fail.Permission, fail.KindOf(err), err)
			require.NoFileExists(t, root+"/new")
			b, err := os.ReadFile(elsewhere + "/log")
			require.NoError(t, err)
			require.Equal(t, "theirs", string(b))
			entries, err := os.ReadDir(elsewhere)
			require.NoError(t, err)
			require.Len(t, entries, 1)
		})
	}
}

func made(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
}

func link(t *testing.T, target, name string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, name))
}

// TestTheOwnersEmend: root works in somebody's workspace, with their .emend.
func TestTheOwnersEmend(t *testing.T) {
	root := t.TempDir()
	made(t, root+"/.emend")
	for _, p := range []string{root, root + "/.emend"} {
		if err := os.Chown(p, 1234, 1234); err != nil {
			t.Skipf("skipped: %v", err)
		}
	}
	_, err := applyIn(root, editor.Create{Path: "new", Content: []byte("x")})
	require.NoError(t, err)
}

// TestReadOnlyFiles are refused unless that is asked for, and stay read-only,
// however they are written.
func TestReadOnlyFiles(t *testing.T) {
	for _, mode := range []editor.WriteMode{editor.WriteAuto, editor.WriteInPlace} {
		root := t.TempDir()
		require.NoError(t, os.WriteFile(root+"/f", []byte(oldText), 0o444))
		write := func(opts ...editor.Option) error {
			ed, err := editor.Open(context.Background(), root, append(opts, editor.WithWrite(mode))...)
			require.NoError(t, err)
			defer ed.Close()
			_, err = ed.Apply(context.Background(), editor.Plan{Ops: []editor.Op{editor.Edit{Path: "f", Edits: find("two", "2")}}})
			return err
		}
		require.Equal(t, fail.ReadOnly, fail.KindOf(write()))
		err := write(editor.WithForceReadOnly())
		if mode == editor.WriteInPlace && os.Geteuid() != 0 {
			require.Equal(t, fail.IdentityLost, fail.KindOf(err), "nobody may write into it")
			continue
		}
		require.NoError(t, err)
		info, err := os.Stat(root + "/f")
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o444), info.Mode())
		b, err := os.ReadFile(root + "/f")
		require.NoError(t, err)
		require.Equal(t, newText, string(b))
	}
}

// applyIn applies ops in the workspace at root.
func applyIn(root string, ops ...editor.Op) (*editor.Result, error) {
	ed, err := editor.Open(context.Background(), root)
	if err != nil {
		return nil, err
	}
	defer ed.Close()
	return ed.Apply(context.Background(), editor.Plan{Ops: ops})
}
