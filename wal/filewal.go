package wal

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/emend/emend/internal/fail"
)

// SyncMode says when an entry is durable.
type SyncMode int

// The modes.
const (
	// SyncAlways: when Append returns nil. Concurrent appends share a sync.
	SyncAlways SyncMode = iota
	// SyncNone: when Sync or Close returns nil. Until then an entry survives
	// the process (it is in the kernel when Append returns), not a power cut.
	SyncNone
)

// WAL is a log of entries.
type WAL interface {
	Append(Entry) error
	Replay(fn func(Entry) error) error
	Truncate() error
	Close() error
}

// FileWAL is a WAL on the log of a directory, which it may share with intents:
// neither sees the other. It holds the log only while it appends; who holds the
// Log of the same directory must not wait for that. Safe for concurrent use.
//
// On an error of an append nothing is in the log, unless it is a
// *PoisonedError: then what was appended may be there or not, and the next
// append opens the log afresh.
type FileWAL struct {
	log  *Log
	opts Options
}

var _ WAL = (*FileWAL)(nil)

// NewFileWAL opens the log in dir, which is made where it is missing.
func NewFileWAL(dir string, syncMode SyncMode) (*FileWAL, error) {
	return OpenFileWAL(context.Background(), dir, Options{Sync: syncMode})
}

// OpenFileWAL is NewFileWAL with options.
func OpenFileWAL(ctx context.Context, dir string, o Options) (*FileWAL, error) {
	o = o.withDefaults()
	l, err := Open(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	return &FileWAL{log: l, opts: o}, nil
}

// Append appends an entry.
func (w *FileWAL) Append(e Entry) error {
	_, err := w.AppendBatch(context.Background(), e)
	return err
}

// AppendBatch appends entries in one atomic step, and returns the position of
// the first; a replay returns all of them or none. The context bounds the wait
// for the lock.
func (w *FileWAL) AppendBatch(ctx context.Context, batch ...Entry) (first uint64, err error) {
	req, err := w.start(ctx, batch)
	if err != nil {
		return 0, err
	}
	w.serve(req)
	return req.first, req.err
}

// AppendAsync takes a batch into the order of appends and returns before it is
// written. The batch must not be changed until the ticket is done.
func (w *FileWAL) AppendAsync(ctx context.Context, batch ...Entry) (*Ticket, error) {
	req, err := w.start(ctx, batch)
	if err != nil {
		return nil, err
	}
	t := &Ticket{req: req, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		w.serve(req)
	}()
	return t, nil
}

// Ticket stands for a batch on its way.
type Ticket struct {
	req  *request
	done chan struct{}
}

// Done is closed when the batch is durable (SyncNone: written), or has failed.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Wait waits for that and returns the position of the batch's first entry. If
// the context ends first, the batch is on its way still.
func (t *Ticket) Wait(ctx context.Context) (first uint64, err error) {
	select {
	case <-t.done:
		return t.req.first, t.req.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// start holds the log for a batch and gives it its place.
func (w *FileWAL) start(ctx context.Context, batch []Entry) (*request, error) {
	fs, err := w.frames(batch)
	if err != nil {
		return nil, err
	}
	if err := w.hold(ctx); err != nil {
		return nil, err
	}
	if w.opts.Sync == SyncAlways {
		return w.log.c.queue.enter(fs), nil
	}
	req := &request{fs: fs}
	w.log.c.mu.Lock()
	defer w.log.c.mu.Unlock()
	w.log.c.writeRun([]*request{req})
	return req, nil
}

// serve sees a batch through and gives the log back.
func (w *FileWAL) serve(req *request) {
	if req.wake != nil {
		w.log.c.await(req)
	}
	w.log.Release()
}

func (w *FileWAL) frames(batch []Entry) (*frames, error) {
	size := 0
	for i := range batch {
		size += batch[i].maxFrame()
	}
	fs := &frames{buf: make([]byte, 0, size)}
	for i := range batch {
		fs.add(typeEntry, flagBits(i < len(batch)-1, i > 0), batch[i].encode)
		if n := fs.list[i].length; int64(n) > w.opts.RecordLimit {
			return nil, tooLarge(w.log.c, n)
		}
	}
	return fs, nil
}

func (w *FileWAL) hold(ctx context.Context) error {
	return w.log.Acquire(ctx, w.opts.LockWait, nil)
}

// Sync makes every entry durable whose append has returned.
func (w *FileWAL) Sync() error {
	if err := w.hold(context.Background()); err != nil {
		return err
	}
	defer w.log.Release()
	return w.log.Sync()
}

// Replay calls fn for every entry that was appended before the call and is not
// truncated, in order. Fn may call Append. Damage is a *CorruptError; an error
// of fn ends the replay and is returned. Memory does not grow with the log.
func (w *FileWAL) Replay(fn func(Entry) error) error {
	for r, err := range w.Entries(0) {
		if err == nil {
			r.Data = bytes.Clone(r.Data)
			err = fn(r.Entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Entries are the entries from position from on that are in the log when the
// iteration begins, and not truncated, in order. Data is valid until the next
// one. An error is the last pair.
func (w *FileWAL) Entries(from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := w.log.recordReader(from)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for {
			rec, ok, err := r.next()
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !ok || !yield(rec, nil) {
				return
			}
		}
	}
}

// Truncate drops all entries that were appended before the call, in one atomic
// step; durable on nil.
func (w *FileWAL) Truncate() error {
	return w.truncate(func(x *entryIndex) uint64 { return x.next - 1 })
}

// TruncateThrough drops the entries up to position pos, pos included, in one
// atomic step; durable on nil. Compaction frees the room.
func (w *FileWAL) TruncateThrough(pos uint64) error {
	return w.truncate(func(x *entryIndex) uint64 { return min(pos, x.next-1) })
}

func (w *FileWAL) truncate(through func(*entryIndex) uint64) error {
	if err := w.hold(context.Background()); err != nil {
		return err
	}
	defer w.log.Release()
	c := w.log.c
	c.mu.Lock()
	pos := through(&c.idx.entries)
	c.mu.Unlock()
	return w.log.commitOne(typeTruncate, func(b []byte) []byte { return encodeTruncate(b, pos) })
}

// Err is the *PoisonedError of the sync that failed last, until the log has been
// opened afresh.
func (w *FileWAL) Err() error {
	w.log.c.mu.Lock()
	defer w.log.c.mu.Unlock()
	return w.log.c.poison
}

// Report returns what opening found, and what was repaired since.
func (w *FileWAL) Report() Report { return w.log.Report() }

// Stats returns what this process has done to the log.
func (w *FileWAL) Stats() Stats { return w.log.Stats() }

// Close makes every entry durable, if SyncNone left that open, and closes the
// handle; closing twice is nil.
func (w *FileWAL) Close() error {
	if w.log.closed.Load() {
		return nil
	}
	var err error
	if w.opts.Sync == SyncNone && !w.opts.ReadOnly {
		err = w.Sync()
	}
	return errors.Join(err, w.log.Close())
}

// tooLarge is the error for a record beyond the limit.
func tooLarge(c *shared, n int) error {
	return fail.New(fail.TooLarge, "append", c.path, "the record has %d bytes, the limit is %d", n, c.opts.RecordLimit)
}
