package main

import (
	"context"
	"fmt"
	"io"

	"github.com/emend/emend/recovery"
	"github.com/emend/emend/wal"
	"github.com/spf13/cobra"
)

const fsckHelp = `Check every byte of the log. A log whose last append was cut off by a crash is
sound (exit 0): the next transaction repairs it. Bytes that were durable once and
are no longer what was written are damage (exit 7). Writes nothing.`

// fsckReport is what fsck prints with --json.
type fsckReport struct {
	Frames int64        `json:"frames"`
	Bytes  int64        `json:"bytes"`
	Damage []wal.Damage `json:"damage"`
	Exit   int          `json:"exit"`
}

func (a *app) fsckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fsck",
		Short: "Check every byte of the log",
		Long:  fsckHelp,
		Args:  cobra.NoArgs,
		RunE:  a.verb(a.fsck),
	}
}

func (a *app) fsck(_ context.Context, _ []string) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	r, err := recovery.VerifyLog(root, recovery.Options{})
	if err != nil {
		return err
	}
	report := fsckReport{Frames: r.Frames, Bytes: r.Bytes, Damage: append([]wal.Damage{}, r.Damage...)}
	if len(report.Damage) > 0 {
		a.exit = exitDamaged
	}
	report.Exit = a.exit
	return a.out.result(report, func(w io.Writer) {
		for _, d := range report.Damage {
			fmt.Fprintf(w, "damaged: bytes %d to %d: %s\n", d.From, d.To, printable(d.Lost))
		}
		if r.Torn.To > r.Torn.From {
			fmt.Fprintf(w, "torn: %d bytes of an append that a crash cut off; the next transaction repairs that\n", r.Torn.To-r.Torn.From)
		}
		if len(report.Damage) == 0 {
			a.out.success(w, "ok: %d frames, %d bytes", report.Frames, report.Bytes)
		}
	})
}
