package wal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs/crashfs"
)

// model is all that a log means, in memory.
type model struct {
	entries []string // live, with positions
	next    uint64
	hosts   []string
	intents []string // "label outcome", in order of seal
}

func (m *model) String() string { return fmt.Sprintf("%q\n%q\n%q", m.entries, m.hosts, m.intents) }

func modelOf(t *testing.T, l *Log) *model {
	var m model
	for r, err := range entriesOf(l).Entries(0) {
		require.NoError(t, err)
		m.entries = append(m.entries, fmt.Sprint(r.Pos, r.Key))
	}
	hosts, err := l.HostIntents()
	require.NoError(t, err)
	for _, h := range hosts {
		m.hosts = append(m.hosts, h.ID)
	}
	require.NoError(t, l.History(func(tx *Transaction) error {
		steps, err := tx.LoadSteps()
		require.NoError(t, err)
		require.Len(t, steps, 1)
		m.intents = append(m.intents, tx.Label+" "+tx.Outcome.String())
		return nil
	}))
	return &m
}

// Random operations, crashes and compactions, by two processes in turn, against
// the model. The seed is printed; EMEND_SEED repeats it.
func TestAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("EMEND_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("EMEND_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range rounds(20, 2000) {
		runModel(t, rnd)
	}
}

func runModel(t *testing.T, rnd *rand.Rand) {
	disk := newDisk()
	m := &model{next: 1}
	ids := map[string]ID{}
	var l *Log
	open := func() {
		var err error
		l, err = ledgerOpen(disk)
		require.NoError(t, err)
	}
	seal := func(label string) {
		b := newLedger()
		id, err := b.seal(l, label, rnd.IntN(3000))
		require.NoError(t, err)
		ids[label] = id
		m.intents = append(m.intents, label+" pending")
	}
	open()
	for i := range 60 {
		name := fmt.Sprint(i)
		switch k := rnd.IntN(20); {
		case k < 6:
			require.NoError(t, l.commitOne(typeEntry, (&Entry{Key: name, Data: make([]byte, rnd.IntN(9000))}).encode))
			m.entries = append(m.entries, fmt.Sprint(m.next, name))
			m.next++
		case k < 7 && len(m.entries) > 0:
			n := rnd.IntN(len(m.entries)) + 1
			pos := m.next - uint64(len(m.entries)) + uint64(n) - 1
			require.NoError(t, l.commitOne(typeTruncate, func(b []byte) []byte { return encodeTruncate(b, pos) }))
			m.entries = m.entries[n:]
		case k < 9:
			require.NoError(t, l.AppendHost(Intent{ID: name}))
			m.hosts = append(m.hosts, name)
		case k < 11 && len(m.hosts) > 0:
			n := rnd.IntN(len(m.hosts))
			require.NoError(t, l.RetireHost(m.hosts[n]))
			m.hosts = slices.Delete(m.hosts, n, n+1)
		case k < 14:
			seal(name)
		case k < 16 && len(m.intents) > 0:
			n := rnd.IntN(len(m.intents))
			var label, was string
			_, err := fmt.Sscan(m.intents[n], &label, &was)
			require.NoError(t, err)
			if was != "pending" && was != "parked" {
				continue
			}
			o := []Outcome{Committed, RolledBack, ParkedOutcome}[rnd.IntN(3)]
			require.NoError(t, l.Retire(ids[label], o))
			m.intents[n] = label + " " + o.String()
		case k < 17:
			l.Release()
			_, err := compactNow(l)
			require.NoError(t, err)
			require.NoError(t, l.Acquire(context.Background(), time.Second, nil))
		case k < 18:
			require.NoError(t, ledgerClose(l))
			disk = disk.Process()
			open()
		case k < 19: // kill -9, or a power cut: everything was acknowledged
			disk = []*crashfs.FS{disk.Killed(), disk.Survive(crashfs.Random(rnd.Uint64()))}[rnd.IntN(2)]
			open()
		default:
			require.Equal(t, m.String(), modelOf(t, l).String())
		}
	}
	require.Equal(t, m.String(), modelOf(t, l).String())
	require.NoError(t, ledgerClose(l))
	require.Equal(t, "ok", health(t, disk))
}
