package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs/crashfs"
)

// sample is a log as a process left it, and its frames.
type sample struct {
	name   string
	data   []byte
	frames []frame
	birth  int64
	tried  int
}

// samples are small logs with acknowledged records of all kinds, ended in both
// ways.
func samples(t testing.TB) []sample {
	var list []sample
	for _, clean := range []bool{false, true} {
		disk := newDisk()
		b := newLedger()
		l, err := ledgerOpen(disk)
		require.NoError(t, err)
		require.NoError(t, b.entry(l, "e1", 5))
		require.NoError(t, b.appendHost(l, "h1"))
		id, err := b.seal(l, "one", 40)
		require.NoError(t, err)
		require.NoError(t, l.Decide(id, Back))
		require.NoError(t, b.retire(l, id, RolledBack))
		require.NoError(t, b.truncate(l))
		require.NoError(t, b.entry(l, "e2", 3))
		_, err = b.seal(l, "two", 9)
		require.NoError(t, err)
		require.NoError(t, b.retireHost(l, "h1"))
		if clean {
			require.NoError(t, ledgerClose(l))
		}
		data, err := disk.ReadFile(ledgerDir + "/" + logName)
		require.NoError(t, err)
		s := readSample(t, data)
		s.name = map[bool]string{false: "crashed", true: "closed"}[clean]
		list = append(list, s)
	}
	return list
}

func readSample(t testing.TB, data []byte) sample {
	h, err := decodeFileHeader(data, "sample")
	require.NoError(t, err)
	s := sample{birth: h.birth}
	sc := &scanner{r: bytes.NewReader(data), size: int64(len(data)), salt: h.salt()}
	for p := h.start(); ; {
		f, ok, err := sc.next(p)
		require.NoError(t, err)
		if !ok {
			s.data = data[:min(int64(len(data)), p.off+4096)]
			return s
		}
		f.payload = slices.Clone(f.payload)
		s.frames = append(s.frames, f)
		p = f.after()
	}
}

func (s *sample) end() int64 { return s.frames[len(s.frames)-1].end() }

// summary is what an index knows, to compare.
func (x *index) summary() string {
	var b bytes.Buffer
	for _, t := range x.sealed {
		fmt.Fprintln(&b, t.begin.ID, t.outcome, t.decision)
	}
	fmt.Fprintln(&b, slices.Sorted(maps.Values(x.hosts.live)), x.entries)
	return b.String()
}

// verdict is what has to be found in data, the sample after an accident: an
// error where a frame that is still whole says that what is gone was synced;
// otherwise everything before the first frame that is not whole.
func (s *sample) verdict(data []byte) (damaged bool, summary string) {
	if !bytes.Equal(data[:min(len(data), fileHeaderSize)], s.data[:fileHeaderSize]) {
		return true, ""
	}
	x := newIndex()
	for i, f := range s.frames {
		if !s.whole(data, &f) {
			later := slices.ContainsFunc(s.frames[i+1:], func(l frame) bool { return l.synced > f.off && s.whole(data, &l) })
			return later || f.off < s.birth, x.summary()
		}
		if err := x.add(&f, f.groupSum()); err != nil {
			panic(err)
		}
	}
	return false, x.summary()
}

func (s *sample) whole(data []byte, f *frame) bool {
	return f.end() <= int64(len(data)) && bytes.Equal(data[f.off:f.end()], s.data[f.off:f.end()])
}

// suffer opens data as a log and holds it to the verdict.
func (s *sample) suffer(data []byte) error {
	disk := crashfs.New(crashfs.Options{})
	if err := errors.Join(disk.MkdirAll(ledgerDir, 0o700), disk.WriteFile(ledgerDir+"/"+logName, data, 0o600)); err != nil {
		return err
	}
	disk.Settle()
	damaged, want := s.verdict(data)
	report, err := Verify(disk, ledgerDir)
	if err != nil {
		return err
	}
	if damaged != (report.Health() == "damaged") {
		return fmt.Errorf("damaged %v, but Verify says %+v", damaged, report)
	}
	got, torn, err := summaryOf(disk)
	var corrupt *CorruptError
	switch {
	case damaged && !errors.As(err, &corrupt):
		return fmt.Errorf("silent loss: %v, %s", err, got)
	case damaged:
		if after, _ := disk.ReadFile(ledgerDir + "/" + logName); s.name == "crashed" && !bytes.Equal(after, data) {
			return errors.New("a damaged log was touched")
		}
		return nil
	case err != nil:
		return fmt.Errorf("nothing acknowledged is gone: %w", err)
	case got != want:
		return fmt.Errorf("got %s, want %s", got, want)
	case (report.Health() == "torn") != (torn > 0):
		return fmt.Errorf("torn: %d bytes, Verify says %+v", torn, report)
	}
	if s.tried++; s.tried%8 != 0 {
		return nil
	}
	if err := Dump(io.Discard, disk, ledgerDir); err != nil {
		return err
	}
	return useAfter(disk)
}

