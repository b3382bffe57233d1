package editor

import (
	"cmp"
	"context"
	"io"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
	"github.com/emend/emend/wal"
)

// ShowDiff writes what the transaction id did as a patch, like Tx.WriteDiff.
// Of a large file that was edited the log has only the edits: the rest is taken
// from the file, and where that has changed since, the error is not-found.
func ShowDiff(ctx context.Context, root, id string, w io.Writer) error {
	return withTransaction(ctx, root, id, func(tree *apply.Tree, tx *wal.Transaction, _ wal.ID) error {
		if tx.Compacted {
			return fail.New(fail.NotFound, "show", "", "the bytes of %s were compacted away", id)
		}
		steps, err := tx.LoadSteps()
		if err != nil {
			return err
		}
		return writeDiff(ctx, w, steps, &logImages{tree: tree, tx: tx, steps: steps})
	})
}

// logImages are the images of a transaction that is in the log.
type logImages struct {
	tree  *apply.Tree
	tx    *wal.Transaction
	steps []wal.Step
}

func (l *logImages) before(i int) ([]byte, error) { return l.image(i, wal.Before) }

func (l *logImages) after(i int) ([]byte, error) { return l.image(i, wal.After) }

// beneath knows nothing: what only moved along with its directory is not in
// the log.
func (l *logImages) beneath(string) (map[string]wal.State, error) { return nil, nil }

// image returns an image that is there whole, or is made of the other one with
// the logged edits.
func (l *logImages) image(i int, img wal.Image) ([]byte, error) {
	content, err := l.whole(i, img)
	if content != nil || err != nil {
		return content, err
	}
	st, other := &l.steps[i], wal.Before+wal.After-img
	if len(st.Edits) > 0 {
		content, err = l.whole(i, other)
	}
	if content == nil {
		return nil, cmp.Or(err, error(fail.New(fail.NotFound, "", "", "neither the log nor the disk has its bytes any more")))
	}
	return locator.Splice(content, spansTo(st, img))
}

// spansTo are the logged edits of st as they lead to img.
func spansTo(st *wal.Step, img wal.Image) []locator.Span {
	spans := make([]locator.Span, len(st.Edits))
	shift := 0
	for i, e := range st.Edits {
		start := int(e.Start)
		if img == wal.After {
			spans[i] = locator.Span{Start: start, End: start + len(e.Old), Text: e.New}
			continue
		}
		spans[i] = locator.Span{Start: start + shift, End: start + shift + len(e.New), Text: e.Old}
		shift += len(e.New) - len(e.Old)
	}
	return spans
}

// whole returns an image that is logged whole or stands at its path; nil where
// neither is so.
func (l *logImages) whole(i int, img wal.Image) ([]byte, error) {
	st := &l.steps[i]
	want, logged := &st.Before, st.HasBefore
	if img == wal.After {
		want, logged = &st.After, st.HasAfter
	}
	if logged {
		r, ok := l.tx.Image(i, img)
		if !ok {
			return []byte{}, nil
		}
		content := make([]byte, r.Size())
		_, err := io.ReadFull(io.NewSectionReader(r, 0, r.Size()), content)
		return content, err
	}
	d, name, err := l.tree.Parent(st.Path)
	if err != nil {
		return nil, nil // the directory is not there any more
	}
	defer d.Close()
	if info, err := d.Lstat(name); err != nil || info.Kind != vfs.Regular || info.Size != want.Size {
		return nil, nil
	}
	content, err := readFile(l.tree, st.Path)
	if err != nil || hashing.Raw(content) != want.Hash {
		return nil, nil
	}
	return content, nil
}
