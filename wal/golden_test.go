package wal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs/crashfs"
)

// Golden logs were written once, by the version that introduced what is in
// them, and are read for ever: they may be added to and never changed. Beside
// each stands what Dump says of it, and in a log's directory nothing else.
// EMEND_GOLDEN=1 writes those that are missing.
func TestGoldenLogsAreStillRead(t *testing.T) {
	if os.Getenv("EMEND_GOLDEN") != "" {
		writeGolden(t)
	}
	logs, err := filepath.Glob("testdata/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, name := range logs {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			want, err := os.ReadFile(strings.TrimSuffix(name, ".log") + ".txt")
			require.NoError(t, err)
			disk := diskWith(t, data)
			var dump bytes.Buffer
			require.NoError(t, Dump(&dump, disk, ledgerDir))
			require.Equal(t, string(want), dump.String())

			l, err := ledgerOpen(disk)
			if strings.Contains(name, "damaged") {
				var corrupt *CorruptError
				require.ErrorAs(t, err, &corrupt)
				return
			}
			require.NoError(t, err)
			require.NoError(t, l.History(func(tx *Transaction) error {
				_, err := tx.LoadSteps()
				return err
			}))
			require.NoError(t, l.AppendHost(Intent{ID: "new"}))
			require.NoError(t, ledgerClose(l))
		})
	}
}

func diskWith(t testing.TB, data []byte) *crashfs.FS {
	disk := crashfs.New(crashfs.Options{})
	require.NoError(t, errors.Join(disk.MkdirAll(ledgerDir, 0o700), disk.WriteFile(ledgerDir+"/"+logName, data, 0o600)))
	disk.Settle()
	return disk
}

// writeGolden writes the logs of version 1.
func writeGolden(t *testing.T) {
	disk := newDisk()
	b := newLedger()
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	require.NoError(t, busy(l, b))
	goldenFile(t, "v1-crashed", disk, func(d []byte) []byte { return d })
	goldenFile(t, "v1-torn", disk, func(d []byte) []byte { return d[:len(bytes.TrimRight(d, "\x00"))-3] })
	goldenFile(t, "v1-damaged", disk, func(d []byte) []byte { d[1000] ^= 4; return d })
	require.NoError(t, ledgerClose(l))
	goldenFile(t, "v1-closed", disk, func(d []byte) []byte { return d })
	l, err = Open(context.Background(), ledgerDir, Options{FS: disk, HistoryIntents: 3})
	require.NoError(t, err)
	_, err = compactNow(l)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	goldenFile(t, "v1-compacted", disk, func(d []byte) []byte { return d })
}

func goldenFile(t *testing.T, name string, disk *crashfs.FS, change func([]byte) []byte) {
	log, text := "testdata/"+name+".log", "testdata/"+name+".txt"
	if _, err := os.Stat(log); err == nil {
		return
	}
	data, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	end := len(bytes.TrimRight(data, "\x00"))
	data = change(data[:(end+1023)/1024*1024])
	var dump bytes.Buffer
	require.NoError(t, Dump(&dump, diskWith(t, data), ledgerDir))
	require.NoError(t, os.WriteFile(log, data, 0o644))
	require.NoError(t, os.WriteFile(text, dump.Bytes(), 0o644))
}