// summaryOf opens the log and reads all of it.
func summaryOf(disk *crashfs.FS) (summary string, torn int64, err error) {
	l, err := ledgerOpen(disk)
	if err != nil {
		return "", 0, err
	}
	l.c.mu.Lock()
	err = l.c.wholeIndex()
	if err == nil {
		summary = l.c.idx.summary()
	}
	l.c.mu.Unlock()
	torn = l.Report().TornBytes
	return summary, torn, errors.Join(err, ledgerClose(l))
}

// useAfter appends twice, with a crash in between, and expects both.
func useAfter(disk *crashfs.FS) error {
	for _, id := range []string{"x", "y"} {
		l, err := ledgerOpen(disk)
		if err != nil {
			return err
		}
		if err := l.AppendHost(Intent{ID: id}); err != nil {
			return err
		}
		disk = disk.Survive(crashfs.AllLost())
	}
	l, err := ledgerOpen(disk)
	if err != nil {
		return err
	}
	hosts, err := l.HostIntents()
	if err != nil || len(hosts) < 2 || hosts[len(hosts)-2].ID != "x" || hosts[len(hosts)-1].ID != "y" {
		return fmt.Errorf("what was appended after the accident is lost: %w", err)
	}
	return ledgerClose(l)
}

func TestLesson6And29And30EveryBitFlipped(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			data := slices.Clone(s.data)
			stride := 1
			if s.name == "closed" {
				stride = rounds(7, 1)
			}
			for bit := 0; bit < int(s.end()+64)*8; bit += stride {
				data[bit/8] ^= 1 << (bit % 8)
				require.NoError(t, s.suffer(data), "bit %d of byte %d", bit%8, bit/8)
				data[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

func TestLesson5TruncatedAtEveryByteThenAppendedTwice(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			for n := range int(s.end()) + 1 {
				require.NoError(t, s.suffer(s.data[:n]), "%d bytes", n)
			}
		})
	}
}

// Blocks that are zeroed, repeated, swapped, dropped, or come from another
// generation of the same log.
func TestBlocksMixedUp(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			for _, size := range []int{8, 72, 512} {
				for at := 0; at+2*size <= len(s.data) && at < int(s.end()); at += 8 * rounds(3, 1) {
					for what, data := range s.mixed(at, size) {
						require.NoError(t, s.suffer(data), "%s: %d bytes at %d", what, size, at)
					}
				}
			}
		})
	}
}

func (s *sample) mixed(at, size int) map[string][]byte {
	zeroed, repeated, swapped, older := slices.Clone(s.data), slices.Clone(s.data), slices.Clone(s.data), slices.Clone(s.data)
	a, b := s.data[at:][:size], s.data[at+size:][:size]
	clear(zeroed[at:][:size])
	copy(repeated[at+size:], a)
	copy(swapped[at:], b)
	copy(swapped[at+size:], a)
	if at >= fileHeaderSize || at+size <= fileHeaderSize { // header and frames come back together only as a whole file
		copy(older[at:], s.olderGeneration()[at:][:size])
	}
	return map[string][]byte{
		"zeroed": zeroed, "repeated": repeated, "swapped": swapped, "older generation": older,
		"dropped":  slices.Concat(s.data[:at], s.data[at+size:]),
		"inserted": slices.Concat(s.data[:at], a, s.data[at:]),
	}
}

// olderGeneration is the sample as if its frames had been written in the
// generation before.
func (s *sample) olderGeneration() []byte {
	h, err := decodeFileHeader(s.data, "")
	if err != nil {
		panic(err)
	}
	h.generation--
	data := slices.Clone(s.data)
	copy(data, h.encode())
	p := h.start()
	for _, f := range s.frames {
		p = putFrameHeader(data[f.off:], h.salt(), p, f.synced)
	}
	return data
}

func fixHeaderCRC(h []byte) {
	binary.LittleEndian.PutUint32(h[60:], crc32.Checksum(h[:60], castagnoli))
}
