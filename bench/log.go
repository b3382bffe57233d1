//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// recordSizes are bytes an entry.
var recordSizes = []int{256, 4 << 10, 1 << 20}

// Appends are measured in many short turns on logs that stay open, because a
// disk is slower at one moment than at another: turns more than rounds, of
// turnTime, or of groupTime where several append, and fewer where a turn writes
// as much as manyBytes.
const (
	turns     = 20
	turnTime  = 5 * time.Millisecond
	groupTime = 50 * time.Millisecond
	manyBytes = 16 << 20
)

// codecTime is how long an intent is encoded or decoded over and over;
// replayBytes are the entries of a log that is replayed.
const (
	codecTime   = 100 * time.Millisecond
	replayBytes = 1 << 30
)

// logs measures the log: appends, replays, and the encoding of an intent.
func logs(b *bench) error {
	for _, appenders := range []int{1, 64} {
		for _, size := range recordSizes {
			if err := appends(b, size, appenders); err != nil {
				return err
			}
		}
	}
	for _, size := range recordSizes {
		if err := replays(b, size); err != nil {
			return err
		}
	}
	in := sampleIntent()
	binary, text := must(in.AppendBinary(nil)), must(json.Marshal(in))
	var buf bytes.Buffer
	err := b.compare("encode an intent", "memory bandwidth", []contender{
		timed("emend", func() (err error) { binary, err = in.AppendBinary(binary[:0]); return err }),
		timed("JSON", func() error { buf.Reset(); return json.NewEncoder(&buf).Encode(in) }),
	})
	if err != nil {
		return err
	}
	err = b.compare("decode an intent", "memory bandwidth: bytes are not copied", []contender{
		timed("emend", func() error { _, err := wal.DecodeIntent(binary); return err }),
		timed("JSON", func() error { return json.Unmarshal(text, new(wal.Intent)) }),
	})
	content := float64(contentOf(in))
	fmt.Fprintf(b.out, "encoded, the intent takes %.3f times what it holds; JSON %.3f times\n", float64(len(binary))/content, float64(len(text))/content)
	return err
}

// contentOf is how many bytes the fields of an intent have.
func contentOf(in *wal.Intent) int {
	n := len(in.ID)
	for _, e := range in.Edits {
		n += len(e.Path) + len(e.NewText) + 16
	}
	for path, b := range in.Originals {
		n += len(path) + len(b)
	}
	for _, hashes := range []map[string]string{in.ExpectedRawHash, in.ExpectedNormHash} {
		for path, hash := range hashes {
			n += len(path) + len(hash)
		}
	}
	return n
}

func bytesText(n int) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1<<10 {
			return fmt.Sprint(n, " ", unit)
		}
		n >>= 10
	}
	return fmt.Sprint(n, " GiB")
}

// appends compares appends of n at once by emend and its peers.
func appends(b *bench, size, n int) (err error) {
	what := fmt.Sprintf("append %s, %d at once", bytesText(size), n)
	if !b.only.MatchString(what) {
		return nil
	}
	dir, err := os.MkdirTemp(b.work, "append-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	var list []contender
	for i, peer := range peers {
		name, by := peer.name, n
		if peer.alone {
			name, by = name+", 1 at a time", 1
		}
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		a, err := peer.open(own, by)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		if err := a.Append(p); err != nil { // makes files
			return fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, contender{name, func() (time.Duration, error) { return appendFor(a, p, by) }})
	}
	many := *b
	if size*n < manyBytes {
		many.rounds *= turns
	}
	return many.compare(what, "one flush, shared by all who append", list)
}

// appendFor appends p from n goroutines for a turn, and returns the time that an
// append takes off the clock.
func appendFor(a appender, p []byte, n int) (time.Duration, error) {
	turn := turnTime
	if n > 1 {
		turn = groupTime
	}
	var count atomic.Int64
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range n {
		wg.Go(func() {
			for over := false; !over; over = errs[i] != nil || time.Since(start) > turn {
				errs[i] = a.Append(p)
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return time.Since(start) / time.Duration(count.Load()), errors.Join(errs...)
}

// replays compares the replay of a log with reading its file and hashing it.
func replays(b *bench, size int) error {
	what := "replay 1 GiB of " + bytesText(size)
	if !b.only.MatchString(what) {
		return nil
	}
	dir := filepath.Join(b.work, "replayed")
	defer os.RemoveAll(dir)
	if err := fillLog(dir, size); err != nil {
		return err
	}
	return b.compare(what, "reading and hashing each byte once", []contender{
		{"emend", func() (time.Duration, error) { return replay(dir) }},
		{"read with xxh3", func() (time.Duration, error) { return hashFile(filepath.Join(dir, "wal.log")) }},
	})
}

func fillLog(dir string, size int) error {
	ctx := context.Background()
	w, err := wal.OpenFileWAL(ctx, dir, wal.Options{Sync: wal.SyncNone, CompactFrom: -1})
	if err != nil {
		return err
	}
	batch := make([]wal.Entry, max(64<<10/size, 1))
	for i := range batch {
		p := make([]byte, size)
		for j := range p {
			p[j] = byte(rand.Uint32())
		}
		batch[i] = wal.Entry{Op: wal.OpPut, Data: p}
	}
	for range replayBytes / size / len(batch) {
		if _, err := w.AppendBatch(ctx, batch...); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}

func replay(dir string) (time.Duration, error) {
	w, err := wal.OpenFileWAL(context.Background(), dir, wal.Options{CompactFrom: -1})
	if err != nil {
		return 0, err
	}
	defer w.Close()
	start, n := time.Now(), 0
	for e, err := range w.Entries(0) {
		if err != nil {
			return 0, err
		}
		n += len(e.Data)
	}
	if n != replayBytes {
		return 0, fmt.Errorf("%d bytes of %d were replayed", n, replayBytes)
	}
	return time.Since(start), nil
}

func hashFile(name string) (time.Duration, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	start := time.Now()
	var h hashing.RawHasher
	buf := make([]byte, 256<<10)
	for {
		n, err := f.Read(buf)
		_, _ = h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			h.Raw()
			return time.Since(start), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// sampleIntent edits 100 files of 8 KiB.
func sampleIntent() *wal.Intent {
	in := &wal.Intent{ID: "sample", Originals: map[string][]byte{}, ExpectedRawHash: map[string]string{}, ExpectedNormHash: map[string]string{}}
	for i := range 100 {
		p := make([]byte, 8<<10)
		for j := range p {
			p[j] = byte(rand.Uint32())
		}
		name := fmt.Sprintf("path/to/some/file%d.go", i)
		in.Originals[name] = p
		in.ExpectedRawHash[name], in.ExpectedNormHash[name] = hashing.Raw(p).String(), hashing.Norm(p).String()
		in.Edits = append(in.Edits, locator.FileEdit{Path: name, StartByte: 100, EndByte: 120, NewText: "some new text"})
	}
	return in
}

// timed runs fn for a while and returns the time of one run.
func timed(name string, fn func() error) contender {
	return contender{name, func() (time.Duration, error) {
		n, start := 0, time.Now()
		for ; time.Since(start) < codecTime; n++ {
			if err := fn(); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / time.Duration(n), nil
	}}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
