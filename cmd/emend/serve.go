package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/spf13/cobra"
)

const serveHelp = `Answer the requests of a program on stdin: JSON-RPC 2.0, framed as language
servers have it. One workspace is held open for all of them; requests run side
by side, and results are the documents that the verbs print with --json. The
flags say what holds where a request says nothing.

docs/SERVE.md lists the requests: initialize, apply, prepare, diff, commit,
discard, undo, redo, status, recover, shutdown.`

func (a *app) serveCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Answer requests of a program (JSON-RPC on stdio)",
		Long:    serveHelp,
		Example: "  emend serve --root DIR --on-drift relocate",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, _ []string) error { return a.serve(ctx, f) })
	f.addHow(cmd)
	return cmd
}

func (a *app) serve(ctx context.Context, f applyFlags) error {
	root, err := a.workspace()
	if err != nil {
		return err
	}
	if a.out.inTTY {
		return fail.New(fail.Usage, "serve", "stdin", "is a terminal").WithHint("a program talks to it: see docs/SERVE.md")
	}
	surviveBrokenPipe()
	a.out.json = false // stdout is the protocol's
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &server{root: root, flags: f, out: frameWriter{w: a.out.out}, stop: stop,
		calls: make(map[string]context.CancelFunc), txs: make(map[int]*heldTx)}
	return errors.Join(s.run(ctx, a.out.in), s.close())
}

// server answers the requests of one program.
type server struct {
	root  string
	flags applyFlags // what holds where a request says nothing
	out   frameWriter
	stop  context.CancelCauseFunc // ends everything

	ed   *editor.Editor // nil before initialize
	shut bool           // shutdown was asked for
	work sync.WaitGroup // the requests that are not answered yet
	last sync.WaitGroup // shutdown itself

	mu     sync.Mutex
	calls  map[string]context.CancelFunc // of the requests at work, by id
	txs    map[int]*heldTx
	lastTx int
}

// run answers what comes from in until that ends, or ctx does. On return nothing
// is at work any more.
func (s *server) run(ctx context.Context, in io.Reader) error {
	defer s.last.Wait()
	defer s.work.Wait()
	frames := readFrames(ctx, in)
	for {
		select {
		case <-ctx.Done():
			return fail.Wrap(context.Cause(ctx), "serve", "")
		case f := <-frames:
			switch {
			case errors.Is(f.err, io.EOF):
				return nil
			case f.err != nil:
				s.answer(rpcResponse{Error: &rpcError{Code: codeParse, Message: f.err.Error()}})
				return fail.New(fail.Usage, "serve", "stdin", "%s", f.err)
			case !s.receive(ctx, f.body):
				return nil
			}
		}
	}
}

func (s *server) close() error {
	for _, held := range s.txs {
		held.Discard()
	}
	if s.ed == nil {
		return nil
	}
	return s.ed.Close()
}

// receive takes one message and reports whether more may come.
func (s *server) receive(ctx context.Context, body []byte) bool {
	req, refused := parseRequest(body)
	switch {
	case refused != nil:
	case req.ID == nil:
		return s.notified(req)
	case s.shut:
		refused = &rpcError{Code: codeInvalidRequest, Message: "nothing is done after shutdown"}
	case req.Method == "initialize":
		s.answer(s.call(ctx, req, s.initialize))
		return true
	case req.Method == "shutdown":
		s.shut = true
		s.last.Go(func() {
			s.work.Wait()
			s.answer(rpcResponse{ID: req.ID, Result: json.RawMessage("null")})
		})
		return true
	default:
		refused = s.begin(ctx, req)
	}
	if refused != nil {
		s.answer(rpcResponse{ID: req.ID, Error: refused})
	}
	return true
}

// notified takes a message that is not answered.
func (s *server) notified(req rpcRequest) bool {
	var p struct{ ID json.RawMessage }
	if req.Method == "$/cancelRequest" && json.Unmarshal(req.Params, &p) == nil {
		s.mu.Lock()
		cancel := s.calls[string(p.ID)]
		s.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	}
	return req.Method != "exit"
}

// begin starts to answer a request.
func (s *server) begin(ctx context.Context, req rpcRequest) *rpcError {
	do := s.methods()[req.Method]
	switch {
	case do == nil:
		return &rpcError{Code: codeNoMethod, Message: "there is no method " + req.Method}
	case s.ed == nil:
		return &rpcError{Code: codeNotInitialized, Message: "the first request is initialize"}
	}
	ctx, cancel := context.WithCancel(ctx)
	id := string(req.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[id] != nil {
		cancel()
		return &rpcError{Code: codeInvalidRequest, Message: "a request with this id is at work"}
	}
	s.calls[id] = cancel
	s.work.Go(func() {
		defer cancel()
		res := s.call(ctx, req, do)
		s.mu.Lock()
		delete(s.calls, id)
		s.mu.Unlock()
		s.answer(res)
	})
	return nil
}

// method does what a request asks for and prints the document that a verb
// would.
type method func(ctx context.Context, a *app, req rpcRequest) error

// call runs do as the command runs a verb with --json, and returns what it
// printed.
func (s *server) call(ctx context.Context, req rpcRequest, do method) rpcResponse {
	var doc bytes.Buffer
	a := &app{root: s.root, rootGiven: true, out: output{json: true, streams: streams{out: &doc, err: io.Discard}}}
	err := do(ctx, a, req)
	if err == nil {
		return rpcResponse{ID: req.ID, Result: doc.Bytes()}
	}
	var refused *rpcError
	if errors.As(err, &refused) {
		return rpcResponse{ID: req.ID, Error: refused}
	}
	doc.Reset()
	e, exit := a.failure(ctx, err)
	return rpcResponse{ID: req.ID, Error: &rpcError{Code: rpcCode(exit), Message: e.Error(), Data: doc.Bytes()}}
}

// rpcCode is the code of an error with which the command would exit so.
func rpcCode(exit int) int {
	if exit > exitSignal {
		return codeCancelled
	}
	return exit
}

// answer writes res. Where that fails, nobody can be answered any more.
func (s *server) answer(res rpcResponse) {
	if err := s.out.write(res); err != nil {
		s.stop(err)
	}
}
