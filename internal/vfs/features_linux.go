package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// featuresOf goes by the magic number of statfs. What it does not know it
// takes to be good for nothing.
func featuresOf(fd int, dev uint64) (Features, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return Features{}, err
	}
	f := featuresOfMagic(uint32(st.Type))
	if f.Type == "ext4" {
		f = extFeatures(dev)
	}
	f.SyncFS = f.SyncFS && syncfsTellsErrors()
	f.Labels = hasSELinux()
	return f, nil
}

// hasSELinux is how libselinux finds out: its own file system is mounted where
// it is enabled.
func hasSELinux() bool {
	var st unix.Statfs_t
	return unix.Statfs("/sys/fs/selinux", &st) == nil && uint32(st.Type) == unix.SELINUX_MAGIC
}

func featuresOfMagic(magic uint32) Features {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return Features{Type: "ext4", SyncFS: true, Exchange: true}
	case unix.XFS_SUPER_MAGIC:
		return Features{Type: "xfs", Journal: true, SyncFS: true, Exchange: true}
	case unix.BTRFS_SUPER_MAGIC:
		return Features{Type: "btrfs", Journal: true, SyncFS: true, Exchange: true}
	case unix.F2FS_SUPER_MAGIC:
		return Features{Type: "f2fs", Journal: true, SyncFS: true, Exchange: true}
	case unix.TMPFS_MAGIC: // nothing here survives a power cut anyway
		return Features{Type: "tmpfs", SyncFS: true, Exchange: true}
	case unix.OVERLAYFS_SUPER_MAGIC:
		return Features{Type: "overlayfs", Exchange: true}
	}
	return Features{Type: namesOfMagic(magic)}
}

func namesOfMagic(magic uint32) string {
	switch magic {
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.SMB_SUPER_MAGIC:
		return "smb"
	case unix.FUSE_SUPER_MAGIC:
		return "fuse"
	case unix.V9FS_MAGIC:
		return "9p"
	case unix.CEPH_SUPER_MAGIC:
		return "ceph"
	case unix.MSDOS_SUPER_MAGIC:
		return "vfat"
	case unix.EXFAT_SUPER_MAGIC:
		return "exfat"
	case unix.BCACHEFS_SUPER_MAGIC:
		return "bcachefs"
	case unix.RAMFS_MAGIC:
		return "ramfs"
	}
	return "unknown"
}

// extFeatures tells apart what the magic number does not: ext2, ext3 and ext4
// share it, and ext4 can be made without a journal. The ext4 driver names its
// data mode exactly where there is a journal.
func extFeatures(dev uint64) Features {
	disk, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	if err != nil {
		return Features{Type: "ext4", Exchange: true}
	}
	options, err := os.ReadFile("/proc/fs/ext4/" + filepath.Base(disk) + "/options")
	if err != nil {
		return Features{Type: "ext2"}
	}
	return Features{
		Type: "ext4", Journal: strings.Contains(string(options), "\ndata="),
		SyncFS: true, Exchange: true,
	}
}

// syncfsTellsErrors is false before Linux 5.8, where syncfs returned 0 also
// after write-back had failed.
func syncfsTellsErrors() bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 5 || major == 5 && minor >= 8
}

// unwritten is what the kernel says is dirty or on its way.
func unwritten() int64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return unwrittenIn(string(info))
}

func unwrittenIn(meminfo string) int64 {
	total := int64(0)
	for line := range strings.Lines(meminfo) {
		if !strings.HasPrefix(line, "Dirty:") && !strings.HasPrefix(line, "Writeback:") {
			continue
		}
		var kib int64
		if _, err := fmt.Sscanf(line, "%s %d kB", new(string), &kib); err == nil {
			total += kib << 10
		}
	}
	return total
}
