//go:build linux

package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"text/tabwriter"
	"time"
)

// contender does a job in its own way. Run returns how long what counts of it
// took.
type contender struct {
	name string
	run  func() (time.Duration, error)
}

// result is how a contender did.
type result struct {
	name   string
	median time.Duration
	ratios []float64 // the first contender's time over this one's, a round each, sorted
}

// bench is how everything is measured.
type bench struct {
	work   string // an empty directory on the file system that is measured
	rounds int
	only   *regexp.Regexp
	out    io.Writer
}

// compare has every contender run once a round, each round begun by another,
// and prints how they did, and what bounds it.
func (b *bench) compare(what, limit string, list []contender) error {
	if !b.only.MatchString(what) {
		return nil
	}
	results, err := b.measure(list)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tmedian\temend's time is\tquartiles\t\n", what)
	for _, r := range results {
		n := len(r.ratios)
		fmt.Fprintf(t, "%s\t%v\t%.2fx\t%.2f to %.2f\t\n", r.name, rounded(r.median), r.ratios[n/2], r.ratios[n/4], r.ratios[n-1-n/4])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.out, "limit: %s\n\n", limit)
	return err
}

func (b *bench) measure(list []contender) ([]result, error) {
	took := make([][]time.Duration, len(list))
	for i := range took {
		took[i] = make([]time.Duration, b.rounds)
	}
	for round := range b.rounds {
		for k := range list {
			i := (k + round) % len(list)
			d, err := list[i].run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list[i].name, err)
			}
			took[i][round] = d
		}
	}
	results := make([]result, len(list))
	for i, c := range list {
		r := result{name: c.name}
		for round, d := range took[i] {
			r.ratios = append(r.ratios, float64(took[0][round])/float64(d))
		}
		slices.Sort(r.ratios)
		results[i] = r
	}
	for i := range results {
		results[i].median = median(took[i])
	}
	return results, nil
}

func rounded(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(10 * time.Nanosecond)
	}
	return d.Round(time.Microsecond)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
