package crashfs

import (
	"path"
	"syscall"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/op"
)

// The helpers below build and change trees behind everybody's back, as another
// program on the machine would: no hook, no crash point, nothing is synced
// until Settle. Paths start at "/".

// WriteFile writes data to the file at name, in place if it is there, and
// gives it mode.
func (p *FS) WriteFile(name string, data []byte, mode uint32) error {
	return p.build(op.Create, name, func(o op.Op, parent *inode, base string) error {
		n := parent.names[parent.spelled(base)]
		if n == nil {
			var err error
			if n, err = p.add(o, parent, base, vfs.Regular, mode); err != nil {
				return err
			}
		}
		if n.kind != vfs.Regular {
			return syscall.EISDIR
		}
		p.write(n, content{}.writeAt(data, 0))
		return p.change(n, func(_ *inode, m meta) (meta, error) { return m.withMode(mode), nil })
	})
}

// ReadFile returns the bytes of the file at name, following links.
func (p *FS) ReadFile(name string) ([]byte, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	n, err := p.walk(name, true)
	if err != nil {
		return nil, pathError(op.Open, name, err)
	}
	return n.data.bytes(), nil
}

// MkdirAll makes the directory at name and those above it with mode; one that
// is there stays as it is.
func (p *FS) MkdirAll(name string, mode uint32) error {
	name = path.Clean("/" + name)
	if name == "/" {
		return nil
	}
	if err := p.MkdirAll(path.Dir(name), mode); err != nil {
		return err
	}
	return p.build(op.Mkdir, name, func(o op.Op, parent *inode, base string) error {
		if n := parent.names[parent.spelled(base)]; n != nil && n.kind == vfs.Directory {
			return nil
		}
		_, err := p.add(o, parent, base, vfs.Directory, mode)
		return err
	})
}

// Symlink makes the link at name.
func (p *FS) Symlink(target, name string) error {
	return p.build(op.Symlink, name, func(o op.Op, parent *inode, base string) error {
		n, err := p.add(o, parent, base, vfs.Symlink, 0o777)
		if err == nil {
			n.target = target
		}
		return err
	})
}

// Mount makes the directory at name the root of another device: renames and
// links across give EXDEV, and it can be neither moved nor removed. What is
// made in it afterwards is on that device.
func (p *FS) Mount(name string) error {
	return p.busy(name, func(n *inode) {
		p.lastDev++
		n.dev = p.lastDev
	})
}

// Bind makes the file at name one that is mounted: it can be written, and
// neither renamed nor replaced nor removed (EBUSY).
func (p *FS) Bind(name string) error { return p.busy(name, func(*inode) {}) }

func (p *FS) busy(name string, also func(*inode)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.walk(name, false)
	if err != nil {
		return pathError(op.Stat, name, err)
	}
	n.busy = true
	also(n)
	return nil
}

func (p *FS) build(k op.Kind, name string, do func(o op.Op, parent *inode, base string) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock += tick
	p.seq++
	parent, err := p.walk(path.Dir(name), true)
	if err == nil {
		err = do(op.Op{Seq: p.seq, Kind: k, Path: name}, parent, path.Base(name))
	}
	return pathError(k, name, err)
}
