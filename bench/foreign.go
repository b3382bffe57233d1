//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// foreignSize is what somebody else has written and not synced, in bytes.
const foreignSize = 500 << 20

// foreigners measures commits beside much that others have written to the file
// system: who syncs all of it waits for them.
func foreigners(b *bench) error {
	for _, n := range []int{20, 200} {
		what := fmt.Sprintf("%d files beside %s of others", n, bytesText(foreignSize))
		err := b.compare(what, "a flush for each file, a few of them at a time", b.changing([]changer{
			{"emend", emend, used, writeForeign},
			{"emend, alone", emend, used, nil},
			{"raw system calls, same barriers", raw, nil, writeForeign},
			{"pool of 16 fsyncs", pool, nil, writeForeign},
		}, n))
		if err != nil {
			return err
		}
	}
	return nil
}

func writeForeign(tree string) error {
	return os.WriteFile(filepath.Join(tree, "foreign"), make([]byte, foreignSize), 0o600)
}
