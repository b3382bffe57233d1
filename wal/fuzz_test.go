package wal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/crashfs"
)

// FuzzOpen opens any bytes as a log: no panic, no hang, and whatever can be
// opened can be used.
func FuzzOpen(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data[:s.end()])
		f.Add(s.data[:s.end()-9])
	}
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, data []byte) { devour(t, data) })
}

// FuzzPayloads reads a log whose frames are right, with payloads that need not
// be: every third byte of the recipe is a type and a length.
func FuzzPayloads(f *testing.F) {
	for _, s := range samples(f) {
		var recipe []byte
		for _, fr := range s.frames {
			recipe = append(recipe, byte(fr.typ), fr.flags, byte(fr.length), byte(fr.length>>8))
			recipe = append(recipe, fr.payload...)
		}
		f.Add(recipe)
	}
	f.Fuzz(func(t *testing.T, recipe []byte) {
		h := fileHeader{generation: 1, baseSeq: 1, birth: fileHeaderSize}
		var fs frames
		for len(recipe) >= 4 {
			n := min(int(recipe[2])|int(recipe[3])<<8, len(recipe)-4)
			typ, flags, payload := frameType(recipe[0]), recipe[1], recipe[4:][:n]
			recipe = recipe[4+n:]
			fs.add(max(typ, 1), flags, func(b []byte) []byte { return append(b, payload...) })
		}
		fs.link(h.salt(), h.start(), fileHeaderSize)
		devour(t, append(h.encode(), fs.buf...))
	})
}

// devour reads data as a log, in every way there is.
func devour(t *testing.T, data []byte) {
	disk := crashfs.New(crashfs.Options{})
	require.NoError(t, errors.Join(disk.MkdirAll(ledgerDir, 0o700), disk.WriteFile(ledgerDir+"/"+logName, data, 0o600)))
	_, err := Verify(disk, ledgerDir)
	known(t, err)
	known(t, Dump(io.Discard, disk, ledgerDir))
	_, err = Salvage(disk, ledgerDir, "/w/saved")
	known(t, err)
	if err == nil {
		saved, err := Open(context.Background(), "/w/saved", Options{FS: disk})
		require.NoError(t, err)
		require.NoError(t, saved.History(func(*Transaction) error { return nil }))
		require.NoError(t, saved.Close())
	}
	l, err := ledgerOpen(disk)
	known(t, err)
	if err != nil {
		return
	}
	known(t, l.History(func(tx *Transaction) error {
		steps, err := tx.LoadSteps()
		known(t, err)
		for _, s := range steps {
			for _, img := range []Image{Before, After} {
				if r, ok := tx.Image(s.N, img); ok {
					n, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size()))
					known(t, err)
					require.LessOrEqual(t, n, int64(len(data)))
				}
			}
		}
		return nil
	}))
	_, err = l.HostIntents()
	known(t, err)
	known(t, ledgerReplay(l, func(Entry) error { return nil }))
	_, err = l.FindKey("key")
	known(t, err)
	for _, tx := range l.Orphans() {
		require.NoError(t, l.Retire(tx.ID, RolledBack))
	}
	require.Empty(t, l.Pending())
	require.NoError(t, ledgerAppend(l, Entry{Op: OpPut, Key: "k"}))
	require.NoError(t, ledgerClose(l))
}

// known fails the test on errors that are not about the log.
func known(t *testing.T, err error) {
	t.Helper()
	var corrupt *CorruptError
	var version *VersionError
	if err != nil && !errors.As(err, &corrupt) && !errors.As(err, &version) {
		require.NoError(t, err)
	}
}

// FuzzDecoders: what a decoder takes, its encoder writes the same.
func FuzzDecoders(f *testing.F) {
	for _, s := range samples(f) {
		for _, fr := range s.frames {
			f.Add(byte(fr.typ), fr.payload)
		}
	}
	f.Fuzz(func(t *testing.T, typ byte, p []byte) {
		if again, ok := recode(frameType(typ), p); ok {
			twice, ok := recode(frameType(typ), again)
			require.True(t, ok)
			require.True(t, bytes.Equal(again, twice))
		}
	})
}

// recode decodes and encodes.
func recode(typ frameType, p []byte) ([]byte, bool) {
	switch typ {
	case typeBegin:
		v, err := decodeBegin(p)
		return v.encode(nil), err == nil
	case typeFile:
		id, v, err := decodeStep(p)
		return v.encode(nil, id), err == nil
	case typeData:
		v, err := decodeDataHeader(p)
		return v.encode(nil, p[min(len(p), dataHeaderSize):]), err == nil
	case typeSeal:
		v, err := decodeSeal(p)
		return v.encode(nil), err == nil
	case typeNote:
		v, err := decodeNote(p)
		return v.encode(nil), err == nil
	case typeHost:
		v, err := DecodeIntent(p)
		return v.encode(nil), err == nil
	case typeEntry:
		v, err := decodeEntry(p)
		return v.encode(nil), err == nil
	case typeKeys:
		v, err := decodeKeys(p)
		return encodeKeys(nil, v), err == nil
	case typeCheckpoint:
		v, err := decodeCheckpoint(p)
		return v.encode(nil), err == nil
	}
	return nil, false
}

func TestRecordsRoundTrip(t *testing.T) {
	id, err := NewID()
	require.NoError(t, err)
	at := time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC)
	b := Begin{ID: id, Time: at, Label: "l\xff", Key: "k", Plan: hashing.Raw([]byte("p")), Undoes: ID{1}, Redo: true}
	gotBegin, err := decodeBegin(b.encode(nil))
	require.NoError(t, err)
	require.Equal(t, b, gotBegin)

	full := Step{
		N: 7, Path: "a\xff\n", LinkOf: -1, DirFrom: "old", InPlace: true, Sibling: ".s", HasBefore: true, HasAfter: true,
		Op: StepRename, Order: 3, From: "f", NumEdits: 2, Shifted: -1, Anchor: "find",
		Before: State{Kind: vfs.Regular, Hash: hashing.Raw([]byte("b")), Norm: hashing.Raw([]byte("n")), Size: 1 << 40,
			Meta: Meta{Mode: 0o4755, UID: 1<<32 - 1, GID: 5, Xattrs: []vfs.Xattr{{Name: "user.a", Value: []byte{0}}, {Name: "b"}}}},
		After: State{Kind: vfs.Symlink, Hash: hashing.Raw([]byte("t")), Target: "t\xfe", Meta: Meta{Mode: 0o777}},
		Edits: []Replacement{{Start: 5, Old: []byte("x")}, {Start: 1 << 33, New: []byte("\x00")}},
	}
	for _, s := range []Step{full, {LinkOf: 2}, {Before: State{Kind: vfs.Directory, Meta: Meta{Mode: 0o2755}}, LinkOf: -1}} {
		gotID, got, err := decodeStep(s.encode(nil, id))
		require.NoError(t, err)
		require.Equal(t, id, gotID)
		require.True(t, reflect.DeepEqual(s, got), "%+v\n%+v", s, got)
	}
	keys := []keyRecord{{begin: Begin{ID: id, Key: "k"}, outcome: Committed}, {begin: Begin{ID: ID{2}}, outcome: RolledBack}}
	gotKeys, err := decodeKeys(encodeKeys(nil, keys))
	require.NoError(t, err)
	require.Equal(t, keys, gotKeys)
	parsed, err := ParseID(id.String())
	require.NoError(t, err)
	require.Equal(t, id, parsed)
	for _, bad := range []string{"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000U", id.String() + "0"} {
		_, err := ParseID(bad)
		require.Error(t, err, bad)
	}
}
