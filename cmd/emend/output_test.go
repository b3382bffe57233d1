package main

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/emend/emend/internal/fail"
	"github.com/stretchr/testify/require"
)

func TestDiffIsColouredOnATerminalOnly(t *testing.T) {
	const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\r\n+new\n same\n+last\n\\ No newline at end of file"
	write := func(w io.Writer) error {
		for i := range len(patch) { // whoever makes a diff may write it in any pieces
			if _, err := io.WriteString(w, patch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	var b bytes.Buffer
	o := output{streams: streams{out: &b}}
	require.NoError(t, o.diff(write))
	require.Equal(t, patch, b.String())

	b.Reset()
	o.outTTY = true
	require.NoError(t, o.diff(write))
	require.Equal(t, bold+"diff --git a/x b/x"+plain+"\n"+bold+"--- a/x"+plain+"\n"+bold+"+++ b/x"+plain+"\n"+
		cyan+"@@ -1 +1 @@"+plain+"\n"+red+"-old\r"+plain+"\n"+green+"+new"+plain+"\n same\n"+
		green+"+last"+plain+"\n\\ No newline at end of file", b.String())
}

func TestNothingInAnErrorReachesTheTerminalRaw(t *testing.T) {
	var b bytes.Buffer
	o := output{streams: streams{err: &b}}
	e := fail.New(fail.Drift, "edit", "a\x1b[2Jb", "found \x1b]0;title\a here").WithHint("\x9b2J")
	e.Expected, e.Actual = "x", "y\x00"
	e.Candidates = []fail.Candidate{{Start: 1, End: 2, Line: 3}}
	o.failure(e, 1, nil)
	require.Equal(t, `emend: edit "a\x1b[2Jb": found \x1b]0;title\x07 here
  expected: x
  actual:   y\x00
  candidate: line 3, bytes 1 to 2
hint: `+"\uFFFD2J\n", b.String())
}

func TestAClosedPipeIsNoError(t *testing.T) {
	n, err := openEnded{writer(func([]byte) (int, error) { return 1, syscall.EPIPE })}.Write([]byte("abc"))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	_, err = openEnded{writer(func([]byte) (int, error) { return 1, syscall.ENOSPC })}.Write([]byte("abc"))
	require.True(t, errors.Is(err, syscall.ENOSPC))
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
