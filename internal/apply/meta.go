package apply

import (
	"encoding/binary"
	"slices"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// The attributes in which Linux keeps POSIX ACLs and what is inherited with
// them.
const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
	setgid     = 0o2000
)

// selinuxLabel is the attribute in which SELinux keeps a file's label.
const selinuxLabel = "security.selinux"

// ReadMeta reads what name in d has besides its bytes.
func ReadMeta(d vfs.Dir, name string) (wal.Meta, vfs.Info, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return wal.Meta{}, info, err
	}
	x, err := d.Xattrs(name)
	if err != nil {
		return wal.Meta{}, info, err
	}
	return MetaOf(info, x), info, nil
}

// MetaOf is what a file with these attributes has besides its bytes.
func MetaOf(info vfs.Info, x []vfs.Xattr) wal.Meta {
	return wal.Meta{Mode: info.Mode, UID: info.UID, GID: info.GID, Xattrs: x}
}

// DirMeta reads what the directory d itself has.
func DirMeta(d vfs.Dir) (wal.Meta, error) {
	info, err := d.Stat()
	if err != nil {
		return wal.Meta{}, err
	}
	x, err := d.SelfXattrs()
	return MetaOf(info, x), err
}

// Creator says who makes new files: their owner, the umask, and whether the
// system labels them.
type Creator struct {
	UID, GID uint32
	Umask    uint32
	Labels   bool
}

// NewMeta is what the system would give a new file (or directory) made in a
// directory that has parent: the setgid bit passes the group on, a default ACL
// takes the place of the umask (acl(5), "Object creation and default ACLs"), and
// the label is the directory's where no rule of the policy says otherwise.
// exact keeps mode as it is, whatever umask and ACL say.
func NewMeta(parent wal.Meta, kind vfs.Kind, mode uint32, exact bool, c Creator) wal.Meta {
	m := wal.Meta{Mode: mode, UID: c.UID, GID: c.GID}
	if parent.Mode&setgid != 0 {
		m.GID = parent.GID
		if kind == vfs.Directory {
			m.Mode |= setgid
		}
	}
	if i := indexOf(parent.Xattrs, selinuxLabel); c.Labels && i >= 0 {
		m.Xattrs = append(m.Xattrs, parent.Xattrs[i])
	}
	i := indexOf(parent.Xattrs, aclDefault)
	if i < 0 {
		if !exact {
			m.Mode &^= c.Umask
		}
		return m
	}
	if kind == vfs.Symlink { // has no ACL
		return m
	}
	acl := parent.Xattrs[i].Value
	if access, got, ok := inheritACL(acl, m.Mode); ok {
		if access != nil {
			m.Xattrs = append(m.Xattrs, vfs.Xattr{Name: aclAccess, Value: access})
		}
		if !exact {
			m.Mode = m.Mode&^0o777 | got
		}
	}
	if kind == vfs.Directory {
		m.Xattrs = append(m.Xattrs, vfs.Xattr{Name: aclDefault, Value: slices.Clone(acl)})
	}
	return m
}

func indexOf(list []vfs.Xattr, name string) int {
	return slices.IndexFunc(list, func(x vfs.Xattr) bool { return x.Name == name })
}

// inheritACL makes the access ACL of a new file from its directory's default
// ACL: the entries of owner, mask (or group, where there is no mask) and other
// lose what mode does not ask for. got is the permission bits that result; an
// ACL that says no more than they do is nil, as the system keeps none.
// Layout: a 4-byte version, then 8 bytes an entry: tag, permissions (16 bits
// each) and id, little-endian (linux/posix_acl_xattr.h).
func inheritACL(def []byte, mode uint32) (access []byte, got uint32, ok bool) {
	const userObj, user, groupObj, groupEntry, mask, other = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
	if len(def) < 4 || (len(def)-4)%8 != 0 {
		return nil, 0, false
	}
	access = slices.Clone(def)
	var group []byte
	limit := func(perm []byte, shift uint) uint32 {
		p := uint32(binary.LittleEndian.Uint16(perm)) & (mode >> shift) & 7
		binary.LittleEndian.PutUint16(perm, uint16(p))
		return p << shift
	}
	hasMask, extended := false, false
	for e := access[4:]; len(e) > 0; e = e[8:] {
		switch binary.LittleEndian.Uint16(e) {
		case userObj:
			got |= limit(e[2:4], 6)
		case groupObj:
			group = e[2:4]
		case user, groupEntry:
			extended = true
		case mask:
			hasMask, extended = true, true
			got |= limit(e[2:4], 3)
		case other:
			got |= limit(e[2:4], 0)
		}
	}
	if !hasMask && group != nil {
		got |= limit(group, 3)
	}
	if !extended {
		access = nil
	}
	return access, got, true
}
