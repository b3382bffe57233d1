//go:build linux || darwin

package vfs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// xattrCalls are the four system calls on one inode, however it is named.
type xattrCalls struct {
	list   func(buf []byte) (int, error)
	get    func(attr string, buf []byte) (int, error)
	set    func(attr string, value []byte) error
	remove func(attr string) error
}

func xattrsOfFD(fd int) xattrCalls {
	return xattrCalls{
		list:   func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) },
		get:    func(attr string, buf []byte) (int, error) { return unix.Fgetxattr(fd, attr, buf) },
		set:    func(attr string, value []byte) error { return unix.Fsetxattr(fd, attr, value, 0) },
		remove: func(attr string) error { return unix.Fremovexattr(fd, attr) },
	}
}

// listXattrs reads all attributes, sorted by name. One that goes away between
// the list and the read was not there.
func listXattrs(x xattrCalls) ([]Xattr, error) {
	names, err := readGrowing(x.list)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Xattr
	for name := range strings.SplitSeq(string(names), "\x00") {
		// "" is behind the last terminator; XFS lists ACLs under a second name.
		if name == "" || strings.HasPrefix(name, "trusted.SGI_ACL_") {
			continue
		}
		value, err := readGrowing(func(buf []byte) (int, error) { return x.get(name, buf) })
		if errors.Is(err, errNoAttr) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, Xattr{Name: name, Value: value})
	}
	slices.SortFunc(list, func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// readGrowing asks for the size and reads, again where the value grew in
// between.
func readGrowing(read func(buf []byte) (int, error)) ([]byte, error) {
	for {
		size, err := read(nil)
		if err != nil || size == 0 {
			return []byte{}, err
		}
		buf := make([]byte, size)
		n, err := read(buf)
		if !errors.Is(err, unix.ERANGE) {
			return buf[:max(n, 0)], err
		}
	}
}

// orNoXattr marks the error of a file system without attributes.
func orNoXattr(err error) error {
	if errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("%w: %w", ErrNoXattr, err)
	}
	return err
}

func isWouldBlock(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }
