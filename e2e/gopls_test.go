package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/stretchr/testify/require"
)

// goplsRename renames an identifier behind characters of several sizes, in two
// files of a package and in its test.
func goplsRename() producer {
	files := map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.24\n",
		"a.go":      "package m\n\nfunc Foo() string { return \"é😀\" + Bar(Foo) }\n",
		"b.go":      "package m\r\n\r\nfunc Bar(f func() string) string { _ = \"😀\"; return Foo() }\r\n",
		"a_test.go": "package m\n\nimport \"testing\"\n\nfunc TestFoo(t *testing.T) { t.Log(Foo()) }\n",
	}
	return producer{
		name: "gopls rename", tools: []string{"gopls", "go"}, format: "lsp", files: files,
		report: func(p *project) []byte {
			c := startLSP(p, "gopls", "serve")
			uri := "file://" + filepath.ToSlash(filepath.Join(p.dir, "a.go"))
			c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
				"uri": uri, "languageId": "go", "version": 1, "text": files["a.go"]}})
			return c.call("textDocument/rename", map[string]any{
				"textDocument": map[string]any{"uri": uri},
				"position":     map[string]any{"line": 2, "character": 5},
				"newName":      "Quux",
			})
		},
		own: doing("gopls rename -w a.go:3:6 Quux"),
	}
}

// lspClient talks to a language server.
type lspClient struct {
	p   *project
	in  io.WriteCloser
	out *bufio.Reader
	id  int
}

// startLSP starts a server for the project, which ends with the test.
func startLSP(p *project, name string, args ...string) *lspClient {
	cmd := exec.Command(name, args...)
	cmd.Dir = p.dir
	in, err := cmd.StdinPipe()
	require.NoError(p.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	c := &lspClient{p: p, in: in, out: bufio.NewReader(out)}
	p.t.Cleanup(func() {
		c.notify("exit", nil)
		in.Close()
		_ = cmd.Wait() // what it says of being ended so is of no interest
	})
	c.call("initialize", map[string]any{
		"processId": nil, "rootUri": "file://" + filepath.ToSlash(p.dir),
		"capabilities": map[string]any{"workspace": map[string]any{"workspaceEdit": map[string]any{"documentChanges": true}}},
	})
	c.notify("initialized", map[string]any{})
	return c
}

func (c *lspClient) notify(method string, params any) {
	c.send(map[string]any{"method": method, "params": params})
}

// call returns the result of a request. What the server asks meanwhile is
// answered with null.
func (c *lspClient) call(method string, params any) []byte {
	c.id++
	c.send(map[string]any{"id": c.id, "method": method, "params": params})
	for {
		var m struct {
			ID     json.RawMessage
			Method string
			Result json.RawMessage
			Error  json.RawMessage
		}
		require.NoError(c.p.t, json.Unmarshal(c.receive(), &m))
		switch {
		case m.Method != "" && m.ID != nil:
			c.send(map[string]any{"id": m.ID, "result": nil})
		case m.Method == "" && string(m.ID) == strconv.Itoa(c.id):
			require.Nil(c.p.t, m.Error, "%s", m.Error)
			return m.Result
		}
	}
}

func (c *lspClient) send(message map[string]any) {
	message["jsonrpc"] = "2.0"
	body, err := json.Marshal(message)
	require.NoError(c.p.t, err)
	_, err = fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(c.p.t, err)
}

func (c *lspClient) receive() []byte {
	header, err := textproto.NewReader(c.out).ReadMIMEHeader()
	require.NoError(c.p.t, err)
	size, err := strconv.Atoi(header.Get("Content-Length"))
	require.NoError(c.p.t, err)
	body := make([]byte, size)
	_, err = io.ReadFull(c.out, body)
	require.NoError(c.p.t, err)
	return body
}
