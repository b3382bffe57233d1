package recovery

// Place is what stands at a path, compared with the two states of its step.
type Place uint8

// The places. PlaceTorn is a file written in place of which every aligned
// 512-byte block is the before's or the after's, or a directory between two
// spellings of its name (docs/PROTOCOL.md).
const (
	PlaceBefore Place = iota
	PlaceAfter
	PlaceTorn
	PlaceForeign
)

// Slot is what a slot holds.
type Slot uint8

// The slots. Unfinished is no longer than the slot's image, and every byte of
// it is the image's or zero.
const (
	SlotNone Slot = iota
	SlotDisplaced
	SlotStaged
	SlotUnfinished
	SlotStrange
)

// Traits is what of a step itself matters to classification.
type Traits struct {
	InPlace      bool
	ChmodOnly    bool
	DirStep      bool // makes, removes or renames a directory
	BeforeAbsent bool
}

// Held is what inspection saw of one slot. Linked: it is another name of an
// inode at a path of the intent.
type Held struct {
	Slot
	Linked bool
}

// Sight is what inspection saw of one path and its slots: a, with the
// after-image or what the publish displaced; b, with the before-image or what
// a rollback displaced; d, with the displaced file where exchange is missing.
type Sight struct {
	Traits
	Place   Place
	A, B, D Held
	// NormBefore and NormAfter: the foreign file has the normal form of one.
	NormBefore, NormAfter bool
}

// Class is what a path is for the decision.
type Class uint8

// The classes.
const (
	IsBefore Class = iota
	IsAfter
	IsTorn       // counts as before; either direction writes the whole image
	EditedBefore // somebody's edit of the before
	EditedAfter  // somebody's edit of the after
	Unknown      // somebody's, and not to be told of what
)

// Fate is what is to become of what a slot holds.
type Fate uint8

// The fates.
const (
	FateNone     Fate = iota
	FateEmpty         // emend's own bytes: removed when in the way or at the end
	FateKeep          // may be somebody's: moved to .emend/parked
	FateSwapBack      // swapped out by a publish or a rollback: goes back to its path
)

// Verdict is the classification of one path and of its slots.
type Verdict struct {
	Class   Class
	A, B, D Fate
}

// Classify is the one pure function from what was seen to what it means. It is
// given all paths of an intent together, because a path that was absent tells
// something only beside the others.
func Classify(sights []Sight) []Verdict {
	published := 0
	for i := range sights {
		if sights[i].published() {
			published++
		}
	}
	out := make([]Verdict, len(sights))
	for i := range sights {
		s := &sights[i]
		others := published
		if s.published() {
			others--
		}
		v := Verdict{Class: s.class(others > 0), A: s.fateA(), B: s.fateB(), D: keepStrange(s.D)}
		switch {
		case v.A == FateSwapBack:
			v.Class = EditedBefore
		case v.B == FateSwapBack:
			v.Class = EditedAfter
		}
		out[i] = v
	}
	return out
}

// published reports whether the path itself shows that it had been published:
// it is after, or what it displaced lies in a slot.
func (s *Sight) published() bool {
	return s.Place == PlaceAfter || s.Place == PlaceForeign && s.displaced()
}

func (s *Sight) displaced() bool {
	return s.A.Slot == SlotDisplaced || s.B.Slot == SlotDisplaced || s.A.Slot == SlotNone && s.D.Slot == SlotDisplaced
}

func (s *Sight) class(otherPublished bool) Class {
	switch s.Place {
	case PlaceBefore:
		return IsBefore
	case PlaceAfter:
		return IsAfter
	case PlaceTorn:
		return IsTorn
	}
	gone := s.A.Slot == SlotNone
	switch {
	case s.InPlace, s.ChmodOnly, s.DirStep:
	case !s.BeforeAbsent && s.displaced(), s.BeforeAbsent && gone && otherPublished:
		return EditedAfter
	case !s.BeforeAbsent, !gone:
		return EditedBefore
	}
	switch {
	case s.NormBefore && !s.NormAfter:
		return EditedBefore
	case s.NormAfter && !s.NormBefore:
		return EditedAfter
	}
	return Unknown
}

// fateA: strange bytes while the path holds the after-image were swapped out
// by the publish; unfinished ones there may be a file that somebody emptied.
func (s *Sight) fateA() Fate {
	published := s.Place == PlaceAfter && !s.InPlace
	switch {
	case s.A.Slot == SlotStrange && !s.A.Linked && published:
		return FateSwapBack
	case s.A.Slot == SlotUnfinished && !s.A.Linked && published:
		return FateKeep
	case s.A.Slot == SlotUnfinished:
		return FateEmpty
	}
	return keepStrange(s.A)
}

// fateB: slot b comes to be only after its path was published, and is whole
// from its first moment; strange bytes while the path is before were swapped
// out by the rollback.
func (s *Sight) fateB() Fate {
	if s.B.Slot == SlotStrange && !s.B.Linked && s.Place == PlaceBefore && !s.InPlace {
		return FateSwapBack
	}
	return keepStrange(s.B)
}

func keepStrange(h Held) Fate {
	switch {
	case h.Slot == SlotNone:
		return FateNone
	case h.Slot == SlotStrange && !h.Linked:
		return FateKeep
	}
	return FateEmpty
}
