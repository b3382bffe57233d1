package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/emend/emend/editor"
	"github.com/spf13/cobra"
)

// patience is how long a run takes before anybody is told how far it is, and
// often how often after that.
const (
	patience = 500 * time.Millisecond
	often    = 100 * time.Millisecond
)

func chooseProgress(cmd *cobra.Command) *choice {
	return choose(cmd, "progress", "on stderr: auto, a line on a terminal where it takes long; json, a line of JSON now and then",
		"auto", "json", "none")
}

// follow tells on stderr how far a call is that p follows, until stop is called.
func (o *output) follow(p *editor.Progress, how string) (stop func()) {
	var tell, end func()
	switch {
	case how == "json":
		tell = func() { tellJSON(o.err, p.Now()) }
		end = tell
	case how == "auto" && o.errLive && !o.quiet && !o.json:
		tell = func() { fmt.Fprintf(o.err, "\r%s\x1b[K", progressLine(p.Now(), time.Now())) }
		end = func() { fmt.Fprint(o.err, "\r\x1b[K") }
	default:
		return func() {}
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for wait := patience; ; wait = often {
			select {
			case <-done:
				if wait == often || how == "json" { // there is something to end
					end()
				}
				return
			case <-time.After(wait):
				tell()
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

func tellJSON(w io.Writer, m editor.Moment) {
	b, err := json.Marshal(struct {
		Phase string `json:"phase"`
		Files int64  `json:"files"`
		Total int64  `json:"total"`
		Bytes int64  `json:"bytes"`
	}{m.Phase.String(), m.Files, m.Total, m.Bytes})
	if err == nil {
		fmt.Fprintf(w, "%s\n", b)
	}
}

// progressLine says how far a call is: phase, files done of all, bytes, rate,
// and how long the phase will still take.
func progressLine(m editor.Moment, now time.Time) string {
	if m.Phase == editor.PhaseNone {
		return "waiting"
	}
	took := now.Sub(m.Since)
	parts := []string{fmt.Sprintf("%v %d", m.Phase, m.Files)}
	if m.Total > 0 {
		parts[0] += fmt.Sprintf(" of %d files", m.Total)
	}
	if m.Bytes > 0 {
		parts = append(parts, amount(m.Bytes))
		if took > 0 {
			parts = append(parts, amount(int64(float64(m.Bytes)/took.Seconds()))+"/s")
		}
	}
	if m.Files > 0 && m.Total > m.Files {
		left := time.Duration(float64(took) / float64(m.Files) * float64(m.Total-m.Files))
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

// amount is n bytes for people.
func amount(n int64) string {
	for _, unit := range []string{"bytes", "KiB", "MiB"} {
		if n < 1<<10 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n >>= 10
	}
	return fmt.Sprintf("%d GiB", n)
}
