package apply

import (
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Look is one look at a name: what stands there, compared with the two states
// of a step.
type Look struct {
	Info   vfs.Info // zero: nothing is there
	Before bool     // it is the step's before
	After  bool     // it is the step's after
	// NormBefore and NormAfter: a regular file that is neither, but with the
	// normal form of one of them.
	NormBefore, NormAfter bool
}

// compared says what of two states is the step's business: content where kinds
// or contents differ, mode where the plan changes the mode of what stays.
func compared(st *wal.Step) (content, mode bool) {
	b, a := &st.Before, &st.After
	if b.Kind != a.Kind {
		return true, false
	}
	return b.Hash != a.Hash || b.Target != a.Target, b.Meta.Mode != a.Meta.Mode
}

// LookAt looks at name in d and compares by raw bytes. d may be nil: nothing
// is there, then.
func LookAt(d vfs.Dir, name string, st *wal.Step) (Look, error) {
	if d == nil {
		return Look{Before: st.Before.Kind == vfs.Absent, After: st.After.Kind == vfs.Absent}, nil
	}
	info, err := d.Lstat(name)
	if vfs.NotExist(err) {
		return LookAt(nil, name, st)
	}
	if err != nil {
		return Look{}, err
	}
	var id identity
	content, mode := compared(st)
	if content {
		id, err = identify(d, name, info)
		switch {
		case vfs.NotExist(err): // it has just gone
			return LookAt(nil, name, st)
		case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EINVAL): // it has just become a link, or ceased to be one
			return Look{Info: info}, nil
		}
		if err != nil {
			return Look{}, err
		}
	}
	is := func(s *wal.State) bool {
		return s.Kind == info.Kind && (!mode || s.Meta.Mode == info.Mode) && (!content || id.is(s))
	}
	l := Look{Info: info, Before: is(&st.Before), After: is(&st.After)}
	if content && info.Kind == vfs.Regular && !l.Before && !l.After {
		l.NormBefore = st.Before.Kind == vfs.Regular && id.norm == st.Before.Norm
		l.NormAfter = st.After.Kind == vfs.Regular && id.norm == st.After.Norm
	}
	return l, nil
}

// identity is what tells contents apart.
type identity struct {
	kind      vfs.Kind
	size      int64
	raw, norm hashing.Digest
	target    string
}

func (id *identity) is(s *wal.State) bool {
	switch s.Kind {
	case vfs.Regular:
		return id.kind == vfs.Regular && id.size == s.Size && id.raw == s.Hash
	case vfs.Symlink:
		return id.kind == vfs.Symlink && id.target == s.Target
	}
	return id.kind == s.Kind
}

func identify(d vfs.Dir, name string, info vfs.Info) (identity, error) {
	id := identity{kind: info.Kind}
	var err error
	switch info.Kind {
	case vfs.Symlink:
		id.target, err = d.Readlink(name)
	case vfs.Regular:
		var f vfs.File
		if f, err = d.Open(name); err != nil {
			return id, err
		}
		defer f.Close()
		h := hashing.NewHasher()
		id.size, err = Copy(h, f)
		id.raw, id.norm = h.Raw(), h.Norm()
	}
	return id, err
}

// coarse is the granularity of timestamps on file systems that keep whole
// seconds (two, on FAT); fine covers the clock tick of the others.
const (
	coarse = 2 * time.Second
	fine   = 50 * time.Millisecond
)

// Settled reports whether a file that looks like seen now, and was read at the
// time read, cannot have been written to since: nothing that a write changes
// has changed, and the file was old enough for a write to show. Ctime is left
// out where emend's own call has moved it.
func Settled(seen, now vfs.Info, read time.Time, ctime bool) bool {
	if !seen.SameFile(now) || seen.Kind != now.Kind || seen.Size != now.Size || seen.Mtime != now.Mtime {
		return false
	}
	if ctime && seen.Ctime != now.Ctime {
		return false
	}
	tick := fine
	if seen.Mtime%int64(time.Second) == 0 {
		tick = coarse
	}
	return read.UnixNano()-max(seen.Mtime, seen.Ctime) > int64(tick)
}

var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// Copy copies all of r to w through a pooled buffer.
func Copy(w io.Writer, r io.Reader) (int64, error) {
	b := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(b)
	return io.CopyBuffer(onlyWriter{w}, onlyReader{r}, b[:])
}

// onlyReader and onlyWriter keep io.CopyBuffer from using its own buffers.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// Below reports whether p is dir itself or beneath it.
func Below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}
