package wal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSalvageSavesBothSidesOfAHole(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	require.NoError(t, busy(l, b))
	tx := l.known(func(t *txn) bool { return t.begin.Label == "done1" })[0]
	require.NoError(t, ledgerClose(l))
	data, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	data[tx.from+150] ^= 1 // its file frame
	data[3] ^= 1           // and the file header
	require.NoError(t, disk.WriteFile(ledgerDir+"/"+logName, data, 0o600))
	_, err = ledgerOpen(disk)
	require.Error(t, err)

	r, err := Salvage(disk, ledgerDir, "/w/saved")
	require.NoError(t, err)
	require.Len(t, r.Damage, 2)
	require.Equal(t, 5, r.Intents)
	require.Equal(t, 2, r.Entries)
	require.Equal(t, 1, r.Hosts)
	require.Equal(t, 1, r.Fragments)
	tree := disk.Tree("/w/saved")
	require.Contains(t, tree, tx.ID.String()+"-0.before@0")
	require.Contains(t, tree["frames.txt"].Data, "damaged up to")
	untouched, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	require.Equal(t, data, untouched)

	saved, err := Open("/w/saved", Options{FS: disk})
	require.NoError(t, err)
	delete(b.intents, tx.ID)
	require.NoError(t, b.compare(saved))
	require.NoError(t, saved.Close())
	_, err = Salvage(disk, ledgerDir, "/w/saved")
	require.Error(t, err, "nothing is overwritten")
}
