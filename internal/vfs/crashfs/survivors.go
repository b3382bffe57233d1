package crashfs

import (
	"fmt"
	"iter"
	"slices"

	"github.com/emend/emend/internal/vfs/op"
)

// Survivors yields the survivors of a power cut at this moment that are worth
// a look, each with a name that says what became of the unsynced: everything
// lost or kept; names without data and data without names; data zeroed and
// torn; every name operation alone lost, alone kept, and all up to it; every
// file alone lost and torn. Where all is synced there is only one.
func (p *FS) Survivors() iter.Seq2[string, *FS] {
	return func(yield func(string, *FS) bool) {
		for name, choice := range p.choices() {
			if !yield(name, p.Survive(choice)) {
				return
			}
		}
	}
}

func (p *FS) choices() iter.Seq2[string, Choice] {
	names, files := p.unsynced()
	return func(yield func(string, Choice) bool) {
		if !yield("all lost", AllLost()) {
			return
		}
		if len(names) == 0 && len(files) == 0 {
			return
		}
		list := []named{{"all kept", AllKept()}}
		if len(names) > 0 && len(files) > 0 {
			list = append(list, named{"only data kept", data(noName, Kept)}, named{"only names kept", data(everyName, Lost)})
		}
		if len(files) > 0 {
			list = append(list, dataChoices(files)...)
		}
		for _, n := range names {
			list = append(list, nameChoices(n)...)
		}
		for _, c := range list {
			if !yield(c.name, c.choice) {
				return
			}
		}
	}
}

type named struct {
	name   string
	choice Choice
}

func everyName(op.Op) bool { return true }
func noName(op.Op) bool    { return false }

// data keeps these names, all metadata, and data by one fate.
func data(names func(op.Op) bool, fate Fate) Choice {
	c := AllKept()
	c.Name = names
	c.Data = func(uint64) Fate { return fate }
	return c
}

func dataChoices(files []uint64) []named {
	list := []named{
		{"data zeroed", data(everyName, Zeroed)}, {"data torn at 512", data(everyName, Torn512)}, {"data torn at 4096", data(everyName, Torn4K)},
	}
	if len(files) == 1 {
		return list
	}
	for _, ino := range files {
		list = append(list,
			named{fmt.Sprintf("inode %d lost", ino), oneFile(ino, Lost)},
			named{fmt.Sprintf("inode %d torn", ino), oneFile(ino, Torn512)})
	}
	return list
}

// oneFile keeps everything but the data of one inode.
func oneFile(ino uint64, fate Fate) Choice {
	c := AllKept()
	c.Data = func(i uint64) Fate {
		if i == ino {
			return fate
		}
		return Kept
	}
	return c
}

// pendingName is an operation and the sequence numbers of all that it needs.
type pendingName struct {
	op    op.Op
	needs map[int]bool
}

func nameChoices(n pendingName) []named {
	without, only, upTo := AllKept(), AllKept(), AllKept()
	without.Name = func(o op.Op) bool { return o.Seq != n.op.Seq }
	only.Name = func(o op.Op) bool { return o.Seq == n.op.Seq || n.needs[o.Seq] }
	upTo.Name = func(o op.Op) bool { return o.Seq <= n.op.Seq }
	synced := upTo
	synced.Data, synced.Meta = nil, nil
	return []named{
		{fmt.Sprintf("without %d %v", n.op.Seq, n.op), without},
		{fmt.Sprintf("only %d %v", n.op.Seq, n.op), only},
		{fmt.Sprintf("up to %d %v", n.op.Seq, n.op), upTo},
		{fmt.Sprintf("up to %d %v, no data", n.op.Seq, n.op), synced},
	}
}

// unsynced lists the pending name operations, oldest first, and the inodes
// with unsynced data or metadata.
func (p *FS) unsynced() (names []pendingName, files []uint64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.pending {
		needs := map[int]bool{}
		n.collect(needs)
		names = append(names, pendingName{op: n.op, needs: needs})
	}
	for n := range p.dirty {
		files = append(files, n.ino)
	}
	slices.Sort(files)
	return names, files
}

func (n *nameOp) collect(needs map[int]bool) {
	for _, need := range n.needs {
		if !need.durable && !needs[need.op.Seq] {
			needs[need.op.Seq] = true
			need.collect(needs)
		}
	}
}
