package editor

import (
	"errors"
	"iter"
	"runtime"
	"sync"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// window is how many operations are known before the first of them is applied;
// batch is how many of their files are handed over at once, because waking
// somebody takes as long as reading a small file.
const (
	window = 64
	batch  = 8
)

// ahead reads the small files of the next operations, side by side, while
// operations are applied one after another. It is a help: what it could not
// read is read when it is needed.
type ahead struct {
	tree  *apply.Tree
	wants chan *readings
	next  *readings // not handed over yet
	work  sync.WaitGroup
	met   map[string]*reading // by path; nil for what is taken already
}

// readings are files that one worker reads one after another.
type readings struct {
	list []*reading
	done chan struct{}
}

// reading is one file that is being read.
type reading struct {
	*readings
	path string
	file *contents // nil: it could not be read
}

// contents is a file as it was at one moment; bytes are nil where nobody holds
// them.
type contents struct {
	sums
	bytes []byte
	meta  wal.Meta
	info  vfs.Info
}

// readAhead yields ops with the files of the next ones on their way.
func (v *virtual) readAhead(ops iter.Seq2[Op, error]) iter.Seq2[Op, error] {
	return func(yield func(Op, error) bool) {
		var next []Op
		defer v.ahead.stop()
		for op, err := range ops {
			if err != nil {
				yield(nil, err)
				return
			}
			if v.ahead.met != nil || len(next) > 0 { // the first is read when it is applied
				v.ahead.begin(op)
			}
			if next = append(next, op); len(next) < window {
				continue
			}
			if !yield(next[0], nil) {
				return
			}
			next = next[1:]
		}
		v.ahead.handOver()
		for _, op := range next {
			if !yield(op, nil) {
				return
			}
		}
	}
}

// begin begins to read what op changes, if it has not been met before.
func (a *ahead) begin(op Op) {
	path := changedFile(op)
	if _, met := a.met[path]; met || apply.CheckPath(path) != nil {
		return
	}
	if a.wants == nil {
		a.met, a.wants = make(map[string]*reading), make(chan *readings, window/batch)
		for range max(2, runtime.GOMAXPROCS(0)) {
			a.work.Go(a.read)
		}
	}
	if a.next == nil {
		a.next = &readings{done: make(chan struct{})}
	}
	r := &reading{readings: a.next, path: path}
	a.met[path] = r
	if a.next.list = append(a.next.list, r); len(a.next.list) == batch {
		a.handOver()
	}
}

// handOver has the files that were begun read.
func (a *ahead) handOver() {
	if a.next != nil {
		a.wants <- a.next
		a.next = nil
	}
}

// changedFile is the file that op reads, empty for none.
func changedFile(op Op) string {
	switch o := op.(type) {
	case Edit:
		return o.Path
	case Write:
		return o.Path
	case Rewrite:
		return o.Path
	case Delete:
		return o.Path
	case Rename:
		return o.From
	}
	return ""
}

func (a *ahead) read() {
	for rs := range a.wants {
		for _, r := range rs.list {
			r.file = a.contents(r.path)
		}
		close(rs.done)
	}
}

func (a *ahead) contents(path string) *contents {
	d, name, err := a.tree.Parent(path)
	if err != nil {
		return nil
	}
	defer d.Close()
	c, err := readOnce(d, name, func(f vfs.File, size int64) (*contents, error) {
		if size > imageLimit {
			return nil, errLarge
		}
		return readWhole(f, size)
	})
	if err != nil {
		return nil
	}
	return c
}

var errLarge = errors.New("the file is too large to be read ahead")

// take waits for the file at path, and forgets it; nil where it was not read.
func (a *ahead) take(path string) *contents {
	r := a.met[path]
	if r == nil {
		return nil
	}
	a.met[path] = nil
	if r.readings == a.next {
		a.handOver()
	}
	<-r.done
	return r.file
}

// stop waits for the workers; what they have read and nobody took is dropped.
func (a *ahead) stop() {
	if a.wants != nil {
		close(a.wants)
		a.work.Wait()
	}
	*a = ahead{tree: a.tree}
}
