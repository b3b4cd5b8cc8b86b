package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// flaws are sharp: each breaks one rule.
var flaws = []flaw{
	{
		"the name is valid and constant", "a name that nobody may register",
		`Register panicked: registry: malformed resource name "Fake_1"`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, name: func() string { return "Fake_1" }}
		},
	},
	{
		"the name is valid and constant", "another name once it is open",
		`the name is "fake", and after Open "fake-open"`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, name: func() string {
				if f.current() != nil {
					return "fake-open"
				}
				return "fake"
			}}
		},
	},
	{
		"the name is valid and constant", "another name once it is closed",
		`the name is "fake", and after Close "fake-closed"`,
		func(_ *testing.T, f *fake) registry.Resource {
			var closed atomic.Bool
			return &flawed{fake: f, name: func() string {
				if closed.Load() {
					return "fake-closed"
				}
				return "fake"
			}, close: func(ctx context.Context) error {
				closed.Store(f.current() != nil)
				return f.Close(ctx)
			}}
		},
	},
	{
		"open, check and close succeed", "it is not ready when Open returns",
		"from Check right after Open: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Int64
			return &flawed{fake: f, open: func(ctx context.Context) error {
				err := f.Open(ctx)
				opened.Store(time.Now().UnixNano())
				return err
			}, check: func(ctx context.Context) error {
				if f.current() != nil && time.Since(time.Unix(0, opened.Load())) < 100*time.Millisecond {
					return errFlaw
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"open, check and close succeed", "Close fails for no reason",
		"from Close: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: func(ctx context.Context) error {
				open := f.current() != nil
				if err := f.Close(ctx); err != nil || !open {
					return err
				}
				return errFlaw
			}}
		},
	},
	{
		"check before open is ErrNotOpen", "an error of its own",
		"from Check: something is wrong, want registry.ErrNotOpen",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Bool
			return &flawed{fake: f, open: opens(f, &opened), check: func(ctx context.Context) error {
				if !opened.Load() {
					return errFlaw
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"check before open is ErrNotOpen", "it passes",
		"nil from Check, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			var called atomic.Bool
			return &flawed{fake: f, open: func(ctx context.Context) error {
				called.Store(true)
				return f.Open(ctx)
			}, check: func(ctx context.Context) error {
				if !called.Load() {
					return nil
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"check after close is ErrNotOpen", "an error of its own",
		"from Check: something is wrong, want registry.ErrNotOpen",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Bool
			return &flawed{fake: f, open: opens(f, &opened), check: func(ctx context.Context) error {
				if opened.Load() && f.current() == nil {
					return errFlaw
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"check after close is ErrNotOpen", "it passes",
		"nil from Check, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			var closed atomic.Bool
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if closed.Load() && f.current() == nil {
					return nil
				}
				return f.Check(ctx)
			}, close: afterGoodbye(f, func() { closed.Store(true) })}
		},
	},
	{
		"close before open is nil", "it misses its client",
		"from Close: something is wrong, want nil",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Bool
			return &flawed{fake: f, open: opens(f, &opened), close: func(ctx context.Context) error {
				if !opened.Load() {
					return errFlaw
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"close again is nil", "the second Close is an error",
		"from the second Close: something is wrong, want nil",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened, closing atomic.Bool
			return &flawed{fake: f, open: opens(f, &opened), close: func(ctx context.Context) error {
				if !closing.CompareAndSwap(false, true) {
					return f.Close(ctx)
				}
				defer closing.Store(false)
				if opened.Load() && f.current() == nil {
					return errFlaw
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"close again is nil", "two at a time panic",
		"Close panicked: close of closed channel",
		func(_ *testing.T, f *fake) registry.Resource {
			var busy sync.Mutex
			return &flawed{fake: f, close: func(ctx context.Context) error {
				if !busy.TryLock() {
					panic("close of closed channel")
				}
				defer busy.Unlock()
				return f.Close(ctx)
			}}
		},
	},
	{
		"open again after close", "it can be used once only",
		"from Open with the server up: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Bool
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if opened.Load() {
					return errFlaw
				}
				return opens(f, &opened)(ctx)
			}}
		},
	},
	{
		"checks run at the same time", "the second is turned away",
		"of 8 goroutines at the same time: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var busy sync.Mutex
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if !busy.TryLock() {
					return errFlaw
				}
				defer busy.Unlock()
				return f.Check(ctx)
			}}
		},
	},
	{
		"check runs while open and close do", "a check meets a client half taken down, the third time",
		"Check panicked: nil pointer dereference",
		func(_ *testing.T, f *fake) registry.Resource {
			var closes atomic.Int64
			var closing atomic.Bool
			came := make(chan struct{}, 1)
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if closing.Load() {
					select {
					case came <- struct{}{}:
					default:
					}
					panic("nil pointer dereference")
				}
				return f.Check(ctx)
			}, close: func(ctx context.Context) error {
				closing.Store(closes.Add(1) >= 3)
				if !closing.Load() {
					return f.Close(ctx)
				}
				defer closing.Store(false)
				select {
				case <-came:
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"open with a done context fails", "it does not look at the context",
		"nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if ctx.Err() != nil {
					ctx = context.WithoutCancel(ctx)
				}
				return f.Open(ctx)
			}}
		},
	},
	{
		"open with a done context fails", "it connects and does not look back",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if ctx.Err() != nil {
					leaveConn(t, f.addr)
				}
				return f.Open(ctx)
			}}
		},
	},
	{
		"open with a done context fails", "it says so, and is open",
		"after an Open that failed: nil from Check, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if ctx.Err() != nil {
					_ = f.Open(context.WithoutCancel(ctx))
					return ctx.Err()
				}
				return f.Open(ctx)
			}}
		},
	},
	{
		"check with a done context does no harm", "the connection is spoilt",
		"from Check with the server up for 2s: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var spoilt atomic.Bool
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if ctx.Err() != nil {
					spoilt.Store(true)
				}
				if spoilt.Load() {
					return errFlaw
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"check with a done context does no harm", "it waits for a context that ends",
		"Check has not returned 2s after its context was done",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if ctx.Err() != nil {
					<-t.Context().Done()
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"check with a done context does no harm", "it ends its goroutine",
		"Check ended its goroutine instead of returning",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if ctx.Err() != nil {
					runtime.Goexit()
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"close with a done context closes", "it does nothing",
		"it is still open",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: func(ctx context.Context) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"close with a done context closes", "it forgets the connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: func(ctx context.Context) error {
				if ctx.Err() != nil {
					leaveConn(t, f.addr)
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"the context of open may end", "and what it opened ends with it",
		"from Check after the context of Open has ended: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var ended atomic.Bool
			return &flawed{fake: f, open: func(ctx context.Context) error {
				err := f.Open(ctx)
				if err == nil {
					context.AfterFunc(ctx, func() { ended.Store(true) })
				}
				return err
			}, check: func(ctx context.Context) error {
				if f.current() != nil && ended.Load() {
					return errFlaw
				}
				return f.Check(ctx)
			}}
		},
	},
	{
		"close leaves nothing behind", "a goroutine",
		"registrytest_test.leaveGoroutine",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: afterGoodbye(f, func() { leaveGoroutine(t) })}
		},
	},
	{
		"close leaves nothing behind", "a connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: afterGoodbye(f, func() { leaveConn(t, f.addr) })}
		},
	},
	{
		"constructing and configuring are inert", "New dials",
		"a connection was made",
		func(_ *testing.T, f *fake) registry.Resource {
			dialOnce(f.addr)
			return f
		},
	},
	{
		"constructing and configuring are inert", "New dials and waits",
		"At has not returned 2s after its context was done, and waits here:",
		func(_ *testing.T, f *fake) registry.Resource {
			awaitReply(f.addr, 0)
			return f
		},
	},
	{
		"constructing and configuring are inert", "New panics without an answer",
		"At panicked: no answer",
		func(_ *testing.T, f *fake) registry.Resource {
			if !awaitReply(f.addr, unhurried) {
				panic("no answer")
			}
			return f
		},
	},
	{
		"constructing and configuring are inert", "New ends its goroutine without an answer",
		"At ended its goroutine instead of returning",
		func(_ *testing.T, f *fake) registry.Resource {
			if !awaitReply(f.addr, unhurried) {
				runtime.Goexit()
			}
			return f
		},
	},
	{
		"constructing and configuring are inert", "New returns nil without an answer",
		"At returned nil",
		func(_ *testing.T, f *fake) registry.Resource {
			if !awaitReply(f.addr, unhurried) {
				return nil
			}
			return f
		},
	},
	{
		"constructing and configuring are inert", "New starts a goroutine",
		"registrytest_test.leaveGoroutine",
		func(t *testing.T, f *fake) registry.Resource {
			leaveGoroutine(t)
			return f
		},
	},
	{
		"constructing and configuring are inert", "Configure dials",
		"a connection was made",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, configure: func() error {
				dialOnce(f.addr)
				return nil
			}}
		},
	},
	{
		"open of a closed port fails soon", "it says so when its context is done",
		"from Open, but only when its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				err := f.Open(ctx)
				if errors.Is(err, syscall.ECONNREFUSED) {
					<-ctx.Done()
				}
				return err
			}}
		},
	},
	{
		"open of a closed port fails soon", "as if it were for ever",
		`the kind is "config", want a retryable one`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: classified(f.Open, syscall.ECONNREFUSED, registry.KindConfig)}
		},
	},
	{
		"open of a closed port fails soon", "it does not fail",
		"nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: ignoring(f.Open, syscall.ECONNREFUSED)}
		},
	},
	{
		"open of a server that resets fails soon", "as if it were for ever",
		`the kind is "config", want a retryable one`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: classified(f.Open, syscall.ECONNRESET, registry.KindConfig)}
		},
	},
	{
		"open of a server that resets fails soon", "it does not fail",
		"nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if err := f.Open(ctx); !broken(err) {
					return err
				}
				return nil
			}}
		},
	},
	{
		"open of a silent server ends with its deadline", "it answers to a cancel only",
		"Open has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: cancelOnly(f.Open)}
		},
	},
	{
		"open of a silent server ends with its deadline", "it does not say that time was up",
		`the kind is "unknown", want "timeout"`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: classified(f.Open, context.DeadlineExceeded, registry.KindUnknown)}
		},
	},
	{
		"open of a silent server ends with its deadline", "it forgets the connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: after(f.Open, context.DeadlineExceeded, func() { leaveConn(t, f.addr) })}
		},
	},
	{
		"open of a silent server ends with its deadline", "no answer is good news",
		"nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: ignoring(f.Open, context.DeadlineExceeded)}
		},
	},
	{
		"open of a silent server ends when cancelled", "no answer is good news",
		"nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return ignoring(f.Open, context.Canceled)(ctx)
			}}
		},
	},
	{
		"open of a silent server ends when cancelled", "it answers to a deadline only",
		"Open has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: deadlineOnly(f.Open)}
		},
	},
	{
		"open of a silent server ends when cancelled", "it forgets the connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return after(f.Open, context.Canceled, func() { leaveConn(t, f.addr) })(ctx)
			}}
		},
	},
	{
		"open of a server of another kind fails", "a web page will do",
		"HTTP server: nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: pleasedWith(f, "HTTP")}
		},
	},
	{
		"open of a server of another kind fails", "an echo will do",
		"echo server: nil from Open, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: pleasedWith(f, "HELLO")}
		},
	},
	{
		"a failed open leaves nothing behind", "a connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: afterStrange(f, func() { leaveConn(t, f.addr) })}
		},
	},
	{
		"a failed open leaves nothing behind", "a goroutine",
		"registrytest_test.leaveGoroutine",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: after(f.Open, syscall.ECONNRESET, func() { leaveGoroutine(t) })}
		},
	},
	{
		"open again after it failed", "it fails as before",
		"from Open with the server up:",
		func(_ *testing.T, f *fake) registry.Resource {
			var first error
			return &flawed{fake: f, open: func(ctx context.Context) error {
				if first == nil {
					first = f.Open(ctx)
				}
				return first
			}}
		},
	},
	{
		"check of a frozen server ends with its deadline", "it answers to a cancel only",
		"Check has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: cancelOnly(f.Check)}
		},
	},
	{
		"check of a frozen server ends with its deadline", "it does not say that time was up",
		`the kind is "unknown", want "timeout"`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: classified(f.Check, context.DeadlineExceeded, registry.KindUnknown)}
		},
	},
	{
		"check of a frozen server ends with its deadline", "no answer is good news",
		"nil from Check, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if err := f.Check(ctx); !errors.Is(err, context.DeadlineExceeded) {
					return err
				}
				return nil
			}}
		},
	},
	{
		"check of a frozen server ends with its deadline", "it does not thaw",
		"from Check with the server up for 3s: no answer",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: lastingly(f.Check, context.DeadlineExceeded)}
		},
	},
	{
		"check of a frozen server ends when cancelled", "it answers to a deadline only",
		"Check has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: deadlineOnly(f.Check)}
		},
	},
	{
		"check does not wait for an open or close of a frozen server", "open locks it out",
		"Check has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			var lock sync.Mutex
			return &flawed{fake: f, open: locked(&lock, f.Open), check: locked(&lock, f.Check)}
		},
	},
	{
		"check does not wait for an open or close of a frozen server", "close locks it out",
		"Check has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			var lock sync.Mutex
			return &flawed{fake: f, close: locked(&lock, f.Close), check: afterOthers(&lock, f.Check)}
		},
	},
	{
		"check heals after a cut connection", "unless a dial was refused",
		"from Check with the server up for 3s: something is wrong",
		func(_ *testing.T, f *fake) registry.Resource {
			var refused, gone atomic.Bool
			return &flawed{fake: f, check: func(ctx context.Context) error {
				c := f.current()
				if c == nil {
					return registry.ErrNotOpen
				}
				before := c.take()
				err := f.Check(ctx)
				switch {
				case errors.Is(err, syscall.ECONNREFUSED):
					refused.Store(true)
				case err == nil && before != nil && c.take() != before && !refused.Load():
					gone.Store(true)
				}
				if gone.Load() {
					return errFlaw
				}
				return err
			}}
		},
	},
	{
		"check fails while the server is away and heals when it is back", "it does not fail",
		"nil from Check, want an error",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: func(ctx context.Context) error {
				if err := f.Check(ctx); !errors.Is(err, syscall.ECONNREFUSED) {
					return err
				}
				return nil
			}}
		},
	},
	{
		"check fails while the server is away and heals when it is back", "it does not heal",
		"from Check with the server up for 3s:",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: lastingly(f.Check, syscall.ECONNREFUSED)}
		},
	},
	{
		"check does not retry in a loop", "it does",
		"connections to a server that resets them",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: func(ctx context.Context) error {
				for {
					if err := f.Check(ctx); !broken(err) {
						return err
					}
				}
			}}
		},
	},
	{
		"close of a frozen server ends with its context", "it waits for the goodbye",
		"Close has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: func(ctx context.Context) error {
				if c := f.current(); c != nil && len(c.busy) == 0 {
					ctx = context.WithoutCancel(ctx)
				}
				return f.Close(ctx)
			}}
		},
	},
	{
		"close of a frozen server ends with its context", "it forgets the connection",
		"connections left: 1",
		func(t *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, close: func(ctx context.Context) error {
				err := f.Close(ctx)
				if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errBusy) {
					leaveConn(t, f.addr)
				}
				return err
			}}
		},
	},
	{
		"close does not wait for a check of a frozen server", "it waits for a lock of checks",
		"Close has not returned 2s after its context was done",
		func(_ *testing.T, f *fake) registry.Resource {
			var lock sync.Mutex
			return &flawed{fake: f, check: locked(&lock, f.Check), close: afterOthers(&lock, f.Close)}
		},
	},
	{
		"nothing shows the secret", "the error of a refused Open does",
		"the error of Open shows it as %v: user:*****...: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: quoting(f.Open, syscall.ECONNREFUSED)}
		},
	},
	{
		"nothing shows the secret", "the error of a Check does",
		"the error of Check shows it as %v: user:*****...: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, check: quoting(f.Check, context.DeadlineExceeded)}
		},
	},
	{
		"nothing shows the secret", "the server's reply is quoted",
		`the error of Open shows it as %v: unexpected reply "HELLO **********`,
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				err := f.Open(ctx)
				if strange, ok := errors.AsType[*strangeReply](err); ok {
					return fmt.Errorf("unexpected reply %q", strange.reply())
				}
				return err
			}}
		},
	},
	{
		"nothing shows the secret", "the resource prints it",
		"a resource before Open shows it as %v: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &struct {
				*flawed
				password string
			}{&flawed{fake: f}, password[2:]}
		},
	},
}
