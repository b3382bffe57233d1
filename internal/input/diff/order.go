package diff

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/emend/emend/editor"
)

// order brings units, all of which speak of the tree before the patch, into an
// order in which each finds what it speaks of. That is the order of the patch
// wherever it can be. Copies come first, while their sources are as they were.
// A file that must leave its name before another takes it, though its turn is
// later, leaves in front as well: a deleted one for good, a renamed one to a
// name that only the plan knows. A copy to a name that is not free yet waits
// under such a name, too.
func order(units []unit) []editor.Op {
	leaving, coming := namesOf(units)
	spare := spareNames(units)
	var copies, moves, deletes, rest []editor.Op
	for i, u := range units {
		switch op := u.lead.(type) {
		case editor.Copy:
			if exact, near := leaving.first(op.To); exact != never || near != never {
				waits := spare()
				rest = append(rest, editor.Rename{From: waits, To: op.To, Origin: op.Origin})
				op.To = waits
			}
			copies = append(copies, op)
		case editor.Rename:
			if exact, near := coming.first(op.From); exact < i || near <= i {
				waits := spare()
				moves = append(moves, editor.Rename{From: op.From, To: waits, Origin: op.Origin})
				op.From = waits
			}
			rest = append(rest, op)
		case editor.Delete:
			// Where the very name comes before, one follows the other.
			if _, near := coming.first(op.Path); near < i {
				deletes = append(deletes, op)
			} else {
				rest = append(rest, op)
			}
		case nil:
		default:
			rest = append(rest, op)
		}
		rest = append(rest, u.then...)
	}
	return slices.Concat(copies, moves, deletes, rest)
}

// namesOf returns the names that files leave and those that files come to.
func namesOf(units []unit) (leaving, coming names) {
	leaving, coming = newNames(), newNames()
	for i, u := range units {
		switch u.kind {
		case remove:
			leaving.add(u.old, i)
		case rename:
			leaving.add(u.old, i)
			coming.add(u.new, i)
		case create, copying:
			coming.add(u.new, i)
		}
	}
	return leaving, coming
}

// never is later than any unit.
const never = math.MaxInt

// names are file names, each with the first unit that adds it.
type names struct {
	at    map[string]int
	below map[string]int // by directory: the first that adds a name below it
}

func newNames() names { return names{at: map[string]int{}, below: map[string]int{}} }

func (n names) add(name string, unit int) {
	if _, known := n.at[name]; known {
		return
	}
	n.at[name] = unit
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if _, known := n.below[dir]; known {
			break // and so are those above it, by units no later
		}
		n.below[dir] = unit
	}
}

// first returns the first unit that adds the name itself, and the first that
// adds a name above or below it, with which it cannot exist together.
func (n names) first(name string) (exact, near int) {
	exact, near = never, never
	if unit, ok := n.at[name]; ok {
		exact = unit
	}
	if unit, ok := n.below[name]; ok {
		near = unit
	}
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if unit, ok := n.at[dir]; ok {
			near = min(near, unit)
		}
	}
	return exact, near
}

// parent returns the directory of name, "" at the top.
func parent(name string) string {
	return name[:max(strings.LastIndexByte(name, '/'), 0)]
}

// spareNames returns a source of names that no unit uses.
func spareNames(units []unit) func() string {
	used := map[string]bool{}
	for _, u := range units {
		used[u.old], used[u.new] = true, true
	}
	n := 0
	return func() string {
		for {
			n++
			if name := fmt.Sprintf(".emend~%d", n); !used[name] {
				return name
			}
		}
	}
}
