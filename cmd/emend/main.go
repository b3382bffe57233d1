// Command emend applies a set of edits to many files as one transaction that
// survives crashes.
package main

import (
	"context"
	"os"

	"golang.org/x/term"
)

func main() {
	ctx, stop := cancelOnSignal(context.Background())
	code := run(ctx, os.Args[1:], streams{
		in:     os.Stdin,
		inTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		out:    openEnded{os.Stdout},
		outTTY: isColourTerminal(os.Stdout),
		err:    os.Stderr,
		errTTY: isColourTerminal(os.Stderr),
	})
	stop()
	os.Exit(code)
}

// isColourTerminal reports whether colour helps whoever reads f.
func isColourTerminal(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
