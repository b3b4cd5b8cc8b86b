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
		s.drain()
	}
	drained := time.Now()
	cut := s.shutdown(left() / 2)
	served := <-s.served
	shut := time.Now()

	s.endWork()
	_, _ = receive(s.front.idle(), min(notice, left()/2))
	b, begun := s.beginning(left() / 2)
	closing := s.closeAll(left())
	if !begun { // an OpenAll that was under way has ended with CloseAll; a start that hangs is given up
		b, _ = s.beginning(min(notice, left()))
	}
	s.log("stopped", append(b.parts,
		slog.Duration("drain", drained.Sub(began)), slog.Duration("shutdown", shut.Sub(drained)),
		slog.Duration("close", time.Since(shut)), slog.Duration("all", time.Since(began)))...)
	return join(b.err, served, cut, closing)
}

// drain lets load balancers notice that readiness is red. There is nothing to wait for if the server has failed.
func (s *service) drain() {
	if err, failed := receive(s.served, s.Drain); failed {
		s.served <- err
	}
}

// shutdown lets the requests under way finish, and cuts off those that do not.
func (s *service) shutdown(patience time.Duration) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.Server.Shutdown(ctx)                                 // its error is that of ctx, or of a listener that is gone
	_, _ = receive(s.front.idle(), patience-time.Since(began)) // Shutdown waits for no handler that has hijacked
	running := s.front.cut()
	_ = s.Server.Close()
	if running == 0 {
		return nil
	}
	return registry.Classify(registry.KindTimeout,
		fmt.Errorf("shutdown: timeout: requests were cut off after %v: %d", patience.Round(time.Millisecond), running))
}

// beginning returns how OpenAll and start went, once they have returned.
func (s *service) beginning(patience time.Duration) (beginning, bool) {
	b, ok := receive(s.begun, patience)
	if !ok {
		b.err = registry.Classify(registry.KindHung, errors.New("start: hung: it has not returned since it was told to"))
	}
	return b, ok
}

// closeAll calls CloseAll so that it ends within patience, also by what it may run over: 250ms for each resource and
// 100ms. Where that is more than half of patience, it is given half.
func (s *service) closeAll(patience time.Duration) error {
	overrun := time.Duration(len(s.Registry.Names()))*250*time.Millisecond + 100*time.Millisecond + notice
	ctx, cancel := context.WithTimeout(context.Background(), patience-min(overrun, patience/2))
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- s.Registry.CloseAll(ctx) }()
	err, ok := receive(closed, patience)
	if !ok {
		err = registry.Classify(registry.KindHung, errors.New("close all: hung: it has not returned in time"))
	}
	return err
}

// stopAtSignal calls stop at the first signal, and leaves the next one to its default, which is to end the program.
// What comes within notice is the first one still: timeout(1), for one, tells a program and then its whole group.
func stopAtSignal(stop context.CancelCauseFunc) (release func()) {
	signals, released := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case first := <-signals:
			stop(fmt.Errorf("%v signal received", first))
		case <-released:
			return
		}
		select {
		case <-time.After(notice):
			signal.Reset(os.Interrupt, syscall.SIGTERM) // also of what signal.NotifyContext has made Run's context of
		case <-released:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(released)
	}
}

// receive returns what comes from the channel, unless nothing comes within patience.
func receive[T any](from <-chan T, patience time.Duration) (value T, ok bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case value = <-from:
		return value, true
	case <-timer.C:
	}
	select { // it may have come as late as the timer
	case value = <-from:
		return value, true
	default:
		return value, false
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
	newLine := func(c rune) bool { return c == '\n' || c == '\r' }
	return strings.Join(strings.FieldsFunc(err.Error(), newLine), "; ")
}
