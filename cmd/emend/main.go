// Command emend applies a set of edits to many files as one transaction that
// survives crashes.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"golang.org/x/term"
)

func main() {
	collectLate()
	ctx := cancelOnSignal(context.Background())
	os.Exit(run(ctx, os.Args[1:], streams{
		in:      os.Stdin,
		inTTY:   term.IsTerminal(int(os.Stdin.Fd())),
		out:     openEnded{os.Stdout},
		outTTY:  isColourTerminal(os.Stdout),
		err:     os.Stderr,
		errTTY:  isColourTerminal(os.Stderr),
		errLive: os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stderr.Fd())),
	}))
}

// collectLate lets garbage lie as long as there is little of it: most runs are
// over before collecting it would pay.
func collectLate() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(800)
		debug.SetMemoryLimit(220 << 20)
	}
}

// isColourTerminal reports whether colour helps whoever reads f.
func isColourTerminal(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
