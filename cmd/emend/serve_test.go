package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// client talks to emend serve.
type client struct {
	t       *testing.T
	in      io.WriteCloser
	out     frameReader
	stdout  io.Closer
	exit    <-chan int
	last    int
	answers map[string]answer // that came before somebody asked for them
}

type answer struct {
	ID     json.RawMessage
	Result map[string]any
	Error  *struct {
		Code    int
		Message string
		Data    struct {
			Error map[string]any
			Exit  int
		}
	}
}

// serving starts emend serve in root.
func serving(t *testing.T, root string, args ...string) *client {
	inR, in := io.Pipe()
	out, outW := io.Pipe()
	exit, ended := make(chan int, 1), make(chan struct{})
	go func() {
		defer close(ended)
		exit <- run(context.Background(), append([]string{"serve", "--root", root}, args...),
			streams{in: inR, out: outW, err: io.Discard})
		_ = inR.Close()
		_ = outW.Close()
	}()
	c := &client{t: t, in: in, out: frameReader{bufio.NewReader(out)}, stdout: out, exit: exit, answers: make(map[string]answer)}
	t.Cleanup(func() {
		_ = in.Close()
		_ = out.Close()
		<-ended // and has done with root
	})
	return c
}

// initialized is serving behind initialize.
func initialized(t *testing.T, root string, args ...string) *client {
	c := serving(t, root, args...)
	require.Equal(t, "emend", c.ok("initialize", nil)["name"])
	return c
}

func (c *client) sendRaw(body string) {
	_, err := fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(c.t, err)
}

// send asks for something and returns the id of the request.
func (c *client) send(method string, params any) string {
	c.last++
	id := fmt.Sprint(c.last)
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.last, "method": method, "params": params})
	require.NoError(c.t, err)
	c.sendRaw(string(body))
	return id
}

// next returns the answer that comes next.
func (c *client) next() answer {
	body, err := c.out.next()
	require.NoError(c.t, err)
	var a answer
	require.NoError(c.t, json.Unmarshal(body, &a), "%s", body)
	return a
}

// wait returns the answer to a request.
func (c *client) wait(id string) answer {
	for {
		if a, ok := c.answers[id]; ok {
			return a
		}
		a := c.next()
		c.answers[string(a.ID)] = a
	}
}

func (c *client) ok(method string, params any) map[string]any {
	c.t.Helper()
	a := c.wait(c.send(method, params))
	require.Nil(c.t, a.Error, "%s: %+v", method, a.Error)
	return a.Result
}

// refused asks for something that is refused, and returns the error object.
func (c *client) refused(code int, method string, params any) map[string]any {
	c.t.Helper()
	a := c.wait(c.send(method, params))
	require.NotNil(c.t, a.Error, "%s: %v", method, a.Result)
	require.Equal(c.t, code, a.Error.Code, "%s: %s", method, a.Error.Message)
	return a.Error.Data.Error
}

type object = map[string]any

func rootWith(t *testing.T, name, text string) string {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	return root
}

