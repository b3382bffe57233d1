package wal

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// claims keeps the paths of the transactions that this process has in flight
// apart. Transactions whose paths are the same, or lie beneath one another,
// queue in the order in which they asked; all paths are given at once, so that
// nobody waits holding some.
type claims struct {
	mu    sync.Mutex
	queue []*claim // granted or waiting, oldest first
}

// AllPaths is above every path: who claims it waits for every transaction that
// is about files, and keeps the others out.
const AllPaths = ""

type claim struct {
	paths   map[string]bool // the paths themselves
	above   map[string]bool // all directories above them
	waiting chan struct{}   // closed when somebody has left; nil once granted
}

// Claim waits until no transaction of this process that asked earlier has a
// path in common with paths, and keeps later ones out until release. Waited says
// that there was one: the paths may have changed meanwhile. A path that begins
// with a slash is that of no file, but of anything else to be had by one only.
func (l *Log) Claim(ctx context.Context, paths []string) (release func(), waited bool, err error) {
	c := &l.c.claims
	mine := newClaim(paths)
	c.mu.Lock()
	c.queue = append(c.queue, mine)
	for c.blocked(mine) {
		waited = true
		wake := make(chan struct{})
		mine.waiting = wake
		c.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			c.leave(mine)
			return nil, waited, context.Cause(ctx)
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
	return sync.OnceFunc(func() { c.leave(mine) }), waited, nil
}

func newClaim(paths []string) *claim {
	c := &claim{paths: make(map[string]bool, len(paths)), above: make(map[string]bool)}
	for _, p := range paths {
		c.paths[p] = true
		if !strings.HasPrefix(p, "/") { // no file: a key, say
			c.above[AllPaths] = true
		}
		for i := strings.LastIndexByte(p, '/'); i > 0 && !c.above[p[:i]]; i = strings.LastIndexByte(p[:i], '/') {
			c.above[p[:i]] = true
		}
	}
	return c
}

func (c *claims) blocked(mine *claim) bool {
	for _, older := range c.queue {
		if older == mine {
			return false
		}
		if older.overlaps(mine) {
			return true
		}
	}
	return false
}

func (c *claim) overlaps(d *claim) bool {
	for p := range d.paths {
		if c.paths[p] || c.above[p] {
			return true
		}
	}
	for p := range d.above {
		if c.paths[p] {
			return true
		}
	}
	return false
}

func (c *claims) leave(mine *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = slices.DeleteFunc(c.queue, func(x *claim) bool { return x == mine })
	for _, x := range c.queue {
		if x.waiting != nil {
			close(x.waiting)
			x.waiting = nil
		}
	}
}
