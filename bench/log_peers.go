//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	tidwall "github.com/tidwall/wal"
	"go.etcd.io/bbolt"
	etcd "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sys/unix"

	"github.com/emend/emend/wal"
)

// appender is somebody's log. Append returns when p is durable, and may be
// called by several at once.
type appender interface {
	Append(p []byte) error
	Close() error
}

// peers: the first is emend; the others are what it is compared with, each as
// its own documentation or its own engine uses it.
var peers = []struct {
	name  string
	alone bool // one appender, however many the others have
	open  func(dir string, appenders int) (appender, error)
}{
	{"emend", false, openEmend},
	{"pwrite + fdatasync into zeros", true, openFloor},
	{"etcd", false, openEtcd},
	{"Pebble", false, openPebble},
	{"raft-wal", false, openRaftWAL},
	{"tidwall/wal", false, openTidwall},
	{"bbolt", false, openBolt},
	{"open, write, fsync, close", false, openEach},
}

type emendLog struct{ *wal.FileWAL }

func openEmend(dir string, _ int) (appender, error) {
	w, err := wal.OpenFileWAL(context.Background(), dir, wal.Options{CompactFrom: -1})
	return emendLog{w}, err
}

func (l emendLog) Append(p []byte) error {
	return l.FileWAL.Append(wal.Entry{Op: wal.OpPut, Data: p})
}

// floor is the least that a log must do: it writes into zeros that were there
// before the clock ran, over and over, and syncs.
type floor struct {
	f   *os.File
	off int64
}

const floorSize = 64 << 20

func openFloor(dir string, _ int) (appender, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(make([]byte, floorSize)); err != nil {
		return nil, err
	}
	return &floor{f: f}, f.Sync()
}

func (l *floor) Append(p []byte) error {
	if l.off+int64(len(p)) > floorSize {
		l.off = 0
	}
	if _, err := l.f.WriteAt(p, l.off); err != nil {
		return err
	}
	l.off += int64(len(p))
	return unix.Fdatasync(int(l.f.Fd()))
}

func (l *floor) Close() error { return l.f.Close() }

// serial numbers records for logs that want them in order, one at a time.
type serial struct {
	mu    sync.Mutex
	n     uint64
	write func(n uint64, p []byte) error
	close func() error
}

func (l *serial) Append(p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return l.write(l.n, p)
}

func (l *serial) Close() error { return l.close() }

func openEtcd(dir string, _ int) (appender, error) {
	w, err := etcd.Create(nil, filepath.Join(dir, "etcd"), nil)
	if err != nil {
		return nil, err
	}
	term := uint64(1)
	return &serial{close: w.Close, write: func(n uint64, p []byte) error {
		return w.Save(&raftpb.HardState{}, []*raftpb.Entry{{Term: &term, Index: &n, Data: p}})
	}}, nil
}

func openRaftWAL(dir string, _ int) (appender, error) {
	w, err := raftwal.Open(dir)
	if err != nil {
		return nil, err
	}
	return &serial{close: w.Close, write: func(n uint64, p []byte) error {
		return w.StoreLogs([]*raft.Log{{Index: n, Term: 1, Data: p}})
	}}, nil
}

func openTidwall(dir string, _ int) (appender, error) {
	w, err := tidwall.Open(filepath.Join(dir, "tidwall"), nil)
	if err != nil {
		return nil, err
	}
	return &serial{close: w.Close, write: w.Write}, nil
}

// openEach opens its file for every record.
func openEach(dir string, _ int) (appender, error) {
	name := filepath.Join(dir, "log")
	return &serial{close: func() error { return nil }, write: func(_ uint64, p []byte) error {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Write(p); err != nil {
			return err
		}
		return f.Sync()
	}}, nil
}

// pebble queues records under a mutex, as its commit pipeline does; its writer
// syncs for everybody who waits.
type pebble struct {
	mu sync.Mutex
	w  *record.LogWriter
}

// pebbleAhead is what Pebble preallocates with its default options.
const pebbleAhead = 4<<20 + 4<<20/10

func openPebble(dir string, _ int) (appender, error) {
	f, err := vfs.Default.Create(filepath.Join(dir, "pebble.log"), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{PreallocateSize: pebbleAhead})
	return &pebble{w: record.NewLogWriter(f, 1, record.LogWriterConfig{WriteWALSyncOffsets: func() bool { return false }})}, nil
}

func (l *pebble) Append(p []byte) error {
	var wg sync.WaitGroup
	var syncErr error
	wg.Add(1)
	l.mu.Lock()
	_, err := l.w.SyncRecord(p, &wg, &syncErr)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	wg.Wait()
	return syncErr
}

func (l *pebble) Close() error { return l.w.Close() }

// bolt puts records under ascending keys; several share a sync by Batch, which
// would keep a single one waiting.
type bolt struct {
	db    *bbolt.DB
	write func(func(*bbolt.Tx) error) error
}

func openBolt(dir string, appenders int) (appender, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("log")); return err })
	if appenders == 1 {
		return &bolt{db, db.Update}, err
	}
	return &bolt{db, db.Batch}, err
}

func (l *bolt) Append(p []byte) error {
	return l.write(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("log"))
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		var key [8]byte
		for i := range key {
			key[i] = byte(n >> (56 - 8*i))
		}
		return b.Put(key[:], p)
	})
}

func (l *bolt) Close() error { return l.db.Close() }
