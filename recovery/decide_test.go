package recovery

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/wal"
)

// TestDecideTable holds every combination of classes, logged decision and
// policy to the table of the design, written out a second time.
func TestDecideTable(t *testing.T) {
	classes := []Class{IsBefore, IsAfter, IsTorn, EditedBefore, EditedAfter, Unknown}
	for set := range 1 << len(classes) {
		var verdicts []Verdict
		has := map[Class]bool{}
		for i, c := range classes {
			if set&(1<<i) != 0 {
				verdicts = append(verdicts, Verdict{Class: c})
				has[c] = true
			}
		}
		for _, logged := range []wal.Decision{wal.Undecided, wal.Forward, wal.Back} {
			for _, policy := range []Policy{Auto, PolicyForward, PolicyBack} {
				var want Course
				foreign := has[EditedBefore] || has[EditedAfter] || has[Unknown]
				switch {
				case logged == wal.Back && !has[EditedAfter] && !has[Unknown]:
					want = GoBack
				case logged == wal.Back:
					want = Park
				case policy == PolicyBack && logged == wal.Undecided && !foreign:
					want = GoBack
				case !has[EditedBefore] && !has[Unknown]:
					want = GoForward
				case !has[EditedAfter] && !has[Unknown]:
					want = GoBack
				default:
					want = Park
				}
				require.Equal(t, want, Decide(verdicts, logged, policy), "set %b logged %d policy %d", set, logged, policy)
			}
		}
	}
}

// eachSight calls fn with every combination of what can be seen of one path.
func eachSight(fn func(Sight)) {
	for bits := range 1 << 9 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		for place := PlaceBefore; place <= PlaceForeign; place++ {
			for a := SlotNone; a <= SlotStrange; a++ {
				for b := SlotNone; b <= SlotStrange; b++ {
					for d := SlotNone; d <= SlotStrange; d++ {
						fn(Sight{Traits: Traits{InPlace: on(0), ChmodOnly: on(1), DirStep: on(2), BeforeAbsent: on(3)},
							Place: place, A: Held{a, on(4)}, B: Held{b, on(5)}, D: Held{d, on(6)},
							NormBefore: on(7), NormAfter: on(8)})
					}
				}
			}
		}
	}
}

// TestClassifyEverySight holds the classification, for every sight beside a
// published and an unpublished path, to rules that must hold whatever the
// sight.
func TestClassifyEverySight(t *testing.T) {
	n := 0
	eachSight(func(s Sight) {
		n++
		alone := Classify([]Sight{s, {Place: PlaceBefore}})[0]
		beside := Classify([]Sight{s, {Place: PlaceAfter}})[0]
		for _, v := range []Verdict{alone, beside} {
			checkVerdict(t, s, v)
		}
		if alone != beside && (s.Place != PlaceForeign || !s.BeforeAbsent || s.A.Slot != SlotNone) {
			t.Fatalf("%+v: other paths matter only to a path that was absent and has lost its slot", s)
		}
	})
	t.Logf("%d sights", n)
}

func checkVerdict(t *testing.T, s Sight, v Verdict) {
	t.Helper()
	foreign := v.Class == EditedBefore || v.Class == EditedAfter || v.Class == Unknown
	swapped := v.A == FateSwapBack || v.B == FateSwapBack
	if s.Place == PlaceForeign && !foreign || s.Place != PlaceForeign && foreign && !swapped {
		t.Fatalf("%+v: %+v: a path is foreign where it is seen so, or where its bytes were swapped out", s, v)
	}
	for _, h := range []struct {
		held Held
		fate Fate
	}{{s.A, v.A}, {s.B, v.B}, {s.D, v.D}} {
		switch {
		case h.held.Slot == SlotNone && h.fate != FateNone,
			h.held.Slot != SlotNone && h.fate == FateNone,
			h.held.Slot == SlotStrange && !h.held.Linked && h.fate == FateEmpty,
			h.held.Linked && h.fate != FateEmpty && h.held.Slot != SlotNone:
			t.Fatalf("%+v: %+v: strange bytes with no other name are never emptied, linked ones only unlinked", s, v)
		}
	}
	if v.Class == EditedAfter && s.InPlace && !s.NormAfter && !swapped {
		t.Fatalf("%+v: %+v: of a foreign file written in place nothing is known", s, v)
	}
}

