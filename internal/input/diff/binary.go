package diff

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"

	"github.com/emend/emend/internal/fail"
)

// maxBlob bounds what a binary patch can make of its few bytes.
const maxBlob = 1 << 30

// binary is one half of a binary patch: the way forward, or the way back.
type binary struct {
	pos   int
	delta bool   // data is a delta, not the new content
	data  []byte // inflated
}

// binary reads what follows "GIT binary patch": the change, and mostly the way
// back, which must be sound as well.
func (p *parser) binary(c *change) error {
	p.Advance()
	var err error
	if c.blob, err = p.binaryHunk(); err != nil {
		return err
	}
	if c.blob == nil {
		return p.errorf("want literal or delta, and a size, in a binary patch")
	}
	c.back, err = p.binaryHunk()
	return err
}

// binaryHunk reads one half; nil where none begins at the current line.
func (p *parser) binaryHunk() (*binary, error) {
	b := &binary{pos: p.Pos(), delta: p.has("delta ")}
	if !b.delta && !p.has("literal ") {
		return nil, nil
	}
	header, err := p.whole()
	if err != nil {
		return nil, err
	}
	_, number, _ := strings.Cut(header, " ")
	size, ok := parseNumber(number)
	if !ok {
		return nil, p.errorf("malformed size %.40q of a binary patch", number)
	}
	if size > maxBlob {
		return nil, p.Error(fail.TooLarge, b.pos, "", "a binary patch of %d bytes, more than %d", size, maxBlob)
	}
	var packed []byte
	for p.Advance(); string(p.Raw()) != "\n"; p.Advance() {
		if packed, ok = appendBase85(packed, p.Raw()); !ok {
			return nil, p.errorf("corrupt line in a binary patch")
		}
	}
	p.Advance()
	if b.data, ok = inflate(packed, size); !ok {
		return nil, p.errorAt(b.pos, "corrupt binary patch: its data do not inflate to %d bytes", size)
	}
	return b, nil
}

// inflate unpacks a zlib stream of exactly size bytes. It allocates as the
// bytes come, for the size may be a lie.
func inflate(packed []byte, size int) ([]byte, bool) {
	in := bytes.NewReader(packed)
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
	return data, err == nil && len(data) == size && in.Len() == 0
}

const base85Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// appendBase85 appends the bytes of a line: their number as a letter (A is 1,
// a is 27), then five digits for every four of them, the last filled up.
func appendBase85(out, line []byte) ([]byte, bool) {
	digits := len(line) - 2
	if digits < 5 || digits%5 != 0 || line[len(line)-1] != '\n' {
		return nil, false
	}
	var count int
	switch c := line[0]; {
	case 'A' <= c && c <= 'Z':
		count = int(c-'A') + 1
	case 'a' <= c && c <= 'z':
		count = int(c-'a') + 27
	}
	room := digits / 5 * 4
	if count > room || count <= room-4 {
		return nil, false
	}
	want := len(out) + count
	for i := 1; i <= digits; i += 5 {
		var word uint64
		for _, c := range line[i : i+5] {
			value := strings.IndexByte(base85Digits, c)
			if value < 0 {
				return nil, false
			}
			word = word*85 + uint64(value)
		}
		if word > 0xFFFFFFFF {
			return nil, false
		}
		out = append(out, byte(word>>24), byte(word>>16), byte(word>>8), byte(word))
	}
	return out[:want], true
}
