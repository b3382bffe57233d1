package vfs

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadDir reads through a descriptor of its own, because the position in a
// directory belongs to the descriptor and d may be shared.
func (d *osDir) ReadDir() (list []Entry, err error) {
	err = withFD(d.f, func(dir int) error {
		fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		list, err = readEntries(fd)
		return err
	})
	return list, pathError("readdir", d.f.Name(), err)
}

func readEntries(fd int) ([]Entry, error) {
	var list []Entry
	buf := make([]byte, 32<<10)
	for {
		n := 0
		err := retry(func() (err error) { n, err = unix.Getdents(fd, buf); return err })
		if err != nil || n == 0 {
			return list, err
		}
		list = appendEntries(list, buf[:n])
	}
}

// The fields of struct linux_dirent64 that are read here.
const (
	direntLen  = unsafe.Offsetof(unix.Dirent{}.Reclen)
	direntType = unsafe.Offsetof(unix.Dirent{}.Type)
	direntName = unsafe.Offsetof(unix.Dirent{}.Name)
)

func appendEntries(list []Entry, buf []byte) []Entry {
	for len(buf) > int(direntName) {
		record := buf[:binary.NativeEndian.Uint16(buf[direntLen:])]
		buf = buf[len(record):]
		name, _, _ := bytes.Cut(record[direntName:], []byte{0})
		if s := string(name); s != "." && s != ".." {
			list = append(list, Entry{Name: s, Kind: direntKind(record[direntType])})
		}
	}
	return list
}

func direntKind(t byte) Kind {
	switch t {
	case unix.DT_UNKNOWN:
		return Absent
	case unix.DT_REG:
		return Regular
	case unix.DT_DIR:
		return Directory
	case unix.DT_LNK:
		return Symlink
	}
	return Other
}
