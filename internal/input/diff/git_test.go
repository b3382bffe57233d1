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
	for seed := range rounds(15) {
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
		g.compareDrifted(rng, seed, before, g.must("diff", "--binary", "-M", from, to))
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
func (g git) compareDrifted(rng *rand.Rand, seed int, before tree, patch []byte) {
	drifted := mutate(rng, before)
	got, err := applyPatch(drifted, patch, 1)
	g.checkout(drifted)
	out, gitErr := g.run(patch, "apply", "--verbose", "-")
	label := fmt.Sprintf("seed %d, drifted, git says\n%s\n%s", seed, out, patch)
	if err != nil {
		if gitErr == nil && !bytes.Contains(out, []byte("offset")) {
			require.NoError(g.t, err, label)
		}
		return
	}
	require.NoError(g.t, gitErr, label)
	require.Equal(g.t, g.read(), got, label)
}

func (g git) accepts(before tree, patch []byte, strip int) bool {
	g.checkout(before)
	_, err := g.run(patch, "apply", "--check", "--unidiff-zero", fmt.Sprintf("-p%d", strip), "-")
	return err == nil
}

func applyPatch(t tree, patch []byte, strip int) (tree, error) {
	p, err := Parse(patch, &strip)
	if err != nil {
		return nil, err
	}
	return t.apply(p)
}

var pathPool = []string{
	"a", "b", "c.txt", "d/x", "d/y", "d/e/z", "d", "e", "e/f", "sp ace", " lead", "tr ail ", "tab\there", "new\nline",
	`quo"te`, `back\slash`, "\u00fcml\u00e4ut", "\xff\xfe", "dir with space/f", "-dash", "x y/x y",
}

func randomTree(rng *rand.Rand) tree {
	t := tree{}
	for range 2 + rng.IntN(8) {
		_ = t.add(pathPool[rng.IntN(len(pathPool))], randomNode(rng))
	}
	return t
}

func randomNode(rng *rand.Rand) node {
	switch rng.IntN(12) {
	case 0:
		return node{data: fmt.Sprintf("target%d", rng.IntN(9)), link: true}
	case 1:
		return node{}
	case 2:
		data := make([]byte, rng.IntN(3000))
		for i := range data {
			data[i] = byte(rng.Uint32() >> 16 & 0x0f)
		}
		return node{data: string(data) + "\x00"}
	}
	end := "\n"
	if rng.IntN(4) == 0 {
		end = "\r\n"
	}
	var b strings.Builder
	for range 1 + rng.IntN(30) {
		b.WriteString(randomLine(rng) + end)
	}
	return node{data: trimSome(rng, b.String()), exec: rng.IntN(4) == 0}
}

func randomLine(rng *rand.Rand) string {
	return []string{"", "x", "- dash", "-- sql", "+ plus", " blank", "\\ back", "@@ -1 +1 @@", "\xe9", "tab\t",
		fmt.Sprintf("line %d", rng.IntN(1000)), fmt.Sprintf("word %d", rng.IntN(1000))}[rng.IntN(12)]
}

// trimSome takes the last line end away, now and then.
func trimSome(rng *rand.Rand, s string) string {
	if rng.IntN(4) == 0 {
		return strings.TrimSuffix(s, "\n")
	}
	return s
}

func mutate(rng *rand.Rand, before tree) tree {
	t := maps.Clone(before)
	for range 1 + rng.IntN(4) {
		all := slices.Sorted(maps.Keys(t))
		if len(all) == 0 {
			break
		}
		name, other := all[rng.IntN(len(all))], all[rng.IntN(len(all))]
		switch rng.IntN(9) {
		case 0:
			delete(t, name)
		case 1:
			_ = t.add(pathPool[rng.IntN(len(pathPool))], randomNode(rng))
		case 2: // a rename, mostly with an edit
			n := t[name]
			delete(t, name)
			if t.add(pathPool[rng.IntN(len(pathPool))], editNode(rng, n)) != nil {
				t[name] = n
			}
		case 3:
			_ = t.add(pathPool[rng.IntN(len(pathPool))], editNode(rng, t[name]))
		case 4:
			t[name], t[other] = t[other], t[name]
		case 5:
			n := t[name]
			n.exec = !n.exec && !n.link
			t[name] = n
		case 6:
			t[name] = randomNode(rng)
		default:
			t[name] = editNode(rng, t[name])
		}
	}
	return t
}

// editNode changes a few lines.
func editNode(rng *rand.Rand, n node) node {
	if n.link {
		n.data += "x"
		return n
	}
	lines := strings.SplitAfter(n.data, "\n")
	for range rng.IntN(4) {
		i := rng.IntN(len(lines) + 1)
		switch rng.IntN(3) {
		case 0:
			lines = slices.Insert(lines, i, randomLine(rng)+"\n")
		case 1:
			lines = slices.Delete(lines, min(i, len(lines)-1), min(i, len(lines)-1)+1)
			lines = append(lines, "")
		case 2:
			lines[min(i, len(lines)-1)] = randomLine(rng) + "\n"
		}
	}
	n.data = trimSome(rng, strings.Join(lines, ""))
	return n
}
