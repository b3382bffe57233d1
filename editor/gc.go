package editor

import (
	"context"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// Collected says what GC did.
type Collected struct {
	wal.CompactReport
	Shelves int      // directories under .emend/parked that were removed
	Kept    []string // those that hold what nobody has decided about
}

// GC compacts the log within its bounds, and removes from .emend/parked what
// belongs to intents that a person has decided. What recovery set aside there
// without anybody being asked stays: it may be the only copy of somebody's work.
// On an error the log is as before.
func (ed *Editor) GC(ctx context.Context) (*Collected, error) {
	c := &Collected{}
	if ed.log() == nil {
		return c, nil
	}
	release, err := ed.acquire(ctx, new(reports))
	if err == nil {
		err = ed.collectShelves(c)
		release()
	}
	if err == nil {
		c.CompactReport, err = ed.log().Compact(ctx, ed.opts.lockWait)
	}
	return c, fail.Wrap(err, "gc", "")
}

func (ed *Editor) collectShelves(c *Collected) error {
	shelves, err := ed.ws.Shelves()
	if err != nil {
		return err
	}
	parked := make(map[wal.ID]bool)
	for _, tx := range ed.log().Parked() {
		parked[tx.ID] = true
	}
	for _, id := range shelves {
		_, err := ed.ws.ReadShelf(id, decidedName)
		switch {
		case parked[id], vfs.NotExist(err):
			c.Kept = append(c.Kept, id.String())
		case err != nil:
			return err
		default:
			if err := ed.ws.RemoveShelf(id); err != nil {
				return err
			}
			c.Shelves++
		}
	}
	return nil
}
