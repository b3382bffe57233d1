package diff

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
)

// git runs git in a work tree of its own, whatever the user's configuration.
type git struct {
	t   *testing.T
	dir string
}

func newGit(t *testing.T) git {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	g := git{t, t.TempDir()}
	g.must("init", "-q")
	for _, setting := range []string{"core.autocrlf=false", "core.fileMode=true", "core.symlinks=true", "gc.auto=0"} {
		name, value, _ := strings.Cut(setting, "=")
		g.must("config", name, value)
	}
	return g
}

func (g git) run(stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return out, err
}

func (g git) must(args ...string) []byte {
	g.t.Helper()
	out, err := g.run(nil, args...)
	require.NoError(g.t, err)
	return out
}

// checkout makes the work tree hold exactly t.
func (g git) checkout(t tree) {
	entries, err := os.ReadDir(g.dir)
	require.NoError(g.t, err)
	for _, e := range entries {
		if e.Name() != ".git" {
			require.NoError(g.t, os.RemoveAll(filepath.Join(g.dir, e.Name())))
		}
	}
	for name, n := range t {
		path := filepath.Join(g.dir, name)
		require.NoError(g.t, os.MkdirAll(filepath.Dir(path), 0o755))
		if n.link {
			require.NoError(g.t, os.Symlink(n.data, path))
			continue
		}
		mode := fs.FileMode(0o644)
		if n.exec {
			mode = 0o755
		}
		require.NoError(g.t, os.WriteFile(path, []byte(n.data), mode))
	}
}

// read returns the work tree.
func (g git) read() tree {
	t := tree{}
	err := filepath.WalkDir(g.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || path == g.dir:
			return err
		case e.Name() == ".git":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		name, _ := filepath.Rel(g.dir, path)
		if e.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			t[name] = node{data: target, link: true}
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		t[name] = node{data: string(data), exec: info.Mode()&0o100 != 0}
		return err
	})
	require.NoError(g.t, err)
	return t
}

// store returns the id of t as a tree object.
func (g git) store(t tree) string {
	g.checkout(t)
	g.must("add", "-A")
	return strings.TrimSpace(string(g.must("write-tree")))
}

// flavours are ways to write one diff, and the -p that goes with each.
var flavours = []struct {
	strip int
	args  []string
}{
	{1, nil},
	{1, []string{"-M"}},
	{1, []string{"-M10%", "-C10%", "--find-copies-harder"}},
	{1, []string{"-B10%", "-M10%"}},
	{1, []string{"-U0", "-M"}},
	{1, []string{"-U1", "--full-index", "-C"}},
	{0, []string{"--no-prefix", "-M20%"}},
	{3, []string{"--src-prefix=x/y z/old/", "--dst-prefix=x/y z/new/", "--no-renames"}},
}

// TestAgreesWithGit makes random pairs of trees, lets git write their
// difference in many ways, and compares what the plan makes of the first tree
// with the second, then what plan and git apply make of a tree that has
// drifted.
func TestAgreesWithGit(t *testing.T) {
	g := newGit(t)
	for seed := range rounds(5) {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		before := randomTree(rng)
		after := mutate(rng, before)
		if maps.Equal(before, after) {
			continue
		}
		from, to := g.store(before), g.store(after)
		for _, flavour := range flavours {
			args := append([]string{"diff", "--binary", from, to}, flavour.args...)
			patch := g.must(args...)
			label := fmt.Sprintf("seed %d, git %s\n%s", seed, strings.Join(args, " "), patch)
			got, err := applyPatch(before, patch, flavour.strip)
			if err != nil && slices.Contains(flavour.args, "-B10%") && !g.accepts(before, patch, flavour.strip) {
				continue // with -B git can write what it refuses
			}
			require.NoError(t, err, label)
			require.Equal(t, after, got, label)
		}
		g.compareDrifted(rng, seed, before, g.must("diff", "--binary", "-M", from, to), Options{})
	}
}

// rounds is how often to try something random: n times, or thousands.
func rounds(n int) int {
	if os.Getenv("EMEND_LONG") != "" {
		return 3000
	}
	return n
}

// compareDrifted compares plan and git apply on a tree that is not the one
// that the patch was made for. What the plan takes git takes; what git takes
// without a search the plan takes.
func (g git) compareDrifted(rng *rand.Rand, seed int, before tree, patch []byte, opts Options, flags ...string) {
	drifted := mutate(rng, before)
	got, err := applyWith(drifted, patch, opts)
	g.checkout(drifted)
	out, gitErr := g.run(patch, append([]string{"apply", "--verbose", "-"}, flags...)...)
	label := fmt.Sprintf("seed %d, drifted, git says\n%s\n%s", seed, out, patch)
	if err != nil {
		if gitErr == nil && !bytes.Contains(out, []byte("offset")) {
			require.NoError(g.t, err, label)
		}
		return
	}
	require.NoError(g.t, gitErr, label)
	want := g.read()
	if opts.Reverse {
		want.keepModes(g.t, got, patch, opts)
	}
	require.Equal(g.t, want, got, label)
}

