package wal

import (
	"errors"
	"runtime"
	"sync"
)

// maxBatch is about how many bytes one leader takes on, so that a follower is
// not kept waiting by everyone else's records. Half of it would cost 64 appenders
// of 1 MiB a third of their speed: each sync has a journal to commit as well.
const maxBatch = 8 << 20

// queue holds who waits for a sync. The first to come leads: it writes and
// syncs for everyone who is waiting by then, while the next ones queue up, and
// hands over to the first of those. There is no timer.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
}

type request struct {
	fs    *frames // nil: only the sync
	first uint64  // position of its first entry, once written
	err   error
	wake  chan bool // true: lead; false: done
}

// commit appends the frames, if any, and returns when they and everything
// appended before are durable. The caller has the kernel lock.
func (c *shared) commit(fs *frames) error {
	r := c.queue.enter(fs)
	c.await(r)
	return r.err
}

// enter takes a place in the queue: requests are served in this order.
func (q *queue) enter(fs *frames) *request {
	r := &request{fs: fs, wake: make(chan bool, 1)}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, r)
	if !q.led {
		q.led = true
		r.wake <- true
	}
	return r
}

// await returns when the request has been served, by this caller if it is its
// turn to lead.
func (c *shared) await(r *request) {
	if lead := <-r.wake; !lead {
		return
	}
	c.gather()
	batch := c.queue.take()
	c.writeBatch(batch)
	err := c.barrier()
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
	}
	c.queue.handOver(batch)
}

// gather lets those come in whom the last sync served and who are on their way
// again: without it they form two crowds that take turns, and a sync serves half
// of all appenders. It waits for nobody: it ends when everybody who holds the log
// is here, or a turn of the scheduler brings no one.
func (c *shared) gather() {
	for came := 0; ; {
		now := c.queue.len()
		if now == came || now >= c.hold.holders() {
			return
		}
		came = now
		runtime.Gosched()
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take removes the next batch; its first request is the leader's own.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.waiting) && (n == 0 || size < maxBatch) {
		if fs := q.waiting[n].fs; fs != nil {
			size += len(fs.buf)
		}
		n++
	}
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}

// handOver wakes whom the batch served, and then the next leader.
func (q *queue) handOver(batch []*request) {
	for _, r := range batch[1:] {
		r.wake <- false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.led = len(q.waiting) > 0; q.led {
		q.waiting[0].wake <- true
	}
}

// smallWrite is how many bytes are worth copying to save a write of their own.
const smallWrite = 64 << 10

// writeBatch writes what the batch brings: small records next to each other
// with one write, large ones from where they are.
func (c *shared) writeBatch(batch []*request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	small := func(r *request) bool { return r.fs != nil && len(r.fs.buf) < smallWrite }
	for len(batch) > 0 {
		n, size := 0, 0
		for n < len(batch) && small(batch[n]) && size < flushSize {
			size += len(batch[n].fs.buf)
			n++
		}
		n = max(n, 1)
		c.writeRun(batch[:n])
		batch = batch[n:]
	}
}

// writeRun writes requests with one write, or, where that fails, one by one: a
// record that does not fit a full disk must not take the ones with it for which
// room was kept.
func (c *shared) writeRun(run []*request) {
	first := c.idx.entries.next
	if len(run) > 1 {
		var all frames
		for _, r := range run {
			all.join(r.fs)
		}
		if c.write(&all) == nil {
			for _, r := range run {
				r.first = first
				first += r.fs.entries()
			}
			return
		}
	}
	for _, r := range run {
		if r.first = c.idx.entries.next; r.fs != nil {
			r.err = c.write(r.fs)
		}
	}
}

// barrier makes durable what has been written so far. After a batch with a
// seal it writes a mark: a frame that says, without a sync of its own, that
// the batch was synced, so that damage to it can be told from a torn write.
func (c *shared) barrier() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poison != nil || c.gen == nil {
		return c.poison
	}
	if err := c.reclaim(); err != nil {
		return err
	}
	if c.opts.NoSync || c.synced >= c.owed && !c.names {
		return nil
	}
	gen, names, end, sealed := c.gen, c.names, c.pos.off, c.sealed
	c.mu.Unlock()
	err := c.sync(gen, names)
	c.mu.Lock()
	if err != nil {
		return c.poisonIf(err)
	}
	c.stats.Syncs++
	c.synced, c.names = max(c.synced, end), c.names && !names
	if sealed > c.marked {
		c.marked = sealed
		c.mark()
	}
	return nil
}

// sync syncs the file and, side by side, the directory that names it.
func (c *shared) sync(gen *generation, names bool) error {
	if !names {
		return gen.file.Datasync()
	}
	dir := make(chan error, 1)
	go func() { dir <- c.dir.Sync() }()
	return errors.Join(gen.file.Datasync(), <-dir)
}

// mark is a help against damage, not a promise: where it fails, the next
// frame vouches instead.
func (c *shared) mark() {
	var fs frames
	fs.add(typeMark, 0, nil)
	if c.write(&fs) == nil {
		c.stats.Marks++
	}
}
