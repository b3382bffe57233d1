package locator

import (
	"bytes"
	"fmt"
	"math/rand"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDraft(f *testing.F) {
	f.Add([]byte("abcdef"), []byte("\x01\x02\x01x\x01\x00\x01y\x03\x01\x00"), []byte("\x01\x02\x01x"))
	f.Fuzz(checkDraft)
}

// checkDraft applies one and two in turn, some spans at a time, to a draft and to
// a text: both are the same after each, and so are all together.
func checkDraft(t *testing.T, content, one, two []byte) {
	original := bytes.Clone(content)
	d, now := NewDraft(content), content
	for s := script(append(bytes.Clone(one), two...)); len(s) > 0; {
		spans := s.sortedSpans(len(now), 1+s.number(3))
		want, err := Splice(now, spans)
		require.NoError(t, err)
		require.NoError(t, d.Apply(spans))
		now = want
		start := s.number(len(now) + 1)
		end := start + s.number(len(now)-start+1)
		require.Equal(t, string(now[start:end]), string(d.Range(start, end)))
		if s.number(2) == 0 {
			require.Equal(t, string(now), string(d.Bytes()))
		}
		require.EqualValues(t, len(now), d.Size())
		if s.number(4) == 0 {
			d.Release()
			d.Resume(content)
		}
	}
	require.Equal(t, string(now), string(d.Bytes()))
	require.Equal(t, string(original), string(content), "the original stays")
	all, err := d.Spans()
	require.NoError(t, err)
	got, err := Splice(content, all)
	require.NoError(t, err)
	require.Equal(t, string(now), string(got))
	for i, s := range all {
		require.False(t, s.insert() && len(s.Text) == 0)
		require.True(t, i == 0 || all[i-1].End < s.Start, "never touching")
	}
	outside := []Span{{Start: len(now), End: len(now) + 1}}
	require.Error(t, d.Apply(outside))
	require.Equal(t, string(now), string(d.Bytes()))
}

// TestDraftNeedsLittle changes a text in many places, one after another: what an
// edit takes does not grow with the edits before it.
func TestDraftNeedsLittle(t *testing.T) {
	orders := map[string]func(i, n int) int{
		"forward":    func(i, _ int) int { return 16 * i },
		"backward":   func(i, n int) int { return 16 * (n - 1 - i) },
		"one place":  func(int, int) int { return 0 },
		"everywhere": func(_, n int) int { return rand.Intn(16 * n) },
	}
	for name, place := range orders {
		t.Run(name, func(t *testing.T) {
			each := func(n int) uint64 {
				d := NewDraft(bytes.Repeat([]byte("sixteen bytes a\n"), n))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for i := range n {
					at := place(i, n)
					require.NoError(t, d.Apply([]Span{{Start: at, End: at, Text: fmt.Appendf(nil, "%08d", i)}}))
				}
				_, err := d.Spans()
				require.NoError(t, err)
				runtime.ReadMemStats(&after)
				return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
			}
			require.Less(t, each(16_000), 3*each(1_000), "bytes an edit")
		})
	}
}
