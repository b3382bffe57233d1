package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/editor"
)

func TestProgressLine(t *testing.T) {
	begun := time.Unix(1000, 0)
	now := begun.Add(2 * time.Second)
	for want, m := range map[string]editor.Moment{
		"waiting":       {},
		"preparing 70":  {Phase: editor.PhasePrepare, Since: begun, Files: 70},
		"cleaning up 0": {Phase: editor.PhaseClean, Since: begun},
		"staging 50 of 200 files, 4 MiB, 2 MiB/s, 6s left": {
			Phase: editor.PhaseStage, Since: begun, Files: 50, Total: 200, Bytes: 4 << 20},
		"publishing 200 of 200 files, 900 bytes, 450 bytes/s": {
			Phase: editor.PhasePublish, Since: begun, Files: 200, Total: 200, Bytes: 900},
	} {
		require.Equal(t, want, progressLine(m, now))
	}
}

func TestProgressGoesToATerminalOrWhoAsksForIt(t *testing.T) {
	told := func(o output, how string) string {
		var b bytes.Buffer
		o.err = &b
		stop := o.follow(new(editor.Progress), how)
		stop()
		stop()
		return b.String()
	}
	terminal := output{streams: streams{errLive: true}}
	require.Empty(t, told(terminal, "auto"), "nothing takes long here")
	require.Empty(t, told(output{}, "auto"))
	require.Empty(t, told(terminal, "none"))
	require.Equal(t, `{"phase":"","files":0,"total":0,"bytes":0}`+"\n", told(output{json: true}, "json"))
}
