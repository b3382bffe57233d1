//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// header says what is measured on, and fails where the figures would mean
// nothing.
func header(out io.Writer, dir string) error {
	mount, err := mountOf(dir)
	if err != nil {
		return err
	}
	latency, err := flushLatency(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "file system %s, journal %v, fdatasync of 4 KiB %v\n", mount, journaled(dir), latency.Round(time.Microsecond))
	if !journaled(dir) {
		return fmt.Errorf("the file system has no journal: its figures would mean nothing (use -dir or -image)")
	}
	return nil
}

func flushLatency(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "flush"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for i := range 20 {
		if _, err := f.WriteAt(block, 0); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		if i > 0 { // the first one writes the file's size as well
			took = append(took, time.Since(start))
		}
	}
	return median(took), nil
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