// TestClassifyCases holds single sights to what the design says of them.
func TestClassifyCases(t *testing.T) {
	displaced, staged, strange, unfinished := Held{Slot: SlotDisplaced}, Held{Slot: SlotStaged}, Held{Slot: SlotStrange}, Held{Slot: SlotUnfinished}
	published := Sight{Place: PlaceAfter}
	for _, c := range []struct {
		name   string
		sights []Sight
		want   Verdict
	}{
		{"published, then edited", []Sight{{Place: PlaceForeign, A: displaced}}, Verdict{Class: EditedAfter, A: FateEmpty}},
		{"edited before it was published", []Sight{{Place: PlaceForeign, A: staged}}, Verdict{Class: EditedBefore, A: FateEmpty}},
		{"published without exchange, then edited", []Sight{{Place: PlaceForeign, D: displaced}}, Verdict{Class: EditedAfter, D: FateEmpty}},
		{"linked aside, not yet published, edited", []Sight{{Place: PlaceForeign, A: staged, D: displaced}},
			Verdict{Class: EditedBefore, A: FateEmpty, D: FateEmpty}},
		{"created, then edited", []Sight{{Traits: Traits{BeforeAbsent: true}, Place: PlaceForeign}, published}, Verdict{Class: EditedAfter}},
		{"somebody else's file where one was to be created", []Sight{{Traits: Traits{BeforeAbsent: true}, Place: PlaceForeign, A: staged}, published},
			Verdict{Class: EditedBefore, A: FateEmpty}},
		{"absent, slot gone, nothing else published", []Sight{{Traits: Traits{BeforeAbsent: true}, Place: PlaceForeign}}, Verdict{Class: Unknown}},
		{"the same, and it is the after but for white space",
			[]Sight{{Traits: Traits{BeforeAbsent: true}, Place: PlaceForeign, NormAfter: true}}, Verdict{Class: EditedAfter}},
		{"in place", []Sight{{Traits: Traits{InPlace: true}, Place: PlaceForeign, A: staged}}, Verdict{Class: Unknown, A: FateEmpty}},
		{"in place, normal form of both", []Sight{{Traits: Traits{InPlace: true}, Place: PlaceForeign, NormBefore: true, NormAfter: true}}, Verdict{Class: Unknown}},
		{"mode only", []Sight{{Traits: Traits{ChmodOnly: true}, Place: PlaceForeign}}, Verdict{Class: Unknown}},
		{"swapped out by the publish", []Sight{{Place: PlaceAfter, A: strange}}, Verdict{Class: EditedBefore, A: FateSwapBack}},
		{"swapped out by the rollback", []Sight{{Place: PlaceBefore, B: strange}}, Verdict{Class: EditedAfter, B: FateSwapBack}},
		{"emptied by somebody, then swapped out", []Sight{{Place: PlaceAfter, A: unfinished}}, Verdict{Class: IsAfter, A: FateKeep}},
		{"half staged", []Sight{{Place: PlaceBefore, A: unfinished}}, Verdict{Class: IsBefore, A: FateEmpty}},
		{"garbage in a slot that never came to anything", []Sight{{Place: PlaceBefore, A: strange}}, Verdict{Class: IsBefore, A: FateKeep}},
		{"another name of an edited file", []Sight{{Place: PlaceAfter, A: Held{SlotStrange, true}}}, Verdict{Class: IsAfter, A: FateEmpty}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Classify(c.sights)[0]) })
	}
}
