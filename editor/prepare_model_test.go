package editor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// entry is one name of a model workspace.
type entry struct {
	kind vfs.Kind
	text string // of a file; of a link its target
	mode uint32 // of a file or directory
}

func file(text string) entry { return entry{vfs.Regular, text, 0o644} }
func link(to string) entry   { return entry{vfs.Symlink, to, 0} }
func dir() entry             { return entry{vfs.Directory, "", 0o755} }

// model is a workspace as a map, directories included.
type model map[string]entry

// parents adds the directories that the paths of m need.
func (m model) parents() model {
	for p := range maps.Clone(m) {
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			if _, ok := m[d]; !ok {
				m[d] = dir()
			}
		}
	}
	return m
}

const root = "/w"

// tree makes the workspace m on a file system in memory.
func (m model) tree(t require.TestingT) *apply.Tree {
	fs := crashfs.New(crashfs.Options{})
	require.NoError(t, fs.MkdirAll(root, 0o755))
	for _, p := range slices.Sorted(maps.Keys(m)) {
		e, name := m[p], root+"/"+p
		switch e.kind {
		case vfs.Directory:
			require.NoError(t, fs.MkdirAll(name, e.mode))
		case vfs.Symlink:
			require.NoError(t, fs.Symlink(e.text, name))
		default:
			require.NoError(t, fs.WriteFile(name, []byte(e.text), e.mode))
		}
	}
	tree, err := apply.OpenTree(fs, root)
	require.NoError(t, err)
	return tree
}

func (m model) hasChildren(p string) bool {
	for q := range m {
		if strings.HasPrefix(q, p+"/") {
			return true
		}
	}
	return false
}

func (m model) isDir(p string) bool { return p == "." || m[p].kind == vfs.Directory }

// run applies the plan as the documentation describes it, one operation after
// another; false if one is refused. made are directories that nobody asked for.
func (m model) run(plan Plan) bool {
	made := make(map[string]bool)
	for _, op := range plan.Ops {
		if !m.operation(op, made, plan.PruneDirs) {
			return false
		}
	}
	for changed := true; changed; {
		changed = false
		for p := range made {
			if m.isDir(p) && !m.hasChildren(p) {
				delete(m, p)
				delete(made, p)
				changed = true
			}
		}
	}
	return true
}

func (m model) operation(op Op, made map[string]bool, prune bool) bool {
	switch o := op.(type) {
	case Edit:
		e, ok := m[o.Path]
		if !ok || e.kind != vfs.Regular {
			return false
		}
		s := o.Edits[0]
		e.text = e.text[:s.Start] + string(s.Text) + e.text[s.End:]
		m[o.Path] = e
		return true
	case Write:
		e, ok := m[o.Path]
		if !ok {
			return m.put(o.Path, file(string(o.Content)), made)
		}
		e.text = string(o.Content)
		ok = e.kind == vfs.Regular
		m[o.Path] = e
		return ok
	case Create:
		e := file(string(o.Content))
		if o.Mode == Executable {
			e.mode = 0o755
		}
		return m.put(o.Path, e, made)
	case Copy:
		e, ok := m[o.From]
		return ok && e.kind != vfs.Directory && m.put(o.To, e, made)
	case Symlink:
		if m[o.Path].kind == vfs.Symlink {
			delete(m, o.Path)
		}
		return m.put(o.Path, link(o.Target), made)
	case Mkdir:
		if m.isDir(o.Path) {
			delete(made, o.Path)
			return true
		}
		return m.put(o.Path, dir(), made)
	case Chmod:
		e, ok := m[o.Path]
		e.mode = uint32(o.Mode)
		m[o.Path] = e
		delete(made, o.Path)
		return ok && e.kind != vfs.Symlink
	case Delete:
		e, ok := m[o.Path]
		delete(m, o.Path)
		m.pruneFrom(path.Dir(o.Path), prune)
		return ok && e.kind != vfs.Directory
	case Rename:
		return m.rename(o, made, prune)
	}
	return false
}

func (m model) put(p string, e entry, made map[string]bool) bool {
	if _, ok := m[p]; ok {
		return false
	}
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if _, ok := m[d]; ok {
			break
		}
		m[d] = dir()
		made[d] = true
	}
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if !m.isDir(d) {
			return false
		}
	}
	m[p] = e
	return true
}

func (m model) rename(o Rename, made map[string]bool, prune bool) bool {
	e, ok := m[o.From]
	if !ok || o.From == o.To {
		return ok
	}
	if strings.HasPrefix(o.To, o.From+"/") {
		return false
	}
	to, exists := m[o.To]
	moved := model{}
	for p, e := range m {
		if p == o.From || strings.HasPrefix(p, o.From+"/") {
			moved[o.To+strings.TrimPrefix(p, o.From)] = e
			delete(m, p)
			if made[p] {
				delete(made, p)
				made[o.To+strings.TrimPrefix(p, o.From)] = true
			}
		}
	}
	m.pruneFrom(path.Dir(o.From), prune)
	if exists && o.Overwrite && e.kind != vfs.Directory && to.kind != vfs.Directory {
		delete(m, o.To)
	}
	if !m.put(o.To, e, made) {
		return false
	}
	maps.Copy(m, moved)
	return true
}

