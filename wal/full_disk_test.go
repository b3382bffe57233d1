package wal

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
)

// An intent that does not fit the disk takes nobody else with it, however large
// it is: what its failed write left is taken back without asking for more room
// than the disk has.
func TestAGroupThatDoesNotFitTheDiskPoisonsNothing(t *testing.T) {
	t.Parallel()
	for size := int64(600 << 10); size < 4<<20; size += 350_003 {
		disk := crashfs.New(crashfs.Options{Size: size})
		require.NoError(t, disk.MkdirAll("/w", 0o755))
		disk.Settle()
		b := newLedger()
		l, err := ledgerOpen(disk)
		require.NoError(t, err)
		one, err := b.seal(l, "one", 1000)
		require.NoError(t, err)

		g, err := l.Begin(Begin{ID: ID(hashing.Raw([]byte("two")))})
		require.NoError(t, err)
		require.NoError(t, g.Step(&Step{Path: "p", LinkOf: -1, HasBefore: true, Before: State{Kind: vfs.Regular, Size: 5 << 20}}))
		err = g.Data(0, Before, 0, make([]byte, 5<<20))
		require.Equal(t, fail.NoSpace, fail.KindOf(err), "%d: %v", size, err)
		g.Done()

		require.NoError(t, l.Decide(one, Back), "%d", size)
		require.NoError(t, b.retire(l, one, RolledBack), "%d", size)
		require.NoError(t, ledgerClose(l))
		for name, survivor := range disk.Survivors() {
			require.NoError(t, b.check(survivor), "%d %s", size, name)
		}
	}
}

// On a disk that is full to the last byte an intent can still be ended, by a
// recovery too that goes forward, meets somebody's bytes and goes back.
func TestAFullDiskHasRoomToEndEveryIntent(t *testing.T) {
	disk := crashfs.New(crashfs.Options{Size: 200_000})
	require.NoError(t, disk.MkdirAll("/w", 0o755))
	disk.Settle()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	var ids []ID
	for _, name := range []string{"one", "two", "three"} {
		id, err := b.seal(l, name, 1000)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	for n := 0; ; n++ {
		if err := l.AppendHost(Intent{ID: strconv.Itoa(n)}); err != nil {
			require.Equal(t, fail.NoSpace, fail.KindOf(err))
			break
		}
	}
	for _, id := range ids {
		require.NoError(t, l.Decide(id, Forward))
	}
	for _, id := range ids {
		require.NoError(t, l.Decide(id, Back))
		require.NoError(t, b.retire(l, id, RolledBack))
	}
	require.NoError(t, ledgerClose(l))
	for name, survivor := range disk.Survivors() {
		require.NoError(t, b.check(survivor), name)
	}
}

// What a clean close lists is known without history: an intent is found also
// where history before it is damaged.
func TestAnIntentIsFoundWhereHistoryIsDamaged(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	old, err := b.seal(l, "old", 5000)
	require.NoError(t, err)
	require.NoError(t, b.retire(l, old, Committed))
	require.NoError(t, ledgerClose(l))
	log, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	log[2000] ^= 1
	require.NoError(t, disk.WriteFile(ledgerDir+"/"+logName, log, 0o600))

	l, err = ledgerOpen(disk)
	require.NoError(t, err)
	defer func() { require.NoError(t, ledgerClose(l)) }()
	id, err := b.seal(l, "new", 10)
	require.NoError(t, err)
	tx, err := l.Find(id)
	require.NoError(t, err)
	require.Equal(t, id, tx.ID)
	_, err = l.Find(old)
	require.Equal(t, fail.LogCorrupt, fail.KindOf(err))
}
