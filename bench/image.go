//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mountImage makes an ext4 image with a journal and mounts it.
func mountImage() (dir string, unmount func(), err error) {
	tmp, err := os.MkdirTemp("", "emend-bench-")
	if err != nil {
		return "", nil, err
	}
	img, mnt := filepath.Join(tmp, "ext4.img"), filepath.Join(tmp, "mnt")
	err = errors.Join(os.Mkdir(mnt, 0o755), os.WriteFile(img, nil, 0o600), os.Truncate(img, 2<<30))
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", img}, {"mount", "-o", "loop", img, mnt}} {
		if err == nil {
			var out []byte
			if out, err = exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				err = fmt.Errorf("%s: %w: %s", args[0], err, out)
			}
		}
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return mnt, func() {
		if out, err := exec.Command("umount", mnt).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: umount: %v: %s\n", err, out)
			return
		}
		os.RemoveAll(tmp)
	}, nil
}

// mountOf describes the mount that dir is on: type and options.
func mountOf(dir string) (string, error) {
	out, err := exec.Command("findmnt", "-n", "-o", "FSTYPE,OPTIONS", "-T", dir).Output()
	return strings.Join(strings.Fields(string(out)), " "), err
}

// journaled reports whether the file system of dir has a journal, or copies on
// write.
func journaled(dir string) bool {
	out, err := exec.Command("findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", dir).Output()
	if err != nil {
		return false
	}
	typ, source, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	switch typ {
	case "xfs", "btrfs":
		return true
	case "ext4":
		return hasJournalThread(filepath.Base(strings.TrimSpace(source)))
	}
	return false
}

func hasJournalThread(device string) bool {
	f, err := os.Open("/proc/fs/ext4/" + device + "/options")
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = os.Stat("/proc/fs/jbd2/" + device + "-8")
	return err == nil && bufio.NewScanner(f).Scan()
}