func requireFile(t *testing.T, root, name, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

const patchOfF = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+y\n"

func TestServe(t *testing.T) {
	root := rootWith(t, "f", "x\n")
	c := initialized(t, root)
	res := c.ok("apply", object{"document": patchOfF, "label": "first", "diff": true})
	require.Equal(t, "committed", res["state"])
	require.Equal(t, "first", res["label"])
	require.Contains(t, res["diff"], "+y\n")
	require.EqualValues(t, 0, res["exit"])
	requireFile(t, root, "f", "y\n")

	plan := object{"emend": 1, "ops": []object{{"op": "write", "path": "f", "content": "z\n"}}}
	require.Equal(t, "checked", c.ok("apply", object{"document": plan, "check": true})["state"])
	tx := c.ok("prepare", object{"document": plan})
	require.Equal(t, "checked", tx["state"])
	require.Len(t, tx["files"], 1)
	require.Contains(t, c.ok("diff", object{"tx": tx["tx"]})["diff"], "+z\n")
	requireFile(t, root, "f", "y\n")
	second := c.ok("commit", object{"tx": tx["tx"]})
	requireFile(t, root, "f", "z\n")
	require.Equal(t, "not-found", c.refused(1, "commit", object{"tx": tx["tx"]})["kind"])

	dropped := c.ok("prepare", object{"documentBase64": []byte("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-z\n+\xff\n")})
	require.NotEmpty(t, c.ok("diff", object{"tx": dropped["tx"]})["diff_base64"])
	c.ok("discard", object{"tx": dropped["tx"]})

	require.Equal(t, second["id"], c.ok("undo", object{"id": second["id"]})["undoes"])
	requireFile(t, root, "f", "y\n")
	c.ok("redo", nil)
	requireFile(t, root, "f", "z\n")
	require.Empty(t, c.ok("status", nil)["pending"])
	require.Empty(t, c.ok("recover", object{"policy": "back", "dryRun": true})["intents"])

	require.Nil(t, c.ok("shutdown", nil))
	c.refused(codeInvalidRequest, "status", nil)
	c.sendRaw(`{"jsonrpc":"2.0","method":"exit"}`)
	require.Equal(t, exitDone, <-c.exit)
}

// What a request does not say the flags say.
func TestServeFlagsAreDefaults(t *testing.T) {
	root := rootWith(t, "f", "a\nx\n")
	c := initialized(t, root, "--on-drift", "relocate", "--format", "diff", "-p0")
	patch := strings.NewReplacer("a/f", "f", "b/f", "f").Replace(patchOfF)
	require.Equal(t, "committed", c.ok("apply", object{"document": patch})["state"])
	requireFile(t, root, "f", "a\ny\n")
	require.Equal(t, "parse", c.refused(2, "apply", object{"document": object{}})["kind"])
	c.ok("apply", object{"document": patch, "reverse": true, "format": "auto", "strip": 0})
	requireFile(t, root, "f", "a\nx\n")
}

func TestServeRefusals(t *testing.T) {
	root := rootWith(t, "f", "x\n")
	c := serving(t, root)
	c.refused(codeNotInitialized, "status", nil)
	c.refused(codeNoMethod, "nothing", nil)
	c.ok("initialize", nil)
	c.refused(codeInvalidRequest, "initialize", nil)
	c.refused(codeParams, "status", object{"verbose": true})
	c.refused(codeParams, "apply", object{"documents": patchOfF})
	c.refused(codeParams, "apply", object{})
	c.refused(codeParams, "apply", []string{patchOfF})
	c.refused(codeParams, "apply", object{"document": patchOfF, "format": "xml"})
	c.refused(codeParams, "recover", object{"policy": "sideways"})
	require.Equal(t, "usage", c.refused(2, "apply", object{"document": patchOfF, "strip": -1})["kind"])

	e := c.refused(2, "apply", object{"document": "Text\n" + patchOfF[:len(patchOfF)-3], "name": "my.patch"})
	require.Equal(t, "parse", e["kind"])
	require.Contains(t, e["message"], "my.patch:")
	e = c.refused(1, "apply", object{"document": strings.ReplaceAll(patchOfF, "-x", "-w")})
	require.Equal(t, "drift", e["kind"])
	require.Equal(t, "f", e["path"])
	require.Equal(t, "unchanged", e["state"])
	requireFile(t, root, "f", "x\n")
}

// A message that is no request is answered, and the next one is read.
func TestServeMessagesThatAreNoRequests(t *testing.T) {
	c := initialized(t, t.TempDir())
	for body, code := range map[string]int{
		"":                      codeParse,
		"{":                     codeParse,
		"\"\xff\"":              codeParse,
		`{"jsonrpc":"2.0"} {}`:  codeParse,
		`{"id":1,"x":"\ud800"}`: codeParse,
		"7":                     codeInvalidRequest,
		"null":                  codeInvalidRequest,
		`[{"jsonrpc":"2.0","id":1,"method":"status"}]`:  codeInvalidRequest,
		`{"id":1,"method":"status"}`:                    codeInvalidRequest,
		`{"jsonrpc":"2.0","id":1}`:                      codeInvalidRequest,
		`{"jsonrpc":"2.0","id":null,"method":"status"}`: codeInvalidRequest,
		`{"jsonrpc":"2.0","id":{},"method":"status"}`:   codeInvalidRequest,
		`{"jsonrpc":"2.0","id":1,"method":7}`:           codeInvalidRequest,
	} {
		c.sendRaw(body)
		a := c.next()
		require.NotNil(t, a.Error, body)
		require.Equal(t, code, a.Error.Code, "%s: %s", body, a.Error.Message)
	}
	c.sendRaw(`{"jsonrpc":"2.0","method":"apply","params":{}}`) // nobody would hear of it
	c.ok("status", nil)
}

// Where nobody knows where the next message begins, that is the end.
func TestServeMalformedFrames(t *testing.T) {
	status := `{"jsonrpc":"2.0","id":1,"method":"status"}`
	for _, in := range []string{
		"\r\n" + status,
		"Content-Type: x\r\n\r\n" + status,
		"Content-Length: x\r\n\r\n" + status,
		"Content-Length: -1\r\n\r\n" + status,
		"Content-Length: 99999999999999999999\r\n\r\n" + status,
		"Content-Length: 268435457\r\n\r\n" + status,
		"Content-Length: 200000000\r\n\r\n" + status,
		"Content-Length: 10\r\n\r\n{",
		"Content-Length: 10\r\n",
		"Content",
		status,
		strings.Repeat("x", 1<<20),
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), []string{"serve", "--root", t.TempDir()},
			streams{in: strings.NewReader(in), out: &out, err: &errs})
		require.Equal(t, exitUsage, code, "%.40q", in)
		body, err := frameReader{bufio.NewReader(&out)}.next()
		require.NoError(t, err, "%.40q", in)
		require.Contains(t, string(body), `"id":null,"error":{"code":-32700,`)
		require.Contains(t, errs.String(), "serve stdin: ")
	}
}

