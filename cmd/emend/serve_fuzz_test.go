package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzServe sends anything at all, or anything in frames, one a line: every
// answer can be read, and the end is one of the two that there are.
func FuzzServe(f *testing.F) {
	const begin = `{"jsonrpc":"2.0","id":1,"method":"initialize"}` + "\n"
	for _, last := range []string{
		`{"jsonrpc":"2.0","id":"a","method":"apply","params":{"document":{"emend":1,"ops":[{"op":"mkdir","path":"d"}]},"diff":true}}`,
		`{"jsonrpc":"2.0","id":2,"method":"prepare","params":{"document":"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+y\n","format":"diff","strip":1}}`,
		`{"jsonrpc":"2.0","id":2,"method":"commit","params":{"tx":1}}`,
		`{"jsonrpc":"2.0","id":2,"method":"undo","params":{"id":"06FZ4W8SX1R3Q2T5V7Y9ABCDEF","check":true}}`,
		`{"jsonrpc":"2.0","id":-2,"method":"recover","params":{"policy":"back","host":true}}`,
		`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}`,
		`{"jsonrpc":"2.0","id":2,"method":"shutdown"}` + "\n" + `{"jsonrpc":"2.0","method":"exit"}`,
	} {
		f.Add(true, []byte(begin+last))
	}
	f.Add(false, []byte("Content-Length: 2\r\nContent-Type: x\r\n\r\n{}content-length:2\n\n[]"))
	f.Fuzz(func(t *testing.T, framed bool, in []byte) {
		if framed {
			var frames []byte
			for line := range bytes.Lines(in) {
				frames = fmt.Appendf(frames, "Content-Length: %d\r\n\r\n%s", len(line), line)
			}
			in = frames
		}
		var out bytes.Buffer
		code := run(context.Background(), []string{"serve", "--root", t.TempDir()},
			streams{in: bytes.NewReader(in), out: &out, err: io.Discard})
		require.Contains(t, []int{exitDone, exitUsage}, code)
		for r := (frameReader{bufio.NewReader(&out)}); ; {
			body, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			require.NoError(t, err)
			require.True(t, json.Valid(body), "%q", body)
		}
	})
}
