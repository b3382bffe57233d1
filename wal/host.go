package wal

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/locator"
)

// hostIndex knows the host intents that are not retired, by the digest of
// their IDs, and where their frames are.
type hostIndex struct{ live map[hashing.Digest]int64 }

func newHostIndex() hostIndex { return hostIndex{live: map[hashing.Digest]int64{}} }

func hostDigest(id string) hashing.Digest { return hashing.Raw([]byte(id)) }

func (x *hostIndex) add(f *frame) error {
	d := decoder{b: f.payload}
	id := hostDigest(d.string())
	if d.err != nil {
		return d.err
	}
	if f.typ == typeHost {
		x.live[id] = f.off
		return nil
	}
	delete(x.live, id)
	return d.end()
}

// encode writes the ID first, so that it can be told without the rest.
func (in *Intent) encode(p []byte) []byte {
	p = slices.Grow(p, in.maxSize())
	p = putString(p, in.ID)
	p = putCount(p, len(in.Edits), in.Edits == nil)
	for _, e := range in.Edits {
		p = putString(p, e.Path)
		p = putInt(p, int64(e.StartByte))
		p = putInt(p, int64(e.EndByte))
		p = putString(p, e.NewText)
	}
	p = putCount(p, len(in.Originals), in.Originals == nil)
	for _, path := range slices.Sorted(maps.Keys(in.Originals)) {
		p = putString(p, path)
		p = putOptional(p, in.Originals[path])
	}
	p = putTexts(p, in.ExpectedRawHash)
	return putTexts(p, in.ExpectedNormHash)
}

// maxSize is no less than what the intent takes, so that its bytes move once.
func (in *Intent) maxSize() int {
	const number = binary.MaxVarintLen64
	n := 5*number + len(in.ID)
	for _, e := range in.Edits {
		n += 4*number + len(e.Path) + len(e.NewText)
	}
	for path, original := range in.Originals {
		n += 2*number + len(path) + len(original)
	}
	for _, hashes := range []map[string]string{in.ExpectedRawHash, in.ExpectedNormHash} {
		for path, hash := range hashes {
			n += 2*number + len(path) + len(hash)
		}
	}
	return n + frameAlign
}

// AppendBinary appends to b the intent as the log keeps it: any bytes, and
// little more than its originals and texts are long. It always succeeds.
func (in *Intent) AppendBinary(b []byte) ([]byte, error) { return in.encode(b), nil }

// DecodeIntent takes what AppendBinary appended. The originals are parts of b,
// which must not change any more.
func DecodeIntent(b []byte) (Intent, error) {
	d := decoder{b: b}
	in := Intent{ID: d.string()}
	n := d.optionalCount()
	if n >= 0 {
		in.Edits = make([]locator.FileEdit, 0, min(n, len(d.b)/4))
	}
	for range n {
		e := locator.FileEdit{Path: d.string(), StartByte: int(d.int()), EndByte: int(d.int()), NewText: d.string()}
		in.Edits = append(in.Edits, e)
		if d.err != nil {
			break
		}
	}
	if n := d.optionalCount(); n >= 0 {
		in.Originals = map[string][]byte{}
		for range n {
			path := d.string()
			in.Originals[path] = d.optional()
			if d.err != nil {
				break
			}
		}
	}
	in.ExpectedRawHash = d.texts()
	in.ExpectedNormHash = d.texts()
	return in, d.end()
}

// putTexts writes a map of texts, sorted by key.
func putTexts(p []byte, m map[string]string) []byte {
	p = putCount(p, len(m), m == nil)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p = putString(putString(p, k), m[k])
	}
	return p
}

func (d *decoder) texts() map[string]string {
	n := d.optionalCount()
	if n < 0 {
		return nil
	}
	m := map[string]string{}
	for range n {
		k := d.string()
		m[k] = d.string()
		if d.err != nil {
			break
		}
	}
	return m
}

// offsets are where the live intents' frames stand, in the order in which they
// were appended.
func (x *hostIndex) offsets() []int64 {
	return slices.Sorted(maps.Values(x.live))
}

// HostIntents returns the host intents that are not retired, in the order in
// which they were appended.
func (l *Log) HostIntents() ([]Intent, error) {
	c, err := l.use()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look(); err != nil || c.gen == nil {
		return c.imported, err
	}
	var list []Intent
	for _, off := range c.idx.hosts.offsets() {
		f, ok, err := c.scan.frame(off)
		if err != nil {
			return nil, wrap(err, "read", c.path)
		}
		if !ok {
			return nil, &CorruptError{Path: c.path, From: off, To: c.pos.off, Lost: "a host intent"}
		}
		in, err := DecodeIntent(bytes.Clone(f.payload))
		if err != nil {
			return nil, decodeError(c.path, &f, err)
		}
		list = append(list, in)
	}
	return list, nil
}

func (l *Log) hostLive(id string) bool {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	_, live := l.c.idx.hosts.live[hostDigest(id)]
	return live
}

// AppendHost appends a host intent; durable on nil. An ID that is live already
// is a conflict. The caller holds the log.
func (l *Log) AppendHost(in Intent) error {
	return l.commitHost(typeHost, in.ID, in.encode)
}

// RetireHost says that the host is done with the intent; durable on nil. One
// that is not live is nothing to do.
func (l *Log) RetireHost(id string) error {
	return l.commitHost(typeHostRetire, id, func(b []byte) []byte { return putString(b, id) })
}

// commitHost appends a frame about the host intent id, which nobody else can
// append or retire meanwhile.
func (l *Log) commitHost(typ frameType, id string, encode func([]byte) []byte) error {
	c, err := l.useHeld()
	if err != nil {
		return err
	}
	claimed, err := c.claimHost(typ, id)
	if !claimed || err != nil {
		return err
	}
	defer c.releaseHost(id)
	return l.commitOne(typ, encode)
}

// claimHost reports whether there is something to do, and keeps others from it
// until releaseHost.
func (c *shared) claimHost(typ frameType, id string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := hostDigest(id)
	for c.hosts[d] {
		c.hostFree.Wait()
	}
	_, live := c.idx.hosts.live[d]
	if live && typ == typeHost {
		return false, fail.New(fail.Conflict, "append", c.path, "intent %q is live already", id)
	}
	if !live && typ == typeHostRetire {
		return false, nil
	}
	c.hosts[d] = true
	return true, nil
}

func (c *shared) releaseHost(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hosts, hostDigest(id))
	c.hostFree.Broadcast()
}
