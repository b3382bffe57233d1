package wal

import (
	"errors"
	"time"

	"github.com/emend/emend/hashing"
)

// errUnknownType says that a newer version wrote the frame: it should have set a
// feature bit.
var errUnknownType = errors.New("its type is unknown")

// index is what the frames of a log amount to: which intents there are, how
// they ended, where their frames are. Reading and writing feed it the same
// way, one frame after another. Images and steps stay in the file.
type index struct {
	whole   bool // it has seen every frame; otherwise only what a clean close lists and what follows
	open    map[ID]*group
	sealed  []*txn // in order of their seals
	byID    map[ID]*txn
	pending map[ID]*txn // sealed and not retired
	keys    []keyRecord
	dropped uint64 // transactions that compaction has dropped, remembered or not
	hosts   hostIndex
	entries entryIndex
	room    int64 // bytes to keep for the decisions and retirements to come
	frames  int64
}

// group is an intent whose seal has not been seen.
type group struct {
	begin  Begin
	at     int64
	frames uint64
	steps  uint64
	digest hashing.Digest

	notes   []note // of a step that was found out about before the seal
	records []int64
}

func (g *group) add(typ frameType, sum hashing.Digest) {
	g.frames++
	g.digest = chainDigest(g.digest, typ, sum)
	if typ == typeFile {
		g.steps++
	}
}

// txn is a sealed intent.
type txn struct {
	begin     Begin
	beginAt   int64
	sealAt    int64
	steps     int
	decision  Decision
	outcome   Outcome
	retiredAt time.Time
	notes     []note
	records   []int64 // offsets of its decision, notes and retirements
}

// room is what has to be kept for the records that are still to come: back may
// be decided after forward, and nothing after back.
func (t *txn) room() int64 {
	switch {
	case t.outcome != Pending:
		return 0
	case t.decision == Back:
		return retireRoom
	case t.decision == Forward:
		return retireRoom + decisionRoom
	}
	return retireRoom + 2*decisionRoom
}

// unfinished reports whether somebody may still have to act on the intent.
func (t *txn) unfinished() bool { return t.outcome == Pending || t.outcome == ParkedOutcome }

func newIndex() *index {
	return &index{
		open: map[ID]*group{}, byID: map[ID]*txn{}, pending: map[ID]*txn{},
		hosts: newHostIndex(), entries: newEntryIndex(),
	}
}

// add takes in one frame whose place in the chain is proven; sum is the digest
// of its payload where it belongs to a group. An error says that the payload
// cannot be understood.
func (x *index) add(f *frame, sum hashing.Digest) error {
	x.frames++
	switch f.typ {
	case typeBegin:
		b, err := decodeBegin(f.payload)
		if err != nil {
			return err
		}
		g := &group{begin: b, at: f.off}
		g.add(f.typ, sum)
		x.open[b.ID] = g
	case typeFile, typeData:
		if len(f.payload) < len(ID{}) {
			return errShort
		}
		if g := x.open[ID(f.payload[:len(ID{})])]; g != nil {
			g.add(f.typ, sum)
		}
	case typeSeal:
		return x.addSeal(f)
	case typeDecision, typeRetire, typeNote:
		return x.addRecord(f)
	case typeHost, typeHostRetire:
		return x.hosts.add(f)
	case typeEntry, typeTruncate:
		return x.entries.add(f)
	case typeKeys:
		return x.addKeys(f)
	case typeCheckpoint:
		return x.addCheckpoint(f)
	case typeMark, typeClose:
	default:
		return errUnknownType
	}
	return nil
}

// addSeal makes a transaction of a group that matches its seal. One that does
// not, or whose ID is taken, does not exist.
func (x *index) addSeal(f *frame) error {
	s, err := decodeSeal(f.payload)
	if err != nil {
		return err
	}
	g := x.open[s.id]
	delete(x.open, s.id)
	if g == nil || g.at != s.begin || g.frames != s.frames || g.digest != s.digest || g.steps != s.steps ||
		x.byID[s.id] != nil {
		return nil
	}
	x.insert(&txn{begin: g.begin, beginAt: g.at, sealAt: f.off, steps: int(g.steps), notes: g.notes, records: g.records})
	return nil
}

func (x *index) insert(t *txn) {
	x.sealed = append(x.sealed, t)
	x.byID[t.begin.ID] = t
	x.count(t)
}

// count takes the transaction's state, and what follows from it, into account.
func (x *index) count(t *txn) {
	x.room += t.room()
	if t.outcome == Pending {
		x.pending[t.begin.ID] = t
	} else {
		delete(x.pending, t.begin.ID)
	}
}

// addRecord takes in what was found out about an intent: a note at any time,
// everything else after its seal. What is about an intent that this index does
// not hold is no business of it.
func (x *index) addRecord(f *frame) error {
	r, err := decodeRecord(f)
	if err != nil {
		return err
	}
	t := x.byID[r.id]
	if t == nil {
		if g := x.open[r.id]; g != nil && r.note != nil {
			g.notes, g.records = append(g.notes, *r.note), append(g.records, f.off)
		}
		return nil
	}
	x.room -= t.room()
	r.apply(t)
	x.count(t)
	t.records = append(t.records, f.off)
	return nil
}

// record is a decision, a retirement or a note, taken in by apply.
type record struct {
	id    ID
	apply func(*txn)
	note  *note
}

func decodeRecord(f *frame) (record, error) {
	switch f.typ {
	case typeDecision:
		id, d, err := decodeDecision(f.payload)
		return record{id: id, apply: func(t *txn) { t.decision = d }}, err
	case typeRetire:
		id, o, at, err := decodeRetire(f.payload)
		return record{id: id, apply: func(t *txn) { t.outcome, t.retiredAt = o, at }}, err
	default:
		n, err := decodeNote(f.payload)
		return record{id: n.id, apply: func(t *txn) { t.notes = append(t.notes, n) }, note: &n}, err
	}
}

// roomAfter is what x.room will be when a seal, decision or retirement with that
// payload is in the log.
func (x *index) roomAfter(typ frameType, payload []byte) int64 {
	id, next := ID(payload[:len(ID{})]), txn{}
	if typ == typeSeal {
		return x.room + next.room()
	}
	t := x.byID[id]
	if t == nil {
		return x.room
	}
	next.outcome, next.decision = t.outcome, t.decision
	if typ == typeDecision {
		next.decision = Decision(payload[len(id)])
	} else {
		next.outcome = Outcome(payload[len(id)])
	}
	return x.room - t.room() + next.room()
}

// choose returns the transactions that keep says, in order of their seals.
func (x *index) choose(keep func(*txn) bool) []*txn {
	var list []*txn
	for _, t := range x.sealed {
		if keep(t) {
			list = append(list, t)
		}
	}
	return list
}
