package plan

import (
	"encoding/json"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// FuzzParse looks for panics, for errors that are not of the promised kinds,
// and for plans that another reader of JSON would not take.
func FuzzParse(f *testing.F) {
	for _, c := range malformed {
		if len(c.json) < 1000 {
			f.Add([]byte(c.json))
		}
	}
	f.Add([]byte(op(`{"op": "write", "path": "a\ud83d\ude00", "content_base64": "/w==", "mode": "0644"}`)))
	f.Add([]byte(edit(`{"range": {"start": {"line": 1, "character": 2}, "end": {"character": 4, "line": 3}}, "text": ""}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseAs(data, locator.UTF16)
		if err != nil {
			if kind := fail.KindOf(err); kind != fail.Parse && kind != fail.Unsupported {
				t.Fatalf("%s: %v", kind, err)
			}
			return
		}
		if s := newScanner(&fix.Source{Data: data}, true); !json.Valid(data[s.pos:]) {
			t.Fatalf("read %q as %+v", data, p)
		}
	})
}

// FuzzText compares strings with what encoding/json makes of them.
func FuzzText(f *testing.F) {
	f.Add([]byte(`"a\n\u00e4\ud83d\ude00é"`))
	f.Add([]byte(`"\ud800"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScanner(&fix.Source{Data: data}, true)
		start := s.pos
		got := s.text()
		if s.err != nil || s.pos != len(data) {
			return
		}
		var want string
		if err := json.Unmarshal(data[start:], &want); err != nil || want != string(got) {
			t.Fatalf("%q: %q, not %q (%v)", data, got, want, err)
		}
	})
}

// BenchmarkParse reads a plan of many small operations.
func BenchmarkParse(b *testing.B) {
	data := []byte(`{"emend": 1, "ops": [`)
	for i := range 10000 {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, `{"op": "edit", "path": "dir/file.go", "edits": [{"start": 10, "end": 14, "text": "new", "old": "text"}]}`...)
	}
	data = append(data, `]}`...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseAs(data, locator.UTF16); err != nil {
			b.Fatal(err)
		}
	}
}
