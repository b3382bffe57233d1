//go:build linux

// Bench measures commits side by side with what else changes files, in one
// run: every contender in turn, round after round, results verified, medians
// and ratios of the same round. It says nothing about seconds: disks differ.
//
// On a file system without a journal it refuses a verdict: rename and fsync
// cost something else there. As root, -image makes and mounts an ext4 image.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", "", "a directory on the file system to measure; empty with -image")
	image := flag.Bool("image", false, "make an ext4 image with a journal and mount it (root)")
	rounds := flag.Int("rounds", 7, "rounds a size")
	sizes := flag.String("n", "1,10,100,1000", "files a commit, separated by commas")
	flag.Parse()
	if err := run(*dir, *image, *rounds, *sizes); err != nil {
		log.Fatal("bench: ", err)
	}
}

func run(dir string, image bool, rounds int, sizes string) error {
	if image {
		mounted, unmount, err := mountImage()
		if err != nil {
			return err
		}
		defer unmount()
		dir = mounted
	}
	work, err := os.MkdirTemp(dir, "emend-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := header(work); err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "files\tcontender\tmedian\temend is\t")
	for field := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		if err := measure(out, work, n, rounds); err != nil {
			return err
		}
	}
	return out.Flush()
}

// header says what was measured on, and whether the figures mean anything.
func header(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return err
	}
	mount, err := mountOf(dir)
	if err != nil {
		return err
	}
	latency, err := flushLatency(dir)
	if err != nil {
		return err
	}
	fmt.Printf("file system %s, journal %v, fdatasync of 4 KiB %v\n", mount, journaled(dir), latency.Round(time.Microsecond))
	if !journaled(dir) {
		return fmt.Errorf("%s has no journal: its figures would mean nothing (use -dir or -image)", dir)
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

// measure runs every contender once a round and prints medians of the times,
// and of the ratios within a round.
func measure(out *tabwriter.Writer, work string, n, rounds int) error {
	took := make([][]time.Duration, len(contenders))
	for range rounds {
		for i, c := range contenders {
			d, err := once(filepath.Join(work, "tree"), n, c)
			if err != nil {
				return fmt.Errorf("%s, %d files: %w", c.name, n, err)
			}
			took[i] = append(took[i], d)
		}
	}
	for i, c := range contenders {
		ratios := make([]float64, rounds)
		for r := range rounds {
			ratios[r] = float64(took[0][r]) / float64(took[i][r])
		}
		slices.Sort(ratios)
		fmt.Fprintf(out, "%d\t%s\t%v\t%.2fx\t\n", n, c.name, median(took[i]).Round(time.Microsecond), ratios[rounds/2])
	}
	return nil
}

func once(tree string, n int, c contender) (time.Duration, error) {
	if err := os.RemoveAll(tree); err != nil {
		return 0, err
	}
	files, err := makeTree(tree, n)
	if err != nil {
		return 0, err
	}
	if c.before != nil {
		if err := c.before(tree); err != nil {
			return 0, err
		}
	}
	unix.Sync()
	start := time.Now()
	if err := c.change(tree, files); err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, verify(tree, files)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
