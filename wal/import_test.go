package wal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
)

const jsonLines = `{"id":"a","edits":[{"path":"f","start_byte":1,"end_byte":3,"new_text":"x"}],"originals":{"f":"b2xk"},` +
	`"expected_raw_hash":{"f":"r"},"expected_norm_hash":{"f":"n"}}
{"id":"b","edits":[{"Path":"g","StartByte":4,"EndByte":5,"NewText":"y"}],"originals":{"g":""}}

`

func jsonDisk(t *testing.T, lines string) *crashfs.FS { return diskWith(t, []byte(lines)) }

func imported(fsys vfs.FS, o Options) ([]Intent, error) {
	o.FS = fsys
	l, err := Open(context.Background(), ledgerDir, o)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.HostIntents()
}

func TestJSONLinesAreImported(t *testing.T) {
	disk := jsonDisk(t, jsonLines)
	for _, readOnly := range []bool{true, false} {
		list, err := imported(disk, Options{ReadOnly: readOnly})
		require.NoError(t, err)
		require.Len(t, list, 2)
	}
	require.Equal(t, "ok", health(t, disk))
	l, err := ledgerOpen(disk)
	require.NoError(t, err)
	list, err := l.HostIntents()
	require.NoError(t, err)
	require.Equal(t, "a", list[0].ID)
	require.Equal(t, []byte("old"), list[0].Originals["f"])
	require.Equal(t, map[string]string{"f": "r"}, list[0].ExpectedRawHash)
	require.Equal(t, map[string]string{"f": "n"}, list[0].ExpectedNormHash)
	require.Equal(t, 1, list[0].Edits[0].StartByte)
	require.Equal(t, 5, list[1].Edits[0].EndByte)
	require.Equal(t, "y", list[1].Edits[0].NewText)
	require.NoError(t, l.RetireHost("a"))
	require.NoError(t, ledgerClose(l))
	kept, err := disk.ReadFile(ledgerDir + "/" + importedName)
	require.NoError(t, err)
	require.Equal(t, jsonLines, string(kept))
	require.Equal(t, "ok", health(t, disk))
	list, err = imported(disk, Options{})
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestTornAndDamagedJSONLines(t *testing.T) {
	whole := strings.TrimSpace(jsonLines)
	for n := strings.IndexByte(whole, '\n') + 1; n <= len(whole); n++ {
		list, err := imported(jsonDisk(t, whole[:n]), Options{})
		require.NoError(t, err)
		require.Len(t, list, map[bool]int{true: 2, false: 1}[n == len(whole)])
	}
	broken := strings.Replace(jsonLines, `"id":"a"`, `"id":"a`, 1)
	disk := jsonDisk(t, broken)
	var corrupt *CorruptError
	_, err := ledgerOpen(disk)
	require.ErrorAs(t, err, &corrupt)
	require.Contains(t, corrupt.Lost, "line 1")
	_, err = imported(disk, Options{ReadOnly: true})
	require.ErrorAs(t, err, &corrupt)
	require.Equal(t, "damaged", health(t, disk))
	left, err := disk.ReadFile(ledgerDir + "/" + logName)
	require.NoError(t, err)
	require.Equal(t, broken, string(left))
}

func TestImportSurvivesCrashes(t *testing.T) {
	run := func(fsys vfs.FS, b *ledger) error {
		l, err := ledgerOpen(fsys)
		if err != nil {
			return err
		}
		return errors.Join(b.appendHost(l, "new"), ledgerClose(l))
	}
	check := func(b *ledger, fsys *crashfs.FS) error {
		if err := b.check(fsys); err != nil {
			return err
		}
		list, err := imported(fsys, Options{})
		if err != nil || len(list) < 2 || list[0].ID != "a" || list[1].ID != "b" {
			return fmt.Errorf("imported %v: %w", list, err)
		}
		kept, err := fsys.ReadFile(ledgerDir + "/" + importedName)
		if err != nil || string(kept) != jsonLines {
			return fmt.Errorf("the old log is gone: %q, %w", kept, err)
		}
		return nil
	}
	require.NoError(t, sweep(jsonDisk(t, jsonLines), newLedger(), run, check))
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(jsonLines))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readJSONLog(strings.NewReader(string(data)), int64(len(data)), "f")
		known(t, err)
		for _, in := range list {
			got, err := DecodeIntent(in.encode(nil))
			require.NoError(t, err)
			a, _ := json.Marshal(in)
			b, _ := json.Marshal(got)
			require.Equal(t, string(a), string(b))
		}
	})
}
