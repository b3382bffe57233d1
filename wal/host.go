package wal

import (
	"maps"
	"slices"

	"github.com/emend/emend/hashing"
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

func decodeIntent(p []byte) (Intent, error) {
	d := decoder{b: p}
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
