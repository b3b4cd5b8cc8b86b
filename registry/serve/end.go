package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/internal/wait"
)

// notice is what handlers that were cut off have to find out, and Run has to say what has happened. Signals that come
// within it are one.
const notice = 100 * time.Millisecond

// end stops the service, however far it has come, and returns all that went wrong from the beginning on.
func (s *service) end() error {
	began := time.Now()
	left := func() time.Duration { return s.Timeout - time.Since(began) }
	s.Registry.Drain() // before the record: its logger may block
	s.log("stopping", slog.String("cause", oneLine(context.Cause(s.life))),
		slog.Duration("timeout", s.Timeout), slog.String("hint", "a second signal ends the program at once"))
	if s.front.isOpen() {
		wait.All(s.Drain, s.served.ended) // for load balancers to notice, unless there is nothing for them any more
	}
	drained := time.Now()
	cut := s.shutdown(left() / 2)
	<-s.served.ended
	shut := time.Now()

	s.endWork()
	wait.All(min(notice, left()/2), s.front.idle())
	wait.All(left()/2, s.opened.ended, s.started.ended)
	closed := s.closeAll(left())
	opening, opened := s.opened.result(min(notice, left())) // an OpenAll that was under way has ended with CloseAll
	starting, started := s.started.result(min(notice, left()))
	s.log("stopped", opening, starting,
		slog.Duration("drain", drained.Sub(began)), slog.Duration("shutdown", shut.Sub(drained)),
		slog.Duration("close", time.Since(shut)), slog.Duration("all", time.Since(began)))
	return join(opened, started, s.served.err, cut, closed)
}

// shutdown lets the requests under way finish, and cuts off those that do not.
func (s *service) shutdown(patience time.Duration) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.Server.Shutdown(ctx)                           // its error is that of ctx, or of a listener that is gone
	wait.All(patience-time.Since(began), s.front.idle()) // Shutdown waits for no handler that has hijacked
	running := s.front.cut()
	_ = s.Server.Close()
	if running == 0 {
		return nil
	}
	return registry.Classify(registry.KindTimeout,
		fmt.Errorf("shutdown: timeout: requests were cut off after %v: %d", patience.Round(time.Millisecond), running))
}

// closeAll calls CloseAll so that it ends within patience, also by what it may run over: 250ms for each resource and
// 100ms. Where that is more than half of patience, it is given half.
func (s *service) closeAll(patience time.Duration) error {
	overrun := time.Duration(len(s.Registry.Names()))*250*time.Millisecond + 100*time.Millisecond + notice
	ctx, cancel := context.WithTimeout(context.Background(), patience-min(overrun, patience/2))
	defer cancel()
	_, err := s.begin("close all", "", func() error { return s.Registry.CloseAll(ctx) }).result(patience)
	return err
}

// stopAtSignal calls stop at the first signal, and leaves the next one to its default, which is to end the program.
// What comes within notice is the first one still: timeout(1), for one, tells a program and then its whole group.
func stopAtSignal(stop context.CancelCauseFunc) (release func()) {
	told, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	released := make(chan struct{})
	context.AfterFunc(told, func() {
		stop(context.Cause(told))
		if !wait.All(notice, released) {
			signal.Reset(os.Interrupt, syscall.SIGTERM) // also of what signal.NotifyContext has made Run's context of
		}
	})
	return func() {
		close(released)
		forget()
	}
}

// join is errors.Join with a text of one line.
func join(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return failures{err}
	}
	return nil
}

type failures struct{ error }

func (f failures) Unwrap() error { return f.error }
func (f failures) Error() string { return oneLine(f.error) }

func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}
