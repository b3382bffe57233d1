package editor

import (
	"errors"
	"io"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// readTries bounds how often a file is read again because somebody writes to
// it meanwhile.
const readTries = 3

// load completes what is known of n on disk: its metadata and, of a file, its
// hashes.
func (v *virtual) load(n *node) error {
	if n.loaded {
		return nil
	}
	var err error
	switch {
	case n == v.root:
		n.was.Meta, n.info, err = v.rootMeta()
	case n.was.Kind == vfs.Regular:
		_, err := v.scan(n, func(f vfs.File, _ int64) (*contents, error) {
			h := hashing.NewHasher()
			_, err := apply.Copy(h, f)
			return &contents{sums: sumsOf(h)}, err
		})
		return err
	default:
		n.was.Meta, err = v.readMeta(n)
	}
	if err != nil {
		return err
	}
	n.is.Meta, n.loaded = n.was.Meta, true
	return nil
}

func (v *virtual) rootMeta() (wal.Meta, vfs.Info, error) {
	d, err := v.tree.Dir("")
	if err != nil {
		return wal.Meta{}, vfs.Info{}, err
	}
	defer d.Close()
	info, err := d.Stat()
	if err != nil {
		return wal.Meta{}, info, err
	}
	meta, err := apply.DirMeta(d)
	return meta, info, err
}

func (v *virtual) readMeta(n *node) (wal.Meta, error) {
	d, name, err := v.tree.Parent(n.diskPath())
	if err != nil {
		return wal.Meta{}, err
	}
	defer d.Close()
	meta, info, err := apply.ReadMeta(d, name)
	if err == nil && info.Kind != n.was.Kind {
		err = fail.New(fail.TypeChanged, "", "", "something else came into its place meanwhile")
	}
	n.info = info
	return meta, err
}

// sums is what a pass over the bytes of a file finds.
type sums struct {
	raw, norm hashing.Digest
	size      int64
}

func sumsOf(h *hashing.Hasher) sums { return sums{raw: h.Raw(), norm: h.Norm(), size: h.Size()} }

// setSums notes the hashes of what is now the content of n.
func (n *node) setSums(content []byte) {
	n.is.Hash, n.is.Norm = hashing.Both(content)
	n.is.Size = int64(len(content))
}

// scan reads the file n from disk and notes what it found. The bytes, the
// metadata and the times belong to one moment: a file that changes while it is
// read is read again. One that is not what it was on an earlier pass is busy.
func (v *virtual) scan(n *node, pass readPass) (*contents, error) {
	path := n.diskPath()
	if c := v.ahead.take(path); c != nil && !n.loaded {
		return c, v.found(n, c)
	}
	d, name, err := v.tree.Parent(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for range readTries {
		c, err := readOnce(d, name, pass)
		if errors.Is(err, errMoving) {
			continue
		}
		if err == nil {
			err = v.found(n, c)
		}
		return c, err
	}
	return nil, busy()
}

// found notes what the file n is on disk, and holds its bytes if it may.
func (v *virtual) found(n *node, c *contents) error {
	was := wal.State{Kind: vfs.Regular, Hash: c.raw, Norm: c.norm, Size: c.size, Meta: c.meta}
	if n.loaded {
		if !sameState(&was, &n.was) {
			return busy()
		}
		return nil
	}
	n.was, n.is, n.info, n.loaded = was, was, c.info, true
	if size := int64(len(c.bytes)); size <= min(v.mayHold, imageLimit) {
		v.mayHold -= size
		n.held = c.bytes
	}
	return nil
}

func busy() error {
	return fail.New(fail.Busy, "", "", "somebody is writing to the file").WithHint("try again when it is quiet")
}

var errMoving = errors.New("the file changed while it was read")

// readOnce reads name in d in one pass over its bytes.
func readOnce(d vfs.Dir, name string, pass readPass) (*contents, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Kind != vfs.Regular {
		err = fail.New(fail.TypeChanged, "", "", "something else came into its place meanwhile")
	}
	if err != nil {
		return nil, err
	}
	c, err := pass(f, info.Size)
	if err != nil {
		return nil, err
	}
	x, err := f.Xattrs()
	if err != nil {
		return nil, err
	}
	c.info, c.meta = info, apply.MetaOf(info, x)
	after, err := d.Lstat(name)
	if err == nil && after != info {
		err = errMoving
	}
	return c, err
}

// readPass goes once over the bytes of a file that has this size.
type readPass func(f vfs.File, size int64) (*contents, error)

// readWhole is the pass that holds the bytes.
func readWhole(f vfs.File, size int64) (*contents, error) {
	c := &contents{bytes: make([]byte, size)}
	if _, err := io.ReadFull(f, c.bytes); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errMoving
		}
		return nil, err
	}
	c.raw, c.norm = hashing.Both(c.bytes)
	c.size = size
	return c, nil
}

// readDisk returns the bytes of the file n as it is on disk.
func (v *virtual) readDisk(n *node) ([]byte, error) {
	if n.held != nil {
		return n.held, nil
	}
	c, err := v.scan(n, readWhole)
	if err != nil {
		return nil, err
	}
	return c.bytes, nil
}

// newMeta is the metadata of something new in dir.
func (v *virtual) newMeta(dir *node, kind vfs.Kind, mode uint32, exact bool) (wal.Meta, error) {
	if err := v.load(dir); err != nil {
		return wal.Meta{}, err
	}
	return apply.NewMeta(dir.is.Meta, kind, mode, exact, v.creator), nil
}