func (m model) pruneFrom(d string, prune bool) {
	for ; prune && d != "." && !m.hasChildren(d); d = path.Dir(d) {
		delete(m, d)
	}
}

// publish applies changes to m in order, checking what a commit relies on.
func (m model) publish(t require.TestingT, changes []change) {
	disk := maps.Clone(m)
	for i := range changes {
		c := &changes[i]
		require.Equal(t, i, c.N)
		require.NoError(t, apply.CheckPath(c.Path))
		m.move(t, c, &c.Before, &c.After, c.DirFrom, c.Path, c.image(t, disk, changes))
	}
}

// unpublish takes them back.
func (m model) unpublish(t require.TestingT, changes []change, disk model) {
	for _, c := range slices.Backward(changes) {
		to := cmp.Or(c.DirFrom, c.Path)
		from := ""
		if c.DirFrom != "" {
			from = c.Path
		}
		m.move(t, &c, &c.After, &c.Before, from, to, disk[c.disk].text)
	}
}

func (m model) move(t require.TestingT, c *change, before, after *wal.State, dirFrom, p, image string) {
	require.True(t, m.isDir(path.Dir(p)), "no directory for %s", p)
	if dirFrom != "" {
		require.NotContains(t, m, p)
		require.Equal(t, vfs.Directory, m[dirFrom].kind)
		for q, e := range maps.Clone(m) {
			if apply.Below(q, dirFrom) {
				delete(m, q)
				m[p+strings.TrimPrefix(q, dirFrom)] = e
			}
		}
		return
	}
	requireState(t, before, m, p)
	if before.Kind == vfs.Directory && after.Kind != vfs.Directory {
		require.False(t, m.hasChildren(p), "%s is not empty", p)
	}
	delete(m, p)
	switch after.Kind {
	case vfs.Regular:
		m[p] = entry{vfs.Regular, image, after.Meta.Mode}
	case vfs.Symlink:
		m[p] = link(after.Target)
	case vfs.Directory:
		m[p] = entry{vfs.Directory, "", after.Meta.Mode}
	}
	requireState(t, after, m, p)
}

func requireState(t require.TestingT, s *wal.State, m model, p string) {
	e := m[p]
	require.Equal(t, s.Kind, e.kind, p)
	switch s.Kind {
	case vfs.Regular:
		require.Equal(t, hashing.Raw([]byte(e.text)), s.Hash, p)
		require.Equal(t, hashing.Norm([]byte(e.text)), s.Norm, p)
		require.EqualValues(t, len(e.text), s.Size, p)
		require.Equal(t, e.mode, s.Meta.Mode, p)
	case vfs.Symlink:
		require.Equal(t, e.text, s.Target, p)
		require.Equal(t, hashing.Raw([]byte(e.text)), s.Hash, p)
	case vfs.Directory:
		require.Equal(t, e.mode, s.Meta.Mode, p)
	}
}

// image makes the after-image of c from what is on disk before, and checks
// that the log can make both images.
func (c *change) image(t require.TestingT, disk model, changes []change) string {
	before := disk[c.disk]
	changed := c.Before.Kind != c.After.Kind || c.Before.Hash != c.After.Hash
	if c.Before.Kind == vfs.Regular && changed {
		kept := slices.ContainsFunc(changes, func(d change) bool { return d.LinkOf == c.N })
		require.True(t, c.HasBefore || kept || len(c.Edits) > 0, "%s: no before-image", c.Path)
	}
	switch c.source {
	case sourceLiteral:
		require.True(t, c.HasAfter)
		return string(c.content)
	case sourceSplice:
		origin := disk[c.origin].text
		require.Equal(t, hashing.Raw([]byte(origin)), c.originHash)
		after, err := locator.Splice([]byte(origin), spliceOf(c.edits))
		require.NoError(t, err)
		require.NotEqual(t, len(c.Edits) > 0, c.HasAfter, "%s: one way to the after-image", c.Path)
		if len(c.Edits) > 0 {
			require.Equal(t, c.disk, c.origin)
		}
		for i := len(c.Edits) - 1; i >= 0; i-- {
			e := c.Edits[i]
			require.Equal(t, string(e.Old), before.text[e.Start:int(e.Start)+len(e.Old)])
			before.text = before.text[:e.Start] + string(e.New) + before.text[int(e.Start)+len(e.Old):]
		}
		if len(c.Edits) > 0 {
			require.Equal(t, before.text, string(after))
		}
		return string(after)
	case sourceLink:
		old := changes[c.LinkOf]
		require.Equal(t, c.origin, old.disk)
		require.Equal(t, old.Before, c.After)
		require.False(t, c.HasAfter)
		return disk[c.origin].text
	}
	require.False(t, c.HasAfter)
	return before.text
}

// names are few, so that operations meet.
var names = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, "path")
	return strings.Join(parts, "/")
})

