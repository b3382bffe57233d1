package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of emend",
		Args:  cobra.NoArgs,
		RunE: a.verb(func(context.Context, []string) error {
			doc := struct {
				Version string `json:"version"`
				Exit    int    `json:"exit"`
			}{Version: version()}
			return a.out.result(doc, func(w io.Writer) { fmt.Fprintln(w, "emend", doc.Version) })
		}),
	}
}

// version is what the Go command recorded in the binary.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
