package editor

import (
	"bytes"

	"github.com/emend/emend/locator"
)

// textLimit bounds the bytes of texts that are held for operations that follow
// each other on the same files; one file more is held, however large it is.
const textLimit = 16 << 20

// text is a file whose bytes are held while operations change it. What is known
// of the node, its hashes and its body, is brought up to date when somebody asks.
type text struct {
	*locator.Draft
	origin  []byte // of node.body.from, as on disk
	held    bool   // the bytes are: else they are read again
	hashed  bool   // node.is is up to date
	settled bool   // ... and node.body
	first   bool   // nothing had changed the file before
}

// texts are those of the files that operations are at work on.
type texts struct {
	of        map[*node]*text
	held      []*node
	heldBytes int64
	unsettled []*node
}

// text returns the file n as the operations so far leave it.
func (v *virtual) text(n *node) (*text, error) {
	t := v.texts.of[n]
	if t == nil || !t.held {
		origin := n.body.literal
		if n.body.from != nil {
			var err error
			if origin, err = v.readDisk(n.body.from); err != nil {
				return nil, err
			}
		}
		if err := v.makeRoom(2 * int64(len(origin))); err != nil {
			return nil, err
		}
		if t == nil {
			t = &text{Draft: locator.NewDraft(origin), hashed: true, settled: true, first: len(n.body.edits) == 0}
			if err := t.Apply(spliceOf(n.body.edits)); err != nil {
				return nil, err
			}
			v.texts.of[n] = t
		} else {
			t.Resume(origin)
		}
		t.origin, t.held = origin, true
		v.texts.held = append(v.texts.held, n)
	}
	v.size = t.Size()
	return t, nil
}

// makeRoom lets go of the bytes of all files where so many more are too many. Most
// files are changed once, and settled while their bytes are there; one that comes
// back keeps only what was done to it, so that it is not settled time and again.
func (v *virtual) makeRoom(size int64) error {
	ts := &v.texts
	if ts.heldBytes += size; ts.heldBytes <= textLimit {
		return nil
	}
	for _, n := range ts.held {
		t := ts.of[n]
		switch {
		case t == nil: // it has got another since
		case t.settled:
			delete(ts.of, n)
		case t.first, n.body.from == nil: // of the latter nothing else has what the operations made
			if err := v.settle(n); err != nil {
				return err
			}
			delete(ts.of, n)
		default:
			t.Release()
			t.origin, t.held = nil, false
		}
	}
	ts.held, ts.heldBytes = ts.held[:0], size
	return nil
}

// read returns the bytes of the file n as the operations so far leave it, until
// the next operation. They must not be changed.
func (v *virtual) read(n *node) ([]byte, error) {
	t, err := v.text(n)
	if err != nil {
		return nil, err
	}
	return t.Bytes(), nil
}

// change applies spans to the file n; its hashes and its body wait.
func (v *virtual) change(n *node, spans []locator.Span) error {
	t, err := v.text(n)
	if err == nil {
		err = t.Apply(spans)
	}
	if err != nil {
		return err
	}
	if t.settled {
		v.texts.unsettled = append(v.texts.unsettled, n)
	}
	t.hashed, t.settled = false, false
	return nil
}

// hash brings the hashes of n up to date.
func (v *virtual) hash(n *node) error {
	if t := v.texts.of[n]; t == nil || t.hashed {
		return nil
	}
	t, err := v.text(n)
	if err != nil {
		return err
	}
	n.setSums(t.Bytes())
	t.hashed = true
	return nil
}

// settle brings all that is known of n up to date.
func (v *virtual) settle(n *node) error {
	if t := v.texts.of[n]; t == nil || t.settled {
		return nil
	}
	if err := v.hash(n); err != nil {
		return err
	}
	t, err := v.text(n)
	if err != nil {
		return err
	}
	t.settled = true
	if n.body.from == nil {
		n.body.literal = bytes.Clone(t.Bytes())
		return nil
	}
	spans, err := t.Spans()
	if err == nil {
		n.body.edits, err = replacements(t.origin, spans)
	}
	return err
}

// settleAll settles every file.
func (v *virtual) settleAll() error {
	for _, n := range v.texts.unsettled {
		if err := v.settle(n); err != nil {
			return err
		}
	}
	v.texts.unsettled = v.texts.unsettled[:0]
	return nil
}
