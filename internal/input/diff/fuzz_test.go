package diff

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/emend/emend/internal/fail"
)

// FuzzParse looks for panics, for errors that are not of the promised kinds,
// and for plans that grow out of nothing.
func FuzzParse(f *testing.F) {
	for _, c := range malformed {
		f.Add([]byte(c.patch), 1)
	}
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, strip int) {
		p, err := parse(data, Options{Strip: &strip})
		if err != nil {
			switch fail.KindOf(err) {
			case fail.Parse, fail.Unsupported, fail.TooLarge:
			case fail.Usage:
				if strip >= 0 {
					t.Fatal(err)
				}
			default:
				t.Fatalf("%s: %v", fail.KindOf(err), err)
			}
			return
		}
		if len(p.Ops) == 0 || len(p.Ops) > len(data) {
			t.Fatalf("%d operations from %d bytes", len(p.Ops), len(data))
		}
		_, _ = tree{"a": {data: "a\nb\nc\n"}, "d/x": {link: true, data: "t"}}.apply(p)
	})
}

// FuzzDelta checks that a delta that was found sound never reads outside of
// what it is applied to, and makes as much as it says.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("\x05\x04\x90\x03\x01x"), []byte("hello"))
	f.Add([]byte("\x05\x05\x80"), []byte("hello"))
	f.Fuzz(func(t *testing.T, data, old []byte) {
		d, ok := parseDelta(data)
		if !ok || d.oldSize != uint64(len(old)) || d.newSize > 1<<20 {
			return
		}
		if made := d.apply(old); uint64(len(made)) != d.newSize {
			t.Fatalf("made %d bytes, not %d", len(made), d.newSize)
		}
	})
}
