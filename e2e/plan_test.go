package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planned is a native plan under construction: the tree that it is made for,
// its operations, and the tree that they must lead to.
type planned struct {
	before, after tree
	ops           []map[string]any
	file, dir     fs.FileMode // of what is new
}

// fiftyFiles is a plan that touches fifty files with every operation, several
// of them on one file, and text from one byte to a few megabytes.
func fiftyFiles(t *testing.T, rnd *rand.Rand) *planned {
	p := &planned{before: tree{}}
	p.file, p.dir = freshModes(t)
	for d := range 5 {
		p.before[fmt.Sprintf("d%d", d)] = node{mode: p.dir}
		for f := range 10 {
			p.before[fmt.Sprintf("d%d/f%d.txt", d, f)] = node{p.file, randomText(rnd, 1<<rnd.IntN(17))}
		}
	}
	p.before["d0/f0.txt"] = node{p.file, randomText(rnd, 3<<20)} // logged by its edits only
	p.before["d0/link"] = node{fs.ModeSymlink, "f1.txt"}
	p.after = maps.Clone(p.before)

	for f := range 10 {
		p.edit(fmt.Sprintf("d0/f%d.txt", f), rnd)
		p.edit(fmt.Sprintf("d1/f%d.txt", f), rnd)
	}
	for f := range 6 {
		p.remove(fmt.Sprintf("d2/f%d.txt", f))
		p.create(fmt.Sprintf("new/deep/f%d.txt", f), randomText(rnd, 1<<rnd.IntN(17)))
		p.chmod(fmt.Sprintf("d3/f%d.txt", f), 0o750)
		p.rename(fmt.Sprintf("d4/f%d.txt", f), fmt.Sprintf("d4/g%d.txt", f))
	}
	for f := range 3 {
		p.edit(fmt.Sprintf("d4/g%d.txt", f), rnd)     // renamed and edited
		p.write(fmt.Sprintf("d3/f%d.txt", 6+f), "")   // emptied
		p.write(fmt.Sprintf("d2/f%d.txt", 6+f), "w ") // replaced whole
	}
	p.swap("d4/f8.txt", "d4/f9.txt")
	p.symlink("d0/link", "f2.txt")
	return p
}

func randomText(rnd *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "line %016x\n", rnd.Uint64())
	}
	return b.String()[:size]
}

func (p *planned) add(op, path string, fields map[string]any) {
	fields["op"] = op
	if path != "" {
		fields["path"] = path
	}
	p.ops = append(p.ops, fields)
}

// edit inserts at the start, replaces bytes in the middle, cuts the end.
func (p *planned) edit(path string, rnd *rand.Rand) {
	n := p.after[path]
	middle, end := len(n.content)/2, len(n.content)-len(n.content)/8
	text := randomText(rnd, rnd.IntN(100))
	p.add("edit", path, map[string]any{"edits": []map[string]any{
		{"start": 0, "end": 0, "text": "first\n"},
		{"start": middle, "end": middle, "text": text},
		{"start": end, "end": len(n.content), "text": "", "old": n.content[end:]},
	}})
	p.after[path] = node{n.mode, "first\n" + n.content[:middle] + text + n.content[middle:end]}
}

func (p *planned) write(path, content string) {
	p.add("write", path, map[string]any{"content": content})
	p.after[path] = node{p.after[path].mode, content}
}

func (p *planned) create(path, content string) {
	p.add("create", path, map[string]any{"content": content})
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		p.after[dir] = node{mode: p.dir}
	}
	p.after[path] = node{p.file, content}
}

func (p *planned) remove(path string) {
	p.add("delete", path, map[string]any{})
	delete(p.after, path)
}

func (p *planned) chmod(path string, mode fs.FileMode) {
	p.add("chmod", path, map[string]any{"mode": fmt.Sprintf("%04o", mode)})
	p.after[path] = node{mode, p.after[path].content}
}

func (p *planned) rename(from, to string) {
	p.add("rename", "", map[string]any{"from": from, "to": to})
	p.after[to] = p.after[from]
	delete(p.after, from)
}

func (p *planned) swap(a, b string) {
	p.rename(a, a+"~")
	p.rename(b, a)
	p.rename(a+"~", b)
}

func (p *planned) symlink(path, target string) {
	p.add("symlink", path, map[string]any{"target": target})
	p.after[path] = node{fs.ModeSymlink, target}
}

// save writes the plan and returns its name.
func (p *planned) save(t *testing.T) string {
	t.Helper()
	doc, err := json.Marshal(map[string]any{"emend": 1, "label": "fifty files", "ops": p.ops})
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, os.WriteFile(name, doc, 0o666))
	return name
}
