package main

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/recovery"
)

func (s *server) methods() map[string]method {
	return map[string]method{
		"apply":   s.apply,
		"prepare": s.prepare,
		"diff":    s.diff,
		"commit":  s.commit,
		"discard": s.discard,
		"undo":    s.reversing((*editor.Editor).PrepareUndo, (*editor.Editor).Undo),
		"redo":    s.reversing((*editor.Editor).PrepareRedo, (*editor.Editor).Redo),
		"status":  s.status,
		"recover": s.recover,
	}
}

// initialize opens the workspace.
func (s *server) initialize(ctx context.Context, a *app, req rpcRequest) error {
	if s.ed != nil {
		return &rpcError{Code: codeInvalidRequest, Message: "initialize comes once"}
	}
	root, err := filepath.Abs(s.root)
	if err != nil {
		return fail.Wrap(err, "find", s.root)
	}
	if s.ed, err = editor.Open(ctx, root, s.flags.options()...); err != nil {
		return err
	}
	return a.out.document(struct {
		Name      string                  `json:"name"`
		Version   string                  `json:"version"`
		Root      string                  `json:"root"`
		Formats   []string                `json:"formats"`
		Recovered []recovery.IntentReport `json:"recovered"`
		Exit      int                     `json:"exit"`
	}{"emend", version(), root, input.Formats(), append([]recovery.IntentReport{}, s.ed.Recovered()...), exitDone})
}

// looks says whether to change anything, and whether to show the change.
type looks struct{ Check, Diff bool }

func (s *server) apply(ctx context.Context, a *app, req rpcRequest) error {
	var p struct {
		documentParams
		looks
	}
	plan, err := s.plan(a, req, &p, &p.documentParams)
	if err != nil {
		return err
	}
	res, diff, err := a.runPlan(ctx, s.ed, plan, applyFlags{check: p.Check, diff: p.Diff})
	return a.tellServed(res, diff, p.Check, err)
}

// tellServed tells a result, with what was recovered for it.
func (a *app) tellServed(res *editor.Result, diff diffJSON, check bool, err error) error {
	if err != nil {
		return err
	}
	a.recovered = res.Recovered
	return a.tellApply(res, diff, check)
}

// heldTx is a prepared transaction that waits for what becomes of it.
type heldTx struct {
	*editor.Tx
	skipped []fix.Skipped
}

func (s *server) prepare(ctx context.Context, a *app, req rpcRequest) error {
	var p documentParams
	plan, err := s.plan(a, req, &p, &p)
	if err != nil {
		return err
	}
	tx, err := s.ed.Prepare(ctx, plan)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.lastTx++
	n := s.lastTx
	s.txs[n] = &heldTx{tx, a.skipped}
	s.mu.Unlock()
	return a.out.document(struct {
		Tx int `json:"tx"`
		applyReport
	}{n, a.applyReport(tx.Checked(), diffJSON{}, true)})
}

// held returns the transaction that req names; with take it is held no longer.
func (s *server) held(req rpcRequest, take bool) (*heldTx, error) {
	var p struct{ Tx int }
	if err := req.params(&p); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := s.txs[p.Tx]
	if tx == nil {
		return nil, fail.New(fail.NotFound, req.Method, "", "there is no prepared transaction %d", p.Tx)
	}
	if take {
		delete(s.txs, p.Tx)
	}
	return tx, nil
}

func (s *server) diff(_ context.Context, a *app, req rpcRequest) error {
	tx, err := s.held(req, false)
	if err != nil {
		return err
	}
	return a.printDiff(tx.Tx)
}

func (s *server) commit(ctx context.Context, a *app, req rpcRequest) error {
	tx, err := s.held(req, true)
	if err != nil {
		return err
	}
	a.skipped = tx.skipped
	res, err := tx.Commit(ctx)
	return a.tellServed(res, diffJSON{}, false, err)
}

func (s *server) discard(_ context.Context, a *app, req rpcRequest) error {
	tx, err := s.held(req, true)
	if err != nil {
		return err
	}
	tx.Discard()
	return a.out.document(struct {
		Exit int `json:"exit"`
	}{exitDone})
}

