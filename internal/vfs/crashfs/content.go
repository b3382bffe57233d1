package crashfs

import (
	"io"
	"math/rand/v2"
	"slices"
)

const blockSize = 4096

// block is never changed once it is in a content.
type block [blockSize]byte

// content is the bytes of a file as a value: a change makes a new content that
// shares the blocks it did not touch. A nil block is a hole. Bytes of the last
// block past size are zero, and there is exactly one block for each blockSize
// bytes begun.
type content struct {
	size   int64
	blocks []*block
}

func blocksFor(size int64) int { return int((size + blockSize - 1) / blockSize) }

// at is the block i, nil past the end.
func (c content) at(i int) *block {
	if i < len(c.blocks) {
		return c.blocks[i]
	}
	return nil
}

func (c content) readAt(p []byte, off int64) (int, error) {
	if off >= c.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-off))
	for done := 0; done < n; {
		i, start := int((off+int64(done))/blockSize), int((off+int64(done))%blockSize)
		end := min(start+n-done, blockSize)
		if b := c.at(i); b != nil {
			copy(p[done:], b[start:end])
		} else {
			clear(p[done : done+end-start])
		}
		done += end - start
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (c content) bytes() []byte {
	p := make([]byte, c.size)
	_, _ = c.readAt(p, 0) // it is all there
	return p
}

func (c content) writeAt(p []byte, off int64) content {
	if len(p) == 0 {
		return c
	}
	out := c.resize(max(c.size, off+int64(len(p))))
	for len(p) > 0 {
		i, start := int(off/blockSize), int(off%blockSize)
		b := new(block)
		if old := out.blocks[i]; old != nil {
			*b = *old
		}
		n := copy(b[start:], p)
		out.blocks[i] = b
		p, off = p[n:], off+int64(n)
	}
	return out
}

// resize copies the list of blocks, so that the caller may set some.
func (c content) resize(size int64) content {
	out := content{size: size, blocks: make([]*block, blocksFor(size))}
	copy(out.blocks, c.blocks)
	if rest := size % blockSize; size < c.size && rest != 0 {
		if last := len(out.blocks) - 1; out.blocks[last] != nil {
			b := *out.blocks[last]
			clear(b[rest:])
			out.blocks[last] = &b
		}
	}
	return out
}

// allocated counts the blocks that are not holes.
func (c content) allocated() (n int64) {
	for _, b := range c.blocks {
		if b != nil {
			n++
		}
	}
	return n
}

// without is c as the disk has it if the blocks that c shares with dropped were
// never written: there, what is in synced stands.
func (c content) without(dropped []*block, synced content) content {
	out := c.resize(c.size)
	for i := range min(len(dropped), len(out.blocks)) {
		if dropped[i] != nil && out.blocks[i] == dropped[i] {
			out.blocks[i] = synced.at(i)
		}
	}
	return out.trim()
}

// mix makes a content of size bytes, each unit of it taken from the version
// that pick names; -1 is zeros, but only past floor: a byte below it was
// synced once and is in every version.
func mix(size, floor int64, unit int, versions []content, pick func() int) content {
	out := content{size: size, blocks: make([]*block, blocksFor(size))}
	for i := range out.blocks {
		if floor >= int64(i+1)*blockSize && sameBlock(versions, i) {
			out.blocks[i] = versions[0].at(i)
			continue
		}
		b := new(block)
		for start := 0; start < blockSize; start += unit {
			v := pick()
			from := versions[max(v, 0)].at(i)
			if from != nil {
				copy(b[start:start+unit], from[start:])
			}
			if v < 0 {
				zeroPast(b[start:start+unit], floor-int64(i)*blockSize-int64(start))
			}
		}
		zeroPast(b[:], size-int64(i)*blockSize)
		out.blocks[i] = b
	}
	return out
}

// scrambled is c with random bytes, in half of its sectors, where it differs
// from synced.
func (c content) scrambled(synced content, r *rand.Rand) content {
	const sector = 512
	out := content{size: c.size, blocks: slices.Clone(c.blocks)}
	for i := range out.blocks {
		now, then := c.at(i), synced.at(i)
		if now == then || now == nil {
			continue
		}
		if then == nil {
			then = new(block)
		}
		b := *now
		for start := 0; start < blockSize; start += sector {
			if r.IntN(2) == 0 {
				continue
			}
			for j := start; j < start+sector; j++ {
				if b[j] != then[j] {
					b[j] = byte(r.Uint32())
				}
			}
		}
		out.blocks[i] = &b
	}
	return out.trim()
}

// trim makes the bytes past the end zero.
func (c content) trim() content {
	if rest := c.size % blockSize; rest != 0 {
		if b := c.blocks[len(c.blocks)-1]; b != nil {
			trimmed := *b
			clear(trimmed[rest:])
			c.blocks[len(c.blocks)-1] = &trimmed
		}
	}
	return c
}

func sameBlock(versions []content, i int) bool {
	for _, v := range versions[1:] {
		if v.at(i) != versions[0].at(i) {
			return false
		}
	}
	return true
}

func zeroPast(p []byte, from int64) {
	if from < int64(len(p)) {
		clear(p[max(from, 0):])
	}
}
