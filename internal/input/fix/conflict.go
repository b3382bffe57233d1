package fix

import (
	"bytes"
	"slices"
	"sort"

	"github.com/emend/emend/internal/fail"
)

// check compares p with the edits that stand in its file. It reports whether
// one of them is the same edit; an overlap is an error of kind conflict.
func (s *Set) check(p *placed) (twin bool, err error) {
	f := s.files[p.Path]
	if f == nil {
		return false, nil
	}
	all := f.units[p.unit]
	i := sort.Search(len(all), func(i int) bool { return all[i].end.compare(p.start) >= 0 })
	for ; i < len(all) && all[i].start.compare(p.end) <= 0; i++ {
		q := all[i]
		switch {
		case p.same(q) && !p.insertion():
			return true, nil
		case p.same(q) && s.rules.PerTU && p.owner.fix.TU == q.owner.fix.TU:
			continue
		case p.same(q) && s.rules.SameInsert && p.owner != q.owner:
			return true, nil
		case p.same(q) && p.owner != q.owner:
			return false, p.clash(q, "inserts the same text at %s as")
		case p.overlaps(q):
			return false, p.clash(q, "overlaps at %s with")
		case s.rules.Apart && p.owner != q.owner:
			return false, p.clash(q, "lies at %s, right beside")
		}
	}
	return false, nil
}

// same reports whether p and q, of one file and unit, are the same edit.
func (p *placed) same(q *placed) bool {
	return p.start == q.start && p.end == q.end && bytes.Equal(p.Text, q.Text)
}

// overlaps reports whether p and q replace the same text, or one of them
// inserts within what the other replaces.
func (p *placed) overlaps(q *placed) bool {
	if p.insertion() && q.insertion() {
		return false
	}
	return p.start.compare(q.end) < 0 && q.start.compare(p.end) < 0
}

// clash is a conflict of p with q; format tells how, given the place.
func (p *placed) clash(q *placed, format string) error {
	if p.owner == q.owner {
		return fail.New(fail.Conflict, "", p.Path, "the fix overlaps itself at %s %s", unitName(p.unit), p)
	}
	other := q.owner.src.Position(q.owner.fix.Pos)
	if q.owner.fix.Name != "" {
		other = q.owner.fix.Name + " (" + other + ")"
	}
	return fail.New(fail.Conflict, "", p.Path, format+" %s", unitName(p.unit)+" "+p.String(), other)
}

// unitName is a unit without its encoding.
func unitName(unit string) string {
	name, _, _ := bytes.Cut([]byte(unit), []byte(" "))
	return string(name)
}

// insert puts p in its place: by start, inserts before the replacement that
// starts there, and among themselves as they come.
func (s *Set) insert(p *placed) {
	f := s.files[p.Path]
	if f == nil {
		f = &file{path: p.Path, units: make(map[string][]*placed)}
		s.files[p.Path] = f
		s.order = append(s.order, f)
	}
	all := f.units[p.unit]
	i := sort.Search(len(all), func(i int) bool {
		c := all[i].start.compare(p.start)
		return c > 0 || c == 0 && !all[i].insertion()
	})
	f.units[p.unit] = slices.Insert(all, i, p)
}

// remove takes p away again.
func (s *Set) remove(p *placed) {
	f := s.files[p.Path]
	all := f.units[p.unit]
	f.units[p.unit] = slices.Delete(all, slices.Index(all, p), slices.Index(all, p)+1)
}
