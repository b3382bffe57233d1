//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// mountImage makes an ext4 image with a journal and mounts it.
func mountImage() (dir string, unmount func(), err error) {
	tmp, err := os.MkdirTemp("", "emend-bench-")
	if err != nil {
		return "", nil, err
	}
	img, mnt := filepath.Join(tmp, "ext4.img"), filepath.Join(tmp, "mnt")
	err = errors.Join(os.Mkdir(mnt, 0o755), os.WriteFile(img, nil, 0o600), os.Truncate(img, 8<<30))
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
		// Lazily: a contender may still be letting go of a file.
		if out, err := exec.Command("umount", "-l", mnt).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: umount: %v: %s\n", err, out)
			return
		}
		os.RemoveAll(tmp)
	}, nil
}
