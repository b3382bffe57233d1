package apply

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// A new file has the label of its directory, though it is made in a slot that
// has another; where the system gives no labels, an old one is nothing to pass on.
func TestNewFilesHaveTheLabelOfTheirDirectory(t *testing.T) {
	label := vfs.Xattr{Name: selinuxLabel, Value: []byte("system_u:object_r:httpd_sys_content_t:s0\x00")}
	dir := wal.Meta{Mode: 0o755, Xattrs: []vfs.Xattr{label, {Name: "user.note", Value: []byte("x")}}}
	m := NewMeta(dir, vfs.Regular, 0o666, false, Creator{Umask: 0o022, Labels: true})
	require.Equal(t, wal.Meta{Mode: 0o644, Xattrs: []vfs.Xattr{label}}, m)
	require.Empty(t, NewMeta(dir, vfs.Regular, 0o666, false, Creator{}).Xattrs)
}

// A file that is written gets exactly the attributes that it is to have: what
// is too much goes, privileges too, but for what the system gives to every file.
func TestAttributesThatAreTooMuchGo(t *testing.T) {
	have := map[string]string{"user.old": "x", "user.keep": "1", capability: "cap", selinuxLabel: "label", "security.ima": "sum"}
	target := metaTarget{
		xattrs: func() (list []vfs.Xattr, err error) {
			for name, value := range have {
				list = append(list, vfs.Xattr{Name: name, Value: []byte(value)})
			}
			return list, nil
		},
		setXattr:    func(name string, value []byte) error { have[name] = string(value); return nil },
		removeXattr: func(name string) error { delete(have, name); return nil },
	}
	changed, err := setXattrs(target, []vfs.Xattr{{Name: "user.keep", Value: []byte("2")}, {Name: "user.new", Value: []byte("3")}})
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, map[string]string{"user.keep": "2", "user.new": "3", selinuxLabel: "label", "security.ima": "sum"}, have)
}
