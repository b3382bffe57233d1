package wal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
)

type imageKey struct {
	n   int
	img Image
}

// extent is one data frame of an image.
type extent struct {
	off    int64 // in the image
	frame  int64 // offset of the frame in the file
	length int   // of the image's bytes in it
}

// Image returns a reader of the image of step n; false if the log does not
// hold it. Where reading the log for it fails, the reader's first read says so.
func (t *Transaction) Image(n int, img Image) (*ImageReader, bool) {
	images, err := t.images()
	if err != nil {
		return &ImageReader{t: t, size: 1, err: err}, true // a size of 0 would never be read
	}
	extents, ok := images[imageKey{n, img}]
	if !ok {
		return nil, false
	}
	r := &ImageReader{t: t, extents: extents}
	for _, e := range extents {
		if e.off != r.size {
			return &ImageReader{t: t, size: 1, err: &CorruptError{Path: t.path, From: t.from, To: t.to,
				Lost: fmt.Sprintf("bytes of an image of step %d of intent %v, from %d on", n, t.ID, r.size)}}, true
		}
		r.size = e.off + int64(e.length)
	}
	return r, true
}

// findImages notes which images there are and where their data frames stand,
// and reads none.
func (t *Transaction) findImages() (map[imageKey][]extent, error) {
	images := map[imageKey][]extent{}
	if t.Compacted {
		return images, nil
	}
	s := t.scanner()
	err := t.each(s, func(h *frame) error {
		const enough = frameHeaderSize + dataHeaderSize
		b, ok, err := s.bytes(h.off, int(min(h.size(), enough)))
		if err != nil || !ok {
			return t.readError(h.off, err)
		}
		payload := b[frameHeaderSize:][:min(h.length, dataHeaderSize)]
		switch h.typ {
		case typeFile:
			err = t.expectImages(images, payload)
		case typeData:
			err = t.addExtent(images, payload, h)
		}
		if err != nil {
			return decodeError(t.path, h, err)
		}
		return nil
	})
	for _, list := range images {
		slices.SortFunc(list, func(a, b extent) int { return cmp.Compare(a.off, b.off) })
	}
	return images, err
}

// expectImages takes from the start of a file frame which images are logged:
// an empty one has no data frames.
func (t *Transaction) expectImages(images map[imageKey][]extent, start []byte) error {
	d := decoder{b: start}
	id, n, flags := d.id(), d.number(), d.byte()
	if id != t.ID {
		return d.err
	}
	for bit, img := range map[byte]Image{stepHasBefore: Before, stepHasAfter: After} {
		if k := (imageKey{n, img}); flags&bit != 0 && images[k] == nil {
			images[k] = []extent{}
		}
	}
	return d.err
}

func (t *Transaction) addExtent(images map[imageKey][]extent, start []byte, h *frame) error {
	d, err := decodeDataHeader(start)
	if err == nil && d.id == t.ID {
		k := imageKey{d.n, d.img}
		images[k] = append(images[k], extent{off: d.off, frame: h.off, length: h.length - dataHeaderSize})
	}
	return err
}

// ImageReader reads one image from the log, checking every frame it comes
// from. It keeps one frame in memory. Safe for concurrent use.
type ImageReader struct {
	t       *Transaction
	extents []extent
	size    int64
	err     error

	mu   sync.Mutex
	at   int64  // offset in the image of ...
	data []byte // ... the bytes read last
}

// Size is the length of the whole image.
func (r *ImageReader) Size() int64 { return r.size }

// ReadAt reads from the image. Damage is a *CorruptError.
func (r *ImageReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	for n < len(p) {
		if off >= r.size {
			return n, io.EOF
		}
		if off < r.at || off >= r.at+int64(len(r.data)) {
			if err := r.load(off); err != nil {
				return n, err
			}
		}
		k := copy(p[n:], r.data[off-r.at:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// load reads the frame that holds byte off of the image.
func (r *ImageReader) load(off int64) error {
	i, _ := slices.BinarySearchFunc(r.extents, off+1, func(e extent, v int64) int { return cmp.Compare(e.off, v) })
	e := r.extents[i-1]
	f, ok, err := r.t.scanner().frame(e.frame)
	if err != nil || !ok || f.length != e.length+dataHeaderSize || off-e.off >= int64(e.length) {
		return r.t.readError(e.frame, err)
	}
	r.at, r.data = e.off, f.payload[dataHeaderSize:]
	return nil
}
