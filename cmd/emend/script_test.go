package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/internal/vfs/faultfs"
	"github.com/emend/emend/internal/vfs/op"
	"github.com/emend/emend/wal"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"emend": main})
}

// TestScripts runs the command as people and scripts do: one behaviour a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The root is found here, whatever stands above the temporary directory.
			return os.Mkdir(filepath.Join(env.WorkDir, ".git"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": scriptExit, "json": scriptJSON, "crash": scriptCrash, "flip": scriptFlip, "hold": scriptHold,
			"bytes": scriptBytes, "newer": scriptNewer, "host": scriptHost,
		},
	})
}

// scriptExit runs emend and checks its exit code: exit CODE ARGS...
func scriptExit(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("emend", args[1:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if neg || got != args[0] {
		ts.Fatalf("emend exited %s, want %s", got, args[0])
	}
}

// scriptJSON checks that stdout is exactly one JSON document, and a value in
// it: json .error.kind '"usage"'. A missing value is "absent".
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	out := ts.ReadFile("stdout")
	dec := json.NewDecoder(strings.NewReader(out))
	var v any
	ts.Check(dec.Decode(&v))
	if dec.More() || !strings.HasSuffix(out, "}\n") {
		ts.Fatalf("stdout is not one JSON document and a newline: %q", out)
	}
	got, ok := v, true
	for _, key := range strings.FieldsFunc(args[0], func(r rune) bool { return r == '.' }) {
		switch in := got.(type) {
		case map[string]any:
			got, ok = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if ok = i < len(in); ok {
				got = in[i]
			}
		default:
			ok = false
		}
		if !ok {
			break
		}
	}
	text := "absent"
	if ok {
		b, err := json.Marshal(got)
		ts.Check(err)
		text = string(b)
	}
	if (text == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s", args[0], text, args[1])
	}
}

// scriptCrash applies PLAN in the workspace ROOT, and leaves the disk as a
// process does that dies when it is about to publish PATH.
func scriptCrash(ts *testscript.TestScript, neg bool, args []string) {
	root, path := ts.MkAbs(args[0]), args[2]
	dead := false
	fs := faultfs.New(vfs.OS(), faultfs.Fault{
		Match: func(o op.Op) bool {
			publishes := o.Kind == op.Exchange || o.Kind == op.RenameNoReplace || o.Kind == op.Link
			dead = dead || publishes && (strings.HasSuffix(o.Path, path) || strings.HasSuffix(o.To, path))
			return dead && faultfs.Changes(o)
		},
		N: 1, Forever: true, Err: syscall.EIO,
	})
	plan, err := input.Parse(input.Auto, input.Options{}, &fix.Source{Data: []byte(ts.ReadFile(args[1]))})
	ts.Check(err)
	ed, err := editor.Open(context.Background(), root, editor.WithFS(fs))
	ts.Check(err)
	if _, err := ed.Apply(context.Background(), plan); err == nil || !dead {
		ts.Fatalf("the commit did not fail at %s: %v", path, err)
	}
	_ = ed.Close() // what a dead process cannot do fails
}

// scriptFlip flips a bit of FILE, at the last place of TEXT in it.
func scriptFlip(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	i := bytes.LastIndex(data, []byte(args[1]))
	if i < 0 {
		ts.Fatalf("%q is not in %s", args[1], args[0])
	}
	data[i] ^= 1
	ts.Check(os.WriteFile(name, data, 0o600))
}

// scriptNewer makes FILE a log of the next version of the format: version and
// checksum of the file's header keep their places in every version.
func scriptNewer(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	data[8]++
	binary.LittleEndian.PutUint32(data[60:], crc32.Checksum(data[:60], crc32.MakeTable(crc32.Castagnoli)))
	ts.Check(os.WriteFile(name, data, 0o600))
}

// scriptHost logs a host's intent ID in the workspace ROOT.
func scriptHost(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(wal.Append(ts.MkAbs(filepath.Join(args[0], ".emend")), wal.Intent{ID: args[1]}))
}

// scriptHold holds the lock of the workspace ROOT until the script ends.
func scriptHold(ts *testscript.TestScript, neg bool, args []string) {
	log, err := wal.Open(context.Background(), ts.MkAbs(filepath.Join(args[0], ".emend")), wal.Options{})
	ts.Check(err)
	ts.Check(log.Acquire(context.Background(), time.Second, nil))
	ts.Defer(func() {
		log.Release()
		_ = log.Close()
	})
}

// scriptBytes writes a file from a Go string literal: bytes FILE '"\xff\n"'.
// The name may be one, too.
func scriptBytes(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	if s, err := strconv.Unquote(name); err == nil {
		name = s
	}
	content, err := strconv.Unquote(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(content), 0o644))
}