func drawModel(t *rapid.T) model {
	m := model{}
	tree := rapid.MapOfN(names, rapid.IntRange(0, 9), 0, 8).Draw(t, "tree")
	for _, p := range slices.Sorted(maps.Keys(tree)) { // in an order that a seed repeats
		what, conflict := tree[p], false
		for q := range m {
			conflict = conflict || apply.Below(q, p) || apply.Below(p, q)
		}
		switch {
		case conflict:
		case what == 9:
			m[p] = link("nowhere")
		case what == 8:
			m[p] = dir()
		default:
			m[p] = entry{vfs.Regular, fmt.Sprintf("file %d\nat %s\n", what%3, p), 0o644}
			if what == 7 {
				m[p] = entry{vfs.Regular, "#!/bin/sh\n", 0o755}
			}
		}
	}
	return m.parents()
}

func drawOp(t *rapid.T, m model, prune bool) Op {
	p := names.Draw(t, "path")
	if len(m) > 0 && rapid.IntRange(0, 3).Draw(t, "there") > 0 {
		p = rapid.SampledFrom(slices.Sorted(maps.Keys(m))).Draw(t, "known")
	}
	e, q := m[p], names.Draw(t, "other")
	text := []byte(rapid.SampledFrom([]string{"", "x", "new\n", "file 1\n"}).Draw(t, "text"))
	follows := e.kind == vfs.Symlink // the model follows no links
	onDir := prune && e.kind == vfs.Directory
	switch k := rapid.IntRange(0, 11).Draw(t, "op"); {
	case k <= 2 && e.kind == vfs.Regular:
		start := rapid.IntRange(0, len(e.text)).Draw(t, "start")
		end := rapid.IntRange(start, len(e.text)).Draw(t, "end")
		return Edit{Path: p, Edits: []locator.Edit{{Start: start, End: end, Text: text}}}
	case k <= 3 && !follows:
		return Write{Path: p, Content: text}
	case k <= 4:
		return Create{Path: p, Content: text}
	case k <= 5 && !onDir:
		return Delete{Path: p}
	case k <= 8 && !onDir:
		return Rename{From: p, To: q, Overwrite: rapid.Bool().Draw(t, "overwrite")}
	case k <= 9 && !follows && !onDir:
		return Chmod{Path: p, Mode: Mode(rapid.SampledFrom([]uint32{0o600, 0o644, 0o755}).Draw(t, "mode"))}
	case k <= 10:
		return Symlink{Path: p, Target: rapid.SampledFrom([]string{"nowhere", "elsewhere"}).Draw(t, "target")}
	case !prune && !follows:
		return Mkdir{Path: p}
	}
	return Copy{From: q, To: p}
}

// throughLink reports whether a path of op passes through a link, which the
// model does not follow.
func throughLink(m model, op Op) bool {
	paths := []string{}
	switch o := op.(type) {
	case Edit:
		paths = append(paths, o.Path)
	case Write:
		paths = append(paths, o.Path)
	case Create:
		paths = append(paths, o.Path)
	case Delete:
		paths = append(paths, o.Path)
	case Rename:
		paths = append(paths, o.From, o.To)
	case Chmod:
		paths = append(paths, o.Path)
	case Symlink:
		paths = append(paths, o.Path)
	case Mkdir:
		paths = append(paths, o.Path)
	case Copy:
		paths = append(paths, o.From, o.To)
	}
	for _, p := range paths {
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			if m[d].kind == vfs.Symlink {
				return true
			}
		}
	}
	return false
}

func drawPlan(t *rapid.T, disk model) Plan {
	plan := Plan{PruneDirs: rapid.Bool().Draw(t, "prune")}
	m := maps.Clone(disk)
	for range rapid.IntRange(1, 7).Draw(t, "ops") {
		op := drawOp(t, m, plan.PruneDirs)
		if throughLink(m, op) || throughLink(disk, op) {
			continue
		}
		next := maps.Clone(disk)
		ops := append(slices.Clone(plan.Ops), op)
		if next.run(Plan{Ops: ops, PruneDirs: plan.PruneDirs}) {
			m, plan.Ops = next, ops
		} else if rapid.IntRange(0, 9).Draw(t, "keep a bad one") == 0 {
			plan.Ops = ops
			return plan
		}
	}
	return plan
}

// TestPrepareAgainstModel applies random plans to a map, one operation after
// another, and the prepared changes to a copy of it, in publish order.
func TestPrepareAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := drawModel(t)
		plan := drawPlan(t, disk)
		want := maps.Clone(disk)
		ok := want.run(plan)
		got, err := prepare(context.Background(), disk.tree(t), plan, prepareOptions{Creator: apply.Creator{Umask: 0o022}})
		if fail.KindOf(err) == fail.Unsupported {
			return
		}
		require.Equal(t, ok, err == nil, "%v", err)
		if err != nil {
			return
		}
		after := maps.Clone(disk)
		after.publish(t, got.changes)
		require.Equal(t, want, after)
		after.unpublish(t, got.changes, disk)
		require.Equal(t, disk, after)
		var diff bytes.Buffer
		require.NoError(t, got.diff(context.Background(), disk.tree(t), &diff))
	})
}
