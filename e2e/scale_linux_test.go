package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is done to however many files: so much memory, and so many open
// files, are enough.
const (
	memoryBound = 300 << 20
	openBound   = 64
)

func long() bool { return os.Getenv("EMEND_LONG") != "" }

// bounded runs the command in root's workspace within the bounds, and returns
// what it printed. It may say that there is something to recover.
func bounded(t *testing.T, root string, stdin *os.File, args ...string) string {
	t.Helper()
	limited := []string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, openBound), binary}
	cmd := exec.Command("sh", append(append(limited, args...), "--root", root)...)
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begun := time.Now()
	err := cmd.Run()
	require.Contains(t, []int{0, 3}, cmd.ProcessState.ExitCode(), "emend %q: %v\n%s", args, err, &stderr)
	memory := int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	require.Less(t, memory, memoryBound, "emend %q", args)
	t.Logf("emend %s: %d MiB, %.1f s of processor time in %.1f s", args[0], memory>>20,
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), time.Since(begun).Seconds())
	return stdout.String()
}

// manyFiles makes a workspace of n files of 8 KiB in many directories, and returns
// it with a plan stream that each file has several operations in, one round after
// another: each changes a line of its own.
func manyFiles(t *testing.T, n, each int) (root, stream string) {
	root = t.TempDir()
	stream = filepath.Join(t.TempDir(), "plan.jsonl")
	f, err := os.Create(stream)
	require.NoError(t, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, `{"emend": 1, "label": "many"}`)
	for i := range n {
		p := filepath.Join(root, manyPath(i))
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(manyText(i, 0)), 0o644))
	}
	for k := range each {
		for i := range n {
			fmt.Fprintf(w, `{"op":"edit","path":%q,"edits":[{"start":%d,"end":%d,"old":"line","text":"LINE"}]}`+"\n",
				manyPath(i), k*manyLine, k*manyLine+4)
		}
	}
	require.NoError(t, w.Flush())
	return root, stream
}

const manyLine = 20 // bytes

func manyPath(i int) string { return fmt.Sprintf("d%03d/f%06d.txt", i%300, i) }

func manyText(i, changed int) string {
	line := fmt.Sprintf("line %07d of file\n", i)[:manyLine-1] + "\n"
	return strings.Repeat("LINE"+line[4:], changed) + strings.Repeat(line, 8192/manyLine-changed)
}

func requireMany(t *testing.T, root string, n, changed int) {
	t.Helper()
	for i := range n {
		b, err := os.ReadFile(filepath.Join(root, manyPath(i)))
		require.NoError(t, err)
		if string(b) != manyText(i, changed) {
			t.Fatalf("%s is not as it should be", manyPath(i))
		}
	}
}

// TestManyFiles does everything to a transaction of many files: 100,000 with
// EMEND_LONG.
func TestManyFiles(t *testing.T) {
	n := 500
	if long() {
		n = 100_000
	}
	root, stream := manyFiles(t, n, 1)
	bounded(t, root, nil, "apply", "--check", stream)
	requireMany(t, root, n, 0)
	id := strings.Fields(bounded(t, root, nil, "apply", stream))[1]
	id = strings.TrimSuffix(id, ":")
	requireMany(t, root, n, 1)
	bounded(t, root, nil, "status")
	require.Contains(t, bounded(t, root, nil, "log"), "many")
	require.Contains(t, bounded(t, root, nil, "show", id), manyPath(n-1))
	bounded(t, root, nil, "undo")
	requireMany(t, root, n, 0)
	bounded(t, root, nil, "redo")
	requireMany(t, root, n, 1)
	bounded(t, root, nil, "fsck")
	bounded(t, root, nil, "undo")

	killHalfWay(t, root, stream)
	bounded(t, root, nil, "recover", "--dry-run", "--json")
	bounded(t, root, nil, "recover")
	requireSettled(t, root)
	b, err := os.ReadFile(filepath.Join(root, manyPath(0)))
	require.NoError(t, err)
	requireMany(t, root, n, strings.Count(string(b), "LINE"))
}

// killHalfWay kills the command when the first file has changed. Where that comes
// too late nothing is left to recover, which is as good.
func killHalfWay(t *testing.T, root, stream string) {
	cmd := exec.Command(binary, "apply", "--root", root, stream)
	require.NoError(t, cmd.Start())
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	for {
		select {
		case err := <-over:
			require.NoError(t, err)
			return
		default:
		}
		b, err := os.ReadFile(filepath.Join(root, manyPath(0)))
		require.NoError(t, err)
		if strings.HasPrefix(string(b), "LINE") {
			require.NoError(t, cmd.Process.Kill())
			<-over
			return
		}
	}
}

// TestManyOperations applies a stream of operations, several a file and in turn:
// a million with EMEND_LONG, over few files and over many.
func TestManyOperations(t *testing.T) {
	shapes := []struct{ files, each int }{{20, 200}, {400, 4}}
	if long() {
		shapes = []struct{ files, each int }{{2_500, 400}, {100_000, 10}}
	}
	for _, s := range shapes {
		t.Run(fmt.Sprintf("%d files %d times", s.files, s.each), func(t *testing.T) {
			root, stream := manyFiles(t, s.files, s.each)
			f, err := os.Open(stream)
			require.NoError(t, err)
			defer f.Close()
			bounded(t, root, f, "apply", "-") // as good as by its name
			requireMany(t, root, s.files, s.each)
			bounded(t, root, nil, "undo")
			requireMany(t, root, s.files, 0)
		})
	}
}

// TestHugeFile edits one place of a file that does not fit the bounds: 2 GiB with
// EMEND_LONG.
func TestHugeFile(t *testing.T) {
	size := int64(memoryBound) + 20<<20
	if long() {
		size = 2 << 30
	}
	root := t.TempDir()
	p := filepath.Join(root, "huge")
	f, err := os.Create(p)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(size))
	plan := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, os.WriteFile(plan, fmt.Appendf(nil,
		`{"emend": 1, "ops": [{"op": "edit", "path": "huge", "edits": [{"start": %d, "end": %d, "text": "here"}]}]}`, size/2, size/2+1), 0o644))
	bounded(t, root, nil, "apply", plan)
	requireHole(t, p, size, "here")
	bounded(t, root, nil, "undo")
	requireHole(t, p, size, "\x00\x00\x00\x00")
}

// requireHole demands that the file has text in its middle, and is as long as that
// makes it.
func requireHole(t *testing.T, name string, size int64, text string) {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	if text == "here" {
		require.Equal(t, size+3, info.Size())
	} else {
		require.Equal(t, size, info.Size())
	}
	b := make([]byte, 4)
	_, err = f.ReadAt(b, size/2)
	require.NoError(t, err)
	require.Equal(t, text, string(b))
}
