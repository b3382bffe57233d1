package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/emend/emend/internal/fail"
)

// cancelOnSignal returns a context that the first SIGINT, SIGTERM or SIGHUP
// cancels, with an error that names the signal as its cause. A second one
// kills the process as it would any other: recovery is made for that. What the
// parent has told us to ignore (nohup, a shell's background job) stays ignored.
// The first is caught until the process ends, so that one which comes when all is
// done does not make a failure of it.
func cancelOnSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	go func() {
		s := <-caught
		signal.Stop(caught)
		cancel(cancelledBy(s.(syscall.Signal)))
	}()
	return ctx
}

func cancelledBy(s syscall.Signal) *fail.Error {
	e := fail.New(fail.Cancelled, "", "", "stopped by signal: %s", s)
	e.Signal = s
	return e
}

// withSignal gives a cancelled e the signal that ctx was cancelled by: what
// reports a cancelled context need not know of signals.
func withSignal(ctx context.Context, e *fail.Error) *fail.Error {
	var cause *fail.Error
	if e.Kind != fail.Cancelled || e.Signal != 0 || !errors.As(context.Cause(ctx), &cause) {
		return e
	}
	c := *e
	c.Signal, c.Message = cause.Signal, cause.Message
	return &c
}

// surviveBrokenPipe keeps a verb that writes the workspace alive when whoever
// reads its output goes away: how a transaction ends must not hang on that.
// Verbs that only read die of the SIGPIPE, as a pipeline expects.
func surviveBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }
