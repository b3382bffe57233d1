package editor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// images is where a diff takes the bytes of a transaction's steps from.
type images interface {
	// before and after return the bytes of the file in step i.
	before(i int) ([]byte, error)
	after(i int) ([]byte, error)
	// beneath returns what is in a renamed directory: the paths, relative to
	// it, of the files and links, and their states as far as a diff shows them.
	beneath(dir string) (map[string]wal.State, error)
}

// diff writes what the transaction does as a patch that git apply accepts. It
// reads the files again; one that has changed since is a drift.
func (p *prepared) diff(ctx context.Context, tree *apply.Tree, w io.Writer) error {
	return writeDiff(ctx, w, p.steps(), &diskImages{tree: tree, changes: p.changes})
}

// writeDiff writes steps as a git patch, in the order of the plan. Directories
// and owners do not show in it, and of modes only whether a file can be run.
func writeDiff(ctx context.Context, w io.Writer, steps []wal.Step, from images) error {
	patches, err := patchesOf(steps, from)
	if err != nil {
		return err
	}
	for _, p := range patches {
		if err := ctx.Err(); err != nil {
			return fail.Wrap(err, "diff", "")
		}
		if err := p.write(w, from); err != nil {
			return fail.Wrap(err, "diff", cmp.Or(p.newPath, p.oldPath))
		}
	}
	return nil
}

// patch is the diff of one file: what was at oldPath is at newPath.
type patch struct {
	oldPath, newPath string // empty: nothing is there
	old, new         wal.State
	oldStep, newStep int // where the images are; -1: neither is needed
}

// patchesOf pairs the steps into patches.
func patchesOf(steps []wal.Step, from images) ([]patch, error) {
	moves := dirMovesOf(steps)
	order := make([]int, len(steps))
	known := make(map[string]int) // the step of each old path
	for i := range steps {
		order[i] = i
		known[moves.before(steps[i].Path)] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(steps[a].Order, steps[b].Order), cmp.Compare(steps[a].Path, steps[b].Path))
	})
	sourceOf, isSource := renamesOf(steps, known)
	var out []patch
	for _, i := range order {
		st := &steps[i]
		source, isRename := sourceOf[i]
		switch {
		case isSource[i]:
		case isRename:
			out = append(out, patch{st.From, st.Path, steps[source].Before, st.After, source, i})
		case st.DirFrom != "":
			moved, err := movedFiles(st, moves, known, from)
			if err != nil {
				return nil, err
			}
			out = append(out, moved...)
		default:
			out = append(out, stepPatches(st, i, moves.before(st.Path))...)
		}
	}
	return out, nil
}

// renamesOf finds the steps that a patch can show as one rename: nothing stood
// at the new name, and nothing stands at the old one.
func renamesOf(steps []wal.Step, known map[string]int) (sourceOf map[int]int, isSource map[int]bool) {
	sourceOf, isSource = make(map[int]int), make(map[int]bool)
	for i := range steps {
		st := &steps[i]
		s, ok := known[st.From]
		if ok && st.Before.Kind == vfs.Absent && steps[s].After.Kind == vfs.Absent && steps[s].Before.Kind == st.After.Kind {
			sourceOf[i], isSource[s] = s, true
		}
	}
	return sourceOf, isSource
}

// stepPatches returns the patch of one step: two where one kind of thing takes
// the place of another.
func stepPatches(st *wal.Step, i int, oldPath string) []patch {
	shown := func(k vfs.Kind) bool { return k == vfs.Regular || k == vfs.Symlink }
	if st.Before.Kind == st.After.Kind && shown(st.Before.Kind) {
		return []patch{{oldPath, st.Path, st.Before, st.After, i, i}}
	}
	var out []patch
	if shown(st.Before.Kind) {
		out = append(out, patch{oldPath, "", st.Before, wal.State{}, i, i})
	}
	if shown(st.After.Kind) {
		out = append(out, patch{"", st.Path, wal.State{}, st.After, i, i})
	}
	return out
}

// movedFiles returns the patches of what moves with a directory and has no
// step of its own.
func movedFiles(st *wal.Step, moves dirMoves, known map[string]int, from images) ([]patch, error) {
	files, err := from.beneath(st.DirFrom)
	if err != nil {
		return nil, fail.Wrap(err, "diff", st.DirFrom)
	}
	var out []patch
	for name, state := range files {
		old := st.DirFrom + "/" + name
		if _, ok := known[old]; !ok && moves.taking(old) == st {
			out = append(out, patch{old, st.Path + "/" + name, state, state, -1, -1})
		}
	}
	slices.SortFunc(out, func(a, b patch) int { return cmp.Compare(a.oldPath, b.oldPath) })
	return out, nil
}

// dirMoves are the renamed directories among some steps.
type dirMoves []*wal.Step

func dirMovesOf(steps []wal.Step) dirMoves {
	var moves dirMoves
	for i := range steps {
		if steps[i].DirFrom != "" {
			moves = append(moves, &steps[i])
		}
	}
	return moves
}

// before returns where path stood before the steps: beneath a renamed directory
// that is under its old name.
func (m dirMoves) before(path string) string {
	for _, st := range m {
		if path != st.Path && apply.Below(path, st.Path) {
			return st.DirFrom + strings.TrimPrefix(path, st.Path)
		}
	}
	return path
}

// taking returns the rename that moves the file at path: of the directories above
// it the deepest one goes first.
func (m dirMoves) taking(path string) *wal.Step {
	var deepest *wal.Step
	for _, st := range m {
		if apply.Below(path, st.DirFrom) && (deepest == nil || len(st.DirFrom) > len(deepest.DirFrom)) {
			deepest = st
		}
	}
	return deepest
}

// write writes the header and, where bytes differ, the body.
func (p *patch) write(w io.Writer, from images) error {
	var old, new []byte
	var err error
	differs := p.old.Kind != p.new.Kind || p.old.Hash != p.new.Hash
	if differs && p.oldPath != "" {
		if old, err = imageOf(&p.old, p.oldStep, from.before); err != nil {
			return err
		}
	}
	if differs && p.newPath != "" {
		if new, err = imageOf(&p.new, p.newStep, from.after); err != nil {
			return err
		}
	}
	if !differs && p.oldPath == p.newPath && gitMode(&p.old) == gitMode(&p.new) {
		return nil
	}
	if _, err := io.WriteString(w, p.header(old, new)); err != nil || !differs {
		return err
	}
	if slices.Contains(old, 0) || slices.Contains(new, 0) {
		return writeBinaryPatch(w, p.oldPath == "", p.newPath == "", old, new)
	}
	whole := []locator.Span{{End: len(old), Text: new}}
	return locator.UnifiedDiff(w, gitName("a/", p.oldPath), gitName("b/", p.newPath), old, whole)
}

func imageOf(s *wal.State, i int, read func(int) ([]byte, error)) ([]byte, error) {
	if s.Kind == vfs.Symlink {
		return []byte(s.Target), nil
	}
	content, err := read(i)
	if err == nil && hashing.Raw(content) != s.Hash {
		err = fail.New(fail.Drift, "", "", "the file has changed meanwhile")
	}
	return content, err
}

// header returns the lines of a git patch before the body.
func (p *patch) header(old, new []byte) string {
	var b strings.Builder
	quoted := func(prefix, path, other string) string { return locator.QuoteGit(prefix + cmp.Or(path, other)) }
	fmt.Fprintf(&b, "diff --git %s %s\n", quoted("a/", p.oldPath, p.newPath), quoted("b/", p.newPath, p.oldPath))
	oldMode, newMode := gitMode(&p.old), gitMode(&p.new)
	switch {
	case p.oldPath == "":
		fmt.Fprintf(&b, "new file mode %s\n", newMode)
	case p.newPath == "":
		fmt.Fprintf(&b, "deleted file mode %s\n", oldMode)
	case oldMode != newMode:
		fmt.Fprintf(&b, "old mode %s\nnew mode %s\n", oldMode, newMode)
	}
	if p.oldPath != "" && p.newPath != "" && p.oldPath != p.newPath {
		fmt.Fprintf(&b, "similarity index %d%%\nrename from %s\nrename to %s\n",
			similarity(old, new), locator.QuoteGit(p.oldPath), locator.QuoteGit(p.newPath))
	}
	if p.old.Kind == vfs.Symlink && p.new.Kind == vfs.Symlink && !bytes.Equal(old, new) {
		// Only this line says that the text is a link's own.
		fmt.Fprintf(&b, "index %s..%s %s\n", blobID(old, false), blobID(new, false), newMode)
	}
	return b.String()
}

// similarity is the percentage of bytes in lines that both texts have.
func similarity(old, new []byte) int {
	size, same := max(len(old), len(new)), len(old)
	for _, s := range locator.Diff(old, new) {
		same -= s.End - s.Start
	}
	if size == 0 {
		return 100
	}
	return min(same*100/size, 100)
}

// gitMode is the mode that git has for a state.
func gitMode(s *wal.State) string {
	switch {
	case s.Kind == vfs.Symlink:
		return "120000"
	case s.Meta.Mode&0o100 != 0:
		return "100755"
	}
	return "100644"
}

func gitName(prefix, path string) string {
	if path == "" {
		return "/dev/null"
	}
	return prefix + path
}
