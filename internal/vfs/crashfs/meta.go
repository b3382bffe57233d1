package crashfs

import (
	"slices"
	"strings"
	"syscall"

	"github.com/emend/emend/internal/vfs"
)

// meta is the metadata of an inode as a value.
type meta struct {
	mode, uid, gid uint32
	xattrs         []vfs.Xattr // sorted by name, never changed
	mtime, ctime   int64
}

func (d *disk) change(n *inode, next func(*inode, meta) (meta, error)) error {
	m, err := next(n, n.meta)
	if err != nil {
		return err
	}
	n.change(m, d.clock)
	d.dirty[n] = struct{}{}
	return nil
}

func (m meta) withMode(mode uint32) meta {
	m.mode = mode & vfs.ModeMask
	return m
}

// withOwner takes setuid and setgid from a file, as chown(2) does.
func (m meta) withOwner(kind vfs.Kind, uid, gid uint32) meta {
	if kind == vfs.Regular {
		m = m.withoutSetID()
	}
	m.uid, m.gid = uid, gid
	return m
}

func (m meta) withoutSetID() meta {
	const setuid, setgid, groupExec = 0o4000, 0o2000, 0o010
	m.mode &^= setuid
	if m.mode&groupExec != 0 {
		m.mode &^= setgid
	}
	return m
}

// written takes from a file what a write takes: capabilities, and setuid and
// setgid where it is not the superuser's.
func (m meta) written(euid int) (now meta, lost bool) {
	now = m
	if euid != 0 {
		now = now.withoutSetID()
	}
	without, err := now.removeXattr("security.capability")
	if err == nil {
		now = without
	}
	return now, err == nil || now.mode != m.mode
}

// setXattr knows that user attributes are for files and directories only.
func (m meta) setXattr(kind vfs.Kind, attr string, value []byte) (meta, error) {
	if kind == vfs.Symlink && strings.HasPrefix(attr, "user.") {
		return m, syscall.EPERM
	}
	x := vfs.Xattr{Name: attr, Value: append([]byte{}, value...)}
	i, found := m.findXattr(attr)
	m.xattrs = slices.Clone(m.xattrs)
	if found {
		m.xattrs[i] = x
	} else {
		m.xattrs = slices.Insert(m.xattrs, i, x)
	}
	return m, nil
}

func (m meta) removeXattr(attr string) (meta, error) {
	i, found := m.findXattr(attr)
	if !found {
		return m, syscall.ENODATA
	}
	m.xattrs = slices.Delete(slices.Clone(m.xattrs), i, i+1)
	return m, nil
}

func (m meta) findXattr(attr string) (int, bool) {
	return slices.BinarySearchFunc(m.xattrs, attr, func(x vfs.Xattr, attr string) int {
		return strings.Compare(x.Name, attr)
	})
}

// cloneXattrs keeps the caller's hands off what is stored.
func cloneXattrs(list []vfs.Xattr) []vfs.Xattr {
	var out []vfs.Xattr
	for _, x := range list {
		out = append(out, vfs.Xattr{Name: x.Name, Value: slices.Clone(x.Value)})
	}
	return out
}
