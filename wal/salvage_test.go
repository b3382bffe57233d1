package wal

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
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

	saved, err := Open(context.Background(), "/w/saved", Options{FS: disk})
	require.NoError(t, err)
	delete(b.intents, tx.ID)
	require.NoError(t, b.compare(saved))
	require.NoError(t, saved.Close())
	_, err = Salvage(disk, ledgerDir, "/w/saved")
	require.Error(t, err, "nothing is overwritten")
}

// With SalvageDamage an open replaces a damaged log, whatever interrupts it: the
// entries on both sides of the hole are there, and so is the damaged file.
func TestOpenSalvagesADamagedLog(t *testing.T) {
	disk := newDisk()
	w, err := OpenFileWAL(context.Background(), ledgerDir, Options{FS: disk})
	require.NoError(t, err)
	for i := range 5 {
		require.NoError(t, w.Append(Entry{Key: fmt.Sprint(i)}))
	}
	require.NoError(t, w.log.with(func(l *Log) error { return l.AppendHost(Intent{ID: "h"}) }))
	hole := w.log.c.pos.off // somewhere before it
	require.NoError(t, w.Close())
	name := ledgerDir + "/" + logName
	damaged, err := disk.ReadFile(name)
	require.NoError(t, err)
	damaged[hole/2] ^= 1
	require.NoError(t, disk.WriteFile(name, damaged, 0o600))
	disk.Settle()

	o := Options{OnDamage: SalvageDamage, ReadOnly: true, FS: disk}
	_, err = readEntries(o)
	require.Equal(t, fail.LogCorrupt, fail.KindOf(err), "nothing is mended that is only read: %v", err)

	run := func(fsys vfs.FS, _ *ledger) error {
		_, err := readEntries(Options{OnDamage: SalvageDamage, FS: fsys})
		return err
	}
	require.NoError(t, sweep(disk, newLedger(), run, func(_ *ledger, fsys *crashfs.FS) error {
		r, err := readEntries(Options{OnDamage: SalvageDamage, FS: fsys})
		if err != nil || len(r.Damage) > 1 {
			return fmt.Errorf("%+v: %w", r, err)
		}
		kept, err := fsys.ReadFile(ledgerDir + "/" + damagedName)
		if err != nil || !bytes.Equal(kept, damaged) {
			return fmt.Errorf("the damaged log was not kept: %w", err)
		}
		return nil
	}))
}

// readEntries opens the log, and expects all entries but one, and a host intent.
func readEntries(o Options) (Report, error) {
	w, err := OpenFileWAL(context.Background(), ledgerDir, o)
	if err != nil {
		return Report{}, err
	}
	defer w.Close()
	n := 0
	for _, err := range w.Entries(0) {
		if err != nil {
			return w.Report(), err
		}
		n++
	}
	hosts, err := w.log.HostIntents()
	if n != 4 || len(hosts) != 1 {
		err = fmt.Errorf("%d entries, %d host intents: %w", n, len(hosts), err)
	}
	return w.Report(), err
}