func TestServeFramesAsOthersWriteThem(t *testing.T) {
	status := `{"jsonrpc":"2.0","id":"s","method":"status"}`
	in := fmt.Sprintf("content-length:%d\nContent-Type: application/vscode-jsonrpc; charset=utf-8\n\n%s", len(status), status)
	var out bytes.Buffer
	code := run(context.Background(), []string{"serve", "--root", t.TempDir()},
		streams{in: strings.NewReader(in + in), out: &out, err: io.Discard})
	require.Equal(t, exitDone, code)
	require.Equal(t, 2, strings.Count(out.String(), `"id":"s","error":{"code":-32002,`))
}

func TestServeRequestsRunSideBySide(t *testing.T) {
	root := rootWith(t, "count", "")
	c := initialized(t, root)
	var ids []string
	for i := range 20 {
		for _, op := range []object{
			{"op": "create", "path": fmt.Sprint("d/", i), "content": ""},
			{"op": "edit", "path": "count", "edits": []object{{"start": 0, "end": 0, "text": "x"}}},
		} {
			ids = append(ids, c.send("apply", object{"document": object{"emend": 1, "ops": []object{op}}}))
		}
	}
	for _, id := range ids {
		require.Nil(t, c.wait(id).Error, "%+v", c.wait(id).Error)
	}
	requireFile(t, root, "count", strings.Repeat("x", 20))
	files, err := os.ReadDir(filepath.Join(root, "d"))
	require.NoError(t, err)
	require.Len(t, files, 20)
}

// The end of the input ends nothing that was asked for, and drops what was only
// prepared.
func TestServeInputEndsInATransaction(t *testing.T) {
	root := rootWith(t, "f", "x\n")
	c := initialized(t, root)
	c.ok("prepare", object{"document": object{"emend": 1, "ops": []object{{"op": "delete", "path": "f"}}}})
	id := c.send("apply", object{"document": patchOfF})
	require.NoError(t, c.in.Close())
	require.Equal(t, "committed", c.wait(id).Result["state"])
	require.Equal(t, exitDone, <-c.exit)
	requireFile(t, root, "f", "y\n")
}