// keepModes gives t the modes of got where the patch leaves the mode as it is.
// Taken back by git such a patch sets the mode of its index line, which only
// says what the file had.
func (t tree) keepModes(tt *testing.T, got tree, patch []byte, opts Options) {
	plan, err := parse(patch, opts)
	require.NoError(tt, err)
	keeps := make(map[string]bool)
	for _, op := range plan.Ops {
		switch op := op.(type) {
		case editor.Edit:
			keeps[op.Path] = true
		case editor.Write:
			keeps[op.Path] = true
		case editor.Rewrite:
			keeps[op.Path] = true
		case editor.Chmod:
			keeps[op.Path] = false
		}
	}
	for path, n := range t {
		if keeps[path] {
			n.exec = got[path].exec
			t[path] = n
		}
	}
}

func (g git) accepts(before tree, patch []byte, strip int) bool {
	g.checkout(before)
	_, err := g.run(patch, "apply", "--check", "--unidiff-zero", fmt.Sprintf("-p%d", strip), "-")
	return err == nil
}

func applyPatch(t tree, patch []byte, strip int) (tree, error) {
	return applyWith(t, patch, Options{Strip: &strip})
}

func applyWith(t tree, patch []byte, opts Options) (tree, error) {
	p, err := parse(patch, opts)
	if err != nil {
		return nil, err
	}
	return t.apply(p)
}

// TestReverseAgreesWithGit takes patches back, from the tree that they make and
// from one that has drifted.
func TestReverseAgreesWithGit(t *testing.T) {
	g := newGit(t)
	for seed := range rounds(6) {
		rng := rand.New(rand.NewPCG(uint64(seed), 6))
		before := randomTree(rng)
		after := mutate(rng, before)
		if maps.Equal(before, after) {
			continue
		}
		from, to := g.store(before), g.store(after)
		for _, flags := range []string{"-M", "-M10% -U1", "--no-renames -U0 --full-index", "-M --no-prefix"} {
			args := append([]string{"diff", "--binary", from, to}, strings.Fields(flags)...)
			patch := g.must(args...)
			opts := Options{Reverse: true, Strip: new(int)}
			if !strings.Contains(flags, "--no-prefix") {
				*opts.Strip = 1
			}
			label := fmt.Sprintf("seed %d, git %s\n%s", seed, strings.Join(args, " "), patch)
			got, err := applyWith(after, patch, opts)
			require.NoError(t, err, label)
			require.Equal(t, before, got, label)
		}
		g.compareDrifted(rng, seed, after, g.must("diff", "--binary", "-M", from, to), Options{Reverse: true}, "-R")
	}
}

// TestDirectoryAgreesWithGit applies patches of a part of the tree.
func TestDirectoryAgreesWithGit(t *testing.T) {
	g := newGit(t)
	for seed := range rounds(5) {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		before := randomTree(rng)
		after := mutate(rng, before)
		if maps.Equal(before, after) {
			continue
		}
		patch := g.must("diff", "--binary", "-M", "-C", g.store(before), g.store(after))
		for _, dir := range []string{"in", "in/a dir/", "in/"} {
			below := func(t tree) tree {
				moved := tree{"beside": {data: "beside\n"}}
				for name, n := range t {
					moved[strings.TrimSuffix(dir, "/")+"/"+name] = n
				}
				return moved
			}
			got, err := applyWith(below(before), patch, Options{Directory: dir})
			label := fmt.Sprintf("seed %d, in %s\n%s", seed, dir, patch)
			require.NoError(t, err, label)
			require.Equal(t, below(after), got, label)
			g.checkout(below(before))
			_, err = g.run(patch, "apply", "--whitespace=nowarn", "--directory="+dir, "-")
			require.NoError(t, err, label)
			require.Equal(t, g.read(), got, label)
		}
	}
}

// TestDamagedPatches changes patches at random. What the plan takes of them git
// takes, and makes the same of it.
func TestDamagedPatches(t *testing.T) {
	g := newGit(t)
	taken := 0
	for seed := range rounds(10) {
		rng := rand.New(rand.NewPCG(uint64(seed), 8))
		before := randomTree(rng)
		after := mutate(rng, before)
		if maps.Equal(before, after) {
			continue
		}
		whole := g.must("diff", "--binary", "-M", g.store(before), g.store(after))
		for range 5 {
			patch := damage(rng, whole)
			got, err := applyPatch(before, patch, 1)
			if err != nil || bytes.Equal(patch, whole) {
				continue
			}
			taken++
			g.checkout(before)
			out, err := g.run(patch, "apply", "--verbose", "-")
			label := fmt.Sprintf("seed %d\n%s\ngit says\n%s", seed, patch, out)
			require.NoError(t, err, label)
			require.Equal(t, g.read(), got, label)
		}
	}
	t.Logf("%d damaged patches apply", taken)
}

// damage drops, doubles, moves or changes lines.
func damage(rng *rand.Rand, patch []byte) []byte {
	lines := bytes.SplitAfter(bytes.Clone(patch), []byte("\n"))
	for range 1 + rng.IntN(2) {
		i, j := rng.IntN(len(lines)), rng.IntN(len(lines))
		switch rng.IntN(5) {
		case 0:
			lines = slices.Delete(lines, i, i+1)
			lines = append(lines, nil)
		case 1:
			lines = slices.Insert(lines, i, lines[j])
		case 2:
			lines[i], lines[j] = lines[j], lines[i]
		case 3:
			if len(lines[i]) > 0 {
				lines[i] = bytes.Clone(lines[i])
				lines[i][rng.IntN(len(lines[i]))] = " +-@\\0123aA/\n"[rng.IntN(13)]
			}
		case 4:
			lines = lines[:i+1]
		}
	}
	return bytes.Join(lines, nil)
}
