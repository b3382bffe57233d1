package editor

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// decidedName is the file of the shelf that says which steps are decided, one a
// line: its number and the resolution.
const decidedName = "decided"

var resolutionNames = map[Resolution]string{KeepCurrent: "current", UseBefore: "before", UseAfter: "after"}

// readDecided reads what was decided before.
func (p *parkedIntent) readDecided() (map[int]Resolution, error) {
	decided := make(map[int]Resolution)
	content, err := p.ed.ws.ReadShelf(p.tx.ID, decidedName)
	if vfs.NotExist(err) {
		return decided, nil
	}
	if err != nil {
		return nil, fail.Wrap(err, "resolve", "")
	}
	for line := range bytes.Lines(content) {
		var n int
		var name string
		if _, err := fmt.Sscanf(string(line), "%d %s\n", &n, &name); err != nil || n < 0 || n >= len(p.steps) {
			continue // a line that somebody edited decides nothing
		}
		for use, known := range resolutionNames {
			if known == name {
				decided[n] = use
			}
		}
	}
	return decided, nil
}

// record makes what is decided durable.
func (p *parkedIntent) record() error {
	shelf, err := p.ed.ws.Shelf(p.tx.ID)
	if err != nil {
		return err
	}
	err = shelf.Put(decidedName, func(w io.Writer) error {
		for n := range p.steps {
			if use, ok := p.decided[n]; ok {
				if _, err := fmt.Fprintf(w, "%d %s\n", n, resolutionNames[use]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, shelf.Close())
}
