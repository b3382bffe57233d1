package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// maxFrame is the largest message that is read, in bytes.
const maxFrame = 256 << 20

// frameReader reads messages, each behind headers that tell its length.
type frameReader struct{ *bufio.Reader }

// next returns the next message; io.EOF where the input ends before it begins.
// After any error nobody knows where a message begins.
func (r frameReader) next() ([]byte, error) {
	size := -1
	for begun := false; ; begun = true {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && !begun && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, errors.New("a header is too long")
		case err != nil:
			return nil, cutShort(err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		if !strings.EqualFold(name, "Content-Length") {
			continue
		}
		if size, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || size < 0 || size > maxFrame {
			return nil, fmt.Errorf("%.40q is not a length from 0 to %d", value, maxFrame)
		}
	}
	if size < 0 {
		return nil, errors.New("the headers have no Content-Length")
	}
	var body bytes.Buffer // grows as bytes come, whatever the header says
	_, err := io.CopyN(&body, r, int64(size))
	return body.Bytes(), cutShort(err)
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the input ends in the middle of a message")
	}
	return err
}

// frame is what one call of next returned.
type frame struct {
	body []byte
	err  error
}

// readFrames reads in until an error, which is the last frame, or until ctx is
// over.
func readFrames(ctx context.Context, in io.Reader) <-chan frame {
	frames := make(chan frame)
	go func() {
		r := frameReader{bufio.NewReader(in)}
		for {
			body, err := r.next()
			select {
			case frames <- frame{body, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return frames
}

// The codes of errors that the protocol itself has.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeParams         = -32602
	codeNotInitialized = -32002
	codeCancelled      = -32800
)

// rpcRequest is a request, or without an id a notification.
type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// parseRequest reads one message.
func parseRequest(body []byte) (rpcRequest, *rpcError) {
	var req rpcRequest
	in, err := fix.NewJSON(&fix.Source{Name: "message", Data: body}, 0)
	if err != nil {
		return req, &rpcError{Code: codeParse, Message: err.Error()}
	}
	if !json.Valid(body) {
		return req, &rpcError{Code: codeParse, Message: "the message is not JSON"}
	}
	if err := in.Decode(&req); err != nil {
		return rpcRequest{}, &rpcError{Code: codeInvalidRequest, Message: err.Error()}
	}
	switch {
	case req.ID != nil && !isID(req.ID):
		req.ID = nil
		return req, &rpcError{Code: codeInvalidRequest, Message: "an id is a string or a number"}
	case req.Version != "2.0" || req.Method == "":
		return req, &rpcError{Code: codeInvalidRequest, Message: `want "jsonrpc": "2.0" and a method`}
	}
	return req, nil
}

func isID(id json.RawMessage) bool {
	return id[0] == '"' || id[0] == '-' || '0' <= id[0] && id[0] <= '9'
}

// params reads the params of a request into v, a struct.
func (r rpcRequest) params(v any) error {
	if len(r.Params) == 0 || string(r.Params) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(r.Params))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return &rpcError{Code: codeParams, Message: strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

// rpcResponse answers a request with a result or an error.
type rpcResponse struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *rpcError) Error() string { return e.Message }

// frameWriter writes messages, one at a time.
type frameWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *frameWriter) write(res rpcResponse) error {
	res.Version = "2.0"
	if res.ID == nil {
		res.ID = json.RawMessage("null")
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(res); err != nil {
		return fail.Wrap(err, "encode", "")
	}
	message := fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", body.Len())
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(append(message, body.Bytes()...))
	return fail.Wrap(err, "write", "stdout")
}
