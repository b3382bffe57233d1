package wal

import (
	"errors"
	"sync"
)

// maxBatch is how many bytes one leader takes on, so that a follower is not
// kept waiting by everyone else's records.
const maxBatch = 4 << 20

// queue holds who waits for a sync. The first to come leads: it writes and
// syncs for everyone who is waiting by then, while the next ones gather, and
// hands over to the first of those. There is no timer.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
}

type request struct {
	fs   *frames // nil: only the sync
	err  error
	wake chan bool // true: lead; false: done
}

// commit appends the frames, if any, and returns when they and everything
// appended before are durable. The caller has the kernel lock.
func (c *shared) commit(fs *frames) error {
	r := &request{fs: fs, wake: make(chan bool, 1)}
	q := &c.queue
	q.mu.Lock()
	q.waiting = append(q.waiting, r)
	lead := !q.led
	q.led = true
	q.mu.Unlock()
	if !lead {
		lead = <-r.wake
	}
	if lead {
		batch := q.take()
		c.commitBatch(batch)
		q.handOver(batch)
	}
	return r.err
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

func (q *queue) handOver(batch []*request) {
	q.mu.Lock()
	if q.led = len(q.waiting) > 0; q.led {
		q.waiting[0].wake <- true
	}
	q.mu.Unlock()
	for _, r := range batch[1:] {
		r.wake <- false
	}
}

func (c *shared) commitBatch(batch []*request) {
	c.writeBatch(batch)
	err := c.barrier()
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
	}
}

// writeBatch writes what the batch brings with one write, or, where that
// fails, one by one: a record that does not fit a full disk must not take the
// ones with it for which room was kept.
func (c *shared) writeBatch(batch []*request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all frames
	var list []*request
	for _, r := range batch {
		if r.fs != nil {
			list = append(list, r)
		}
	}
	if len(list) > 1 {
		for _, r := range list {
			all.join(r.fs)
		}
		if c.write(&all) == nil {
			return
		}
	}
	for _, r := range list {
		r.err = c.write(r.fs)
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
	_ = c.write(&fs)
}
