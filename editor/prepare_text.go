package editor

import (
	"bytes"

	"github.com/emend/emend/locator"
)

// textLimit bounds the bytes of texts that are held for operations that follow
// each other on the same files; one file more is held, however large it is.
const textLimit = 16 << 20

// text is a file whose bytes are held while operations change it. What is known
// of the node, its hashes and its spans, is brought up to date when somebody asks.
type text struct {
	*locator.Draft
	origin  []byte // of node.body.from, as on disk; nil where the plan has the bytes
	hashed  bool   // node.is is up to date
	settled bool   // ... and node.body
	cost    int64  // of textLimit
}

// text returns the file n as the operations so far leave it.
func (p *preparer) text(n *node) (*text, error) {
	if t := p.texts[n]; t != nil {
		p.size = t.Size()
		return t, nil
	}
	t := &text{hashed: true, settled: true}
	if n.body.from == nil {
		t.Draft = locator.NewDraft(n.body.literal)
	} else {
		var err error
		if t.origin, err = p.readDisk(n.body.from); err != nil {
			return nil, err
		}
		t.Draft = locator.NewDraft(t.origin)
		if err := t.Apply(n.body.spans); err != nil {
			return nil, err
		}
	}
	p.size = t.Size()
	t.cost = int64(len(t.origin)) + p.size
	if p.textBytes+t.cost > textLimit {
		if err := p.settleAll(); err != nil {
			return nil, err
		}
		clear(p.texts)
		p.textBytes = 0
	}
	p.texts[n] = t
	p.textBytes += t.cost
	return t, nil
}

// forget lets go of the text of n, which gets another.
func (p *preparer) forget(n *node) {
	if t := p.texts[n]; t != nil {
		p.textBytes -= t.cost
		delete(p.texts, n)
	}
}

// read returns the bytes of the file n as the operations so far leave it, until
// the next operation. They must not be changed.
func (p *preparer) read(n *node) ([]byte, error) {
	t, err := p.text(n)
	if err != nil {
		return nil, err
	}
	return t.Bytes(), nil
}

// change applies spans to the file n; its hashes and its body wait.
func (p *preparer) change(n *node, spans []locator.Span) error {
	t, err := p.text(n)
	if err == nil {
		err = t.Apply(spans)
	}
	if err != nil {
		return err
	}
	if t.settled {
		p.unsettled = append(p.unsettled, n)
	}
	t.hashed, t.settled = false, false
	return nil
}

// hash brings the hashes of n up to date.
func (v *virtual) hash(n *node) {
	if t := v.texts[n]; t != nil && !t.hashed {
		n.setSums(t.Bytes())
		t.hashed = true
	}
}

// settle brings all that is known of n up to date.
func (v *virtual) settle(n *node) error {
	v.hash(n)
	t := v.texts[n]
	if t == nil || t.settled {
		return nil
	}
	t.settled = true
	if n.body.from == nil {
		n.body.literal = bytes.Clone(t.Bytes())
		return nil
	}
	spans, err := t.Spans()
	if err != nil {
		return err
	}
	n.body.spans = spans
	n.body.edits, err = replacements(t.origin, spans)
	return err
}

// settleAll settles every file.
func (v *virtual) settleAll() error {
	for _, n := range v.unsettled {
		if err := v.settle(n); err != nil {
			return err
		}
	}
	v.unsettled = v.unsettled[:0]
	return nil
}
