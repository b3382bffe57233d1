//go:build linux

// Bench measures emend side by side with others who do the same job, in one
// run: every contender in turn, round after round. It prints medians, and
// medians of the ratios within a round. It says nothing about seconds: disks
// differ.
//
// On a file system without a journal it refuses a verdict: rename and fsync
// cost something else there. As root, -image makes and mounts an ext4 image.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// suites are what there is to measure.
var suites = map[string]func(*bench) error{
	"commit": commits, "committers": committers, "foreign": foreigners, "hash": hashes, "log": logs, "prepare": prepares,
	"process": processes, "recover": recoveries, "scale": scales,
}

func main() {
	log.SetFlags(0)
	if job := os.Getenv(childEnv); job != "" {
		if err := child(job); err != nil {
			log.Fatal(err)
		}
		return
	}
	names := slices.Sorted(maps.Keys(suites))
	name := flag.String("suite", "", "what to measure: "+strings.Join(names, ", ")+"; empty: all of them")
	dir := flag.String("dir", "", "a directory on the file system to measure; empty with -image")
	image := flag.Bool("image", false, "make an ext4 image with a journal and mount it (root)")
	rounds := flag.Int("rounds", 7, "rounds a case")
	cases := flag.String("case", "", "a regular expression: only cases that match it")
	flag.Parse()
	if *name != "" {
		names = []string{*name}
	}
	only, err := regexp.Compile(*cases)
	if err == nil {
		err = run(names, *dir, *image, &bench{rounds: *rounds, only: only})
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

func run(names []string, dir string, image bool, b *bench) error {
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
	b.work, b.out = work, os.Stdout
	if err := header(os.Stdout, work); err != nil {
		return err
	}
	for _, name := range names {
		measure, ok := suites[name]
		if !ok {
			return fmt.Errorf("there is no suite %q", name)
		}
		fmt.Printf("\n%s, %d rounds\n\n", name, b.rounds)
		if err := measure(b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