// reversing returns the method that takes a transaction back.
func (s *server) reversing(prepare prepareFunc, now commitFunc) method {
	return func(ctx context.Context, a *app, req rpcRequest) error {
		var p struct {
			ID string
			looks
		}
		if err := req.params(&p); err != nil {
			return err
		}
		res, diff, err := a.reverse(ctx, s.ed, p.ID, undoFlags{check: p.Check, diff: p.Diff}, prepare, now)
		return a.tellServed(res, diff, p.Check, err)
	}
}

func (s *server) status(ctx context.Context, a *app, req rpcRequest) error {
	if err := req.params(&struct{}{}); err != nil {
		return err
	}
	return a.status(ctx, nil)
}

func (s *server) recover(ctx context.Context, a *app, req rpcRequest) error {
	var p struct {
		Policy       *string
		DryRun, Host bool
	}
	if err := req.params(&p); err != nil {
		return err
	}
	policy, err := recoveryPolicies().with("policy", p.Policy)
	if err != nil {
		return err
	}
	return a.recover(ctx, recoverFlags{policy: policy, dryRun: p.DryRun, host: p.Host, lockWait: s.flags.lockWait})
}

// documentParams are a plan, and how it is read. What is nil is as the server's
// flags say.
type documentParams struct {
	Document                                    json.RawMessage
	DocumentBase64                              []byte
	Name                                        string
	Key, Label                                  string
	Format, Encoding, OnConflict, Applicability *string
	Fix, Strip                                  *int
	Directory                                   *string
	Reverse, TrustOffsets, ConfirmAnnotated     *bool
}

// plan reads the params of req into all, of which doc is a part, and then the
// plan.
func (s *server) plan(a *app, req rpcRequest, all any, doc *documentParams) (editor.Plan, error) {
	if err := req.params(all); err != nil {
		return editor.Plan{}, err
	}
	data, err := doc.data()
	if err != nil {
		return editor.Plan{}, err
	}
	flags, err := doc.over(s.flags.input)
	if err != nil {
		return editor.Plan{}, err
	}
	opts, err := a.inputOptions(nil, s.root, flags)
	if err != nil {
		return editor.Plan{}, err
	}
	name := cmp.Or(doc.Name, "document")
	src := &fix.Source{Name: name, Data: data}
	a.shows(src)
	plan, err := input.Parse(flags.format.value, opts, src)
	if err != nil {
		return editor.Plan{}, fail.Wrap(err, "parse", name)
	}
	plan.Key, plan.Label = cmp.Or(doc.Key, plan.Key), cmp.Or(doc.Label, plan.Label)
	return plan, nil
}

// data returns the bytes of the document: of a string its text, else the JSON
// as it is.
func (p *documentParams) data() ([]byte, error) {
	switch {
	case (p.Document == nil) == (p.DocumentBase64 == nil):
		return nil, &rpcError{Code: codeParams, Message: "want document or documentBase64"}
	case p.Document == nil:
		return p.DocumentBase64, nil
	case p.Document[0] != '"':
		return p.Document, nil
	}
	var text string
	err := json.Unmarshal(p.Document, &text)
	return []byte(text), err
}

// over returns f with what p says in its place.
func (p *documentParams) over(f inputFlags) (inputFlags, error) {
	for _, c := range []struct {
		name  string
		flag  **choice
		value *string
	}{
		{"format", &f.format, p.Format}, {"encoding", &f.encoding, p.Encoding},
		{"onConflict", &f.onConflict, p.OnConflict}, {"applicability", &f.applicability, p.Applicability},
	} {
		var err error
		if *c.flag, err = (*c.flag).with(c.name, c.value); err != nil {
			return f, err
		}
	}
	replace(&f.fix, p.Fix)
	replace(&f.directory, p.Directory)
	replace(&f.reverse, p.Reverse)
	replace(&f.trustOffsets, p.TrustOffsets)
	replace(&f.confirm, p.ConfirmAnnotated)
	if p.Strip != nil {
		f.strip, f.stripGiven = *p.Strip, func() bool { return true }
	}
	return f, nil
}

func replace[T any](flag, value *T) {
	if value != nil {
		*flag = *value
	}
}
