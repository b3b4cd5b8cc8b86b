package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// flaw is one way to break one rule, and no other.
type flaw struct {
	rule, name string
	in         func(t *testing.T, f *fake) registry.Resource
}

// flawed is a fake that does some things differently.
type flawed struct {
	*fake
	name               func() string
	configure          func() error
	open, check, close func(context.Context) error
}

func (f *flawed) Name() string {
	if f.name != nil {
		return f.name()
	}
	return f.fake.Name()
}

func (f *flawed) Configure() error {
	if f.configure != nil {
		return f.configure()
	}
	return f.fake.Configure()
}

func (f *flawed) Open(ctx context.Context) error  { return or(f.open, f.fake.Open)(ctx) }
func (f *flawed) Check(ctx context.Context) error { return or(f.check, f.fake.Check)(ctx) }
func (f *flawed) Close(ctx context.Context) error { return or(f.close, f.fake.Close)(ctx) }

type method = func(context.Context) error

func or(f, otherwise method) method {
	if f != nil {
		return f
	}
	return otherwise
}

var errFlaw = errors.New("something is wrong")

var flaws = []flaw{
	{"the name is valid and constant", "a name that nobody may register", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, name: func() string { return "Fake_1" }}
	}},
	{"the name is valid and constant", "another name once it is open", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, name: func() string {
			if f.current() != nil {
				return "fake-open"
			}
			return "fake"
		}}
	}},
	{"the name is valid and constant", "another name once it is closed", func(_ *testing.T, f *fake) registry.Resource {
		name := "fake"
		return &flawed{fake: f, name: func() string { return name }, close: func(ctx context.Context) error {
			if f.current() != nil {
				name = "fake-closed"
			}
			return f.Close(ctx)
		}}
	}},
	{"open, check and close succeed", "it is not ready when Open returns", func(_ *testing.T, f *fake) registry.Resource {
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
	}},
	{"open, check and close succeed", "Close fails for no reason", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: func(ctx context.Context) error {
			open := f.current() != nil
			if err := f.Close(ctx); err != nil || !open {
				return err
			}
			return errFlaw
		}}
	}},
	{"check before open is ErrNotOpen", "an error of its own", func(_ *testing.T, f *fake) registry.Resource {
		var opened atomic.Bool
		return &flawed{fake: f, open: opens(f, &opened), check: func(ctx context.Context) error {
			if !opened.Load() {
				return errFlaw
			}
			return f.Check(ctx)
		}}
	}},
	{"check after close is ErrNotOpen", "an error of its own", func(_ *testing.T, f *fake) registry.Resource {
		var opened atomic.Bool
		return &flawed{fake: f, open: opens(f, &opened), check: func(ctx context.Context) error {
			if opened.Load() && f.current() == nil {
				return errFlaw
			}
			return f.Check(ctx)
		}}
	}},
	{"close before open is nil", "it misses its client", func(_ *testing.T, f *fake) registry.Resource {
		var opened atomic.Bool
		return &flawed{fake: f, open: opens(f, &opened), close: func(ctx context.Context) error {
			if !opened.Load() {
				return errFlaw
			}
			return f.Close(ctx)
		}}
	}},
	{"close again is nil", "the second Close is an error", func(_ *testing.T, f *fake) registry.Resource {
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
	}},
	{"close again is nil", "two at a time panic", func(_ *testing.T, f *fake) registry.Resource {
		var busy sync.Mutex
		return &flawed{fake: f, close: func(ctx context.Context) error {
			if !busy.TryLock() {
				panic("close of closed channel")
			}
			defer busy.Unlock()
			return f.Close(ctx)
		}}
	}},
	{"open again after close", "it can be used once only", func(_ *testing.T, f *fake) registry.Resource {
		var opened atomic.Bool
		return &flawed{fake: f, open: func(ctx context.Context) error {
			if opened.Load() {
				return errFlaw
			}
			return opens(f, &opened)(ctx)
		}}
	}},
	{"checks run at the same time", "the second is turned away", func(_ *testing.T, f *fake) registry.Resource {
		var busy sync.Mutex
		return &flawed{fake: f, check: func(ctx context.Context) error {
			if !busy.TryLock() {
				return errFlaw
			}
			defer busy.Unlock()
			return f.Check(ctx)
		}}
	}},
	{"check runs while open and close do", "a check meets a client half taken down", func(_ *testing.T, f *fake) registry.Resource {
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
			closing.Store(true)
			defer closing.Store(false)
			select {
			case <-came:
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			return f.Close(ctx)
		}}
	}},
	{"open with a done context fails", "it does not look at the context", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			if ctx.Err() != nil {
				ctx = context.WithoutCancel(ctx)
			}
			return f.Open(ctx)
		}}
	}},
	{"open with a done context fails", "it connects and does not look back", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			if ctx.Err() != nil {
				leaveConn(t, f.addr)
			}
			return f.Open(ctx)
		}}
	}},
	{"check with a done context does no harm", "the connection is spoilt", func(_ *testing.T, f *fake) registry.Resource {
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
	}},
	{"check with a done context does no harm", "it waits for a context that ends", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: func(ctx context.Context) error {
			if ctx.Err() != nil {
				<-t.Context().Done()
			}
			return f.Check(ctx)
		}}
	}},
	{"close with a done context closes", "it does nothing", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: func(ctx context.Context) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f.Close(ctx)
		}}
	}},
	{"close with a done context closes", "it forgets the connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: func(ctx context.Context) error {
			if ctx.Err() != nil {
				leaveConn(t, f.addr)
			}
			return f.Close(ctx)
		}}
	}},
	{"the context of open may end", "and what it opened ends with it", func(_ *testing.T, f *fake) registry.Resource {
		var ended atomic.Bool
		return &flawed{fake: f, open: func(ctx context.Context) error {
			context.AfterFunc(ctx, func() { ended.Store(true) })
			return f.Open(ctx)
		}, check: func(ctx context.Context) error {
			if f.current() != nil && ended.Load() {
				return errFlaw
			}
			return f.Check(ctx)
		}}
	}},
	{"close leaves nothing behind", "a goroutine", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: afterGoodbye(f, func() { leaveGoroutine(t) })}
	}},
	{"close leaves nothing behind", "a connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: afterGoodbye(f, func() { leaveConn(t, f.addr) })}
	}},
	{"constructing and configuring are inert", "New dials", func(_ *testing.T, f *fake) registry.Resource {
		dialOnce(f.addr)
		return f
	}},
	{"constructing and configuring are inert", "New starts a goroutine", func(t *testing.T, f *fake) registry.Resource {
		leaveGoroutine(t)
		return f
	}},
	{"constructing and configuring are inert", "Configure dials", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, configure: func() error {
			dialOnce(f.addr)
			return nil
		}}
	}},
	{"open of a closed port fails soon", "it insists until its context is done", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			for {
				err := f.Open(ctx)
				if !errors.Is(err, syscall.ECONNREFUSED) || !pause(ctx) {
					return err
				}
			}
		}}
	}},
	{"open of a closed port fails soon", "as if it were for ever", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: classified(f.Open, syscall.ECONNREFUSED, registry.KindConfig)}
	}},
	{"open of a server that resets fails soon", "as if it were for ever", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: classified(f.Open, syscall.ECONNRESET, registry.KindConfig)}
	}},
	{"open of a silent server ends with its deadline", "it answers to a cancel only", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: cancelOnly(f.Open)}
	}},
	{"open of a silent server ends with its deadline", "it does not say that time was up", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: classified(f.Open, context.DeadlineExceeded, registry.KindUnknown)}
	}},
	{"open of a silent server ends with its deadline", "it forgets the connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: after(f.Open, context.DeadlineExceeded, func() { leaveConn(t, f.addr) })}
	}},
	{"open of a silent server ends when cancelled", "it answers to a deadline only", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: deadlineOnly(f.Open)}
	}},
	{"open of a silent server ends when cancelled", "it forgets the connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return after(f.Open, context.Canceled, func() { leaveConn(t, f.addr) })(ctx)
		}}
	}},
	{"a failed open leaves nothing behind", "a connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: afterStrange(f, func() { leaveConn(t, f.addr) })}
	}},
	{"a failed open leaves nothing behind", "a goroutine", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: after(f.Open, syscall.ECONNRESET, func() { leaveGoroutine(t) })}
	}},
	{"a failed open leaves nothing behind", "it does not fail", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			err := f.Open(ctx)
			if _, strange := errors.AsType[*strangeReply](err); strange {
				return nil
			}
			return err
		}}
	}},
	{"open again after it failed", "it fails as before", func(_ *testing.T, f *fake) registry.Resource {
		var first error
		return &flawed{fake: f, open: func(ctx context.Context) error {
			if first == nil {
				first = f.Open(ctx)
			}
			return first
		}}
	}},
	{"check of a frozen server ends with its deadline", "it answers to a cancel only", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: cancelOnly(f.Check)}
	}},
	{"check of a frozen server ends with its deadline", "it does not say that time was up", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: classified(f.Check, context.DeadlineExceeded, registry.KindUnknown)}
	}},
	{"check of a frozen server ends with its deadline", "no answer is good news", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: func(ctx context.Context) error {
			if err := f.Check(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		}}
	}},
	{"check of a frozen server ends with its deadline", "it does not thaw", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: lastingly(f.Check, context.DeadlineExceeded)}
	}},
	{"check of a frozen server ends when cancelled", "it answers to a deadline only", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: deadlineOnly(f.Check)}
	}},
	{"check heals after a cut connection", "unless a dial was refused", func(_ *testing.T, f *fake) registry.Resource {
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
	}},
	{"check fails while the server is away and heals when it is back", "it does not fail", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: func(ctx context.Context) error {
			if err := f.Check(ctx); !errors.Is(err, syscall.ECONNREFUSED) {
				return err
			}
			return nil
		}}
	}},
	{"check fails while the server is away and heals when it is back", "it does not heal", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: lastingly(f.Check, syscall.ECONNREFUSED)}
	}},
	{"check does not retry in a loop", "it does", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: func(ctx context.Context) error {
			for {
				if err := f.Check(ctx); !broken(err) {
					return err
				}
			}
		}}
	}},
	{"close of a frozen server ends with its context", "it waits for the goodbye", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: func(ctx context.Context) error {
			if c := f.current(); c != nil && len(c.busy) == 0 {
				ctx = context.WithoutCancel(ctx)
			}
			return f.Close(ctx)
		}}
	}},
	{"close of a frozen server ends with its context", "it forgets the connection", func(t *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, close: func(ctx context.Context) error {
			err := f.Close(ctx)
			if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errBusy) {
				leaveConn(t, f.addr)
			}
			return err
		}}
	}},
	{"close does not wait for a check of a frozen server", "they share a lock", func(_ *testing.T, f *fake) registry.Resource {
		var lock sync.RWMutex
		return &flawed{fake: f, check: func(ctx context.Context) error {
			lock.RLock()
			defer lock.RUnlock()
			return f.Check(ctx)
		}, close: func(ctx context.Context) error {
			lock.Lock()
			defer lock.Unlock()
			return f.Close(ctx)
		}}
	}},
	{"nothing shows the secret", "the error of a refused Open does", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: quoting(f.Open, syscall.ECONNREFUSED)}
	}},
	{"nothing shows the secret", "the error of a Check does", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, check: quoting(f.Check, context.DeadlineExceeded)}
	}},
	{"nothing shows the secret", "the server's reply is quoted", func(_ *testing.T, f *fake) registry.Resource {
		return &flawed{fake: f, open: func(ctx context.Context) error {
			err := f.Open(ctx)
			if strange, ok := errors.AsType[*strangeReply](err); ok {
				return fmt.Errorf("unexpected reply %q", strange.reply())
			}
			return err
		}}
	}},
	{"nothing shows the secret", "the resource prints it", func(_ *testing.T, f *fake) registry.Resource {
		return &struct {
			*flawed
			password string
		}{&flawed{fake: f}, password[2:]}
	}},
}

// opens is Open, and notes that it has succeeded.
func opens(f *fake, opened *atomic.Bool) method {
	return func(ctx context.Context) error {
		err := f.Open(ctx)
		if err == nil {
			opened.Store(true)
		}
		return err
	}
}

// after calls do when the call has failed with target.
func after(call method, target error, do func()) method {
	return func(ctx context.Context) error {
		err := call(ctx)
		if errors.Is(err, target) {
			do()
		}
		return err
	}
}

// afterStrange calls do when Open has met a server of another kind.
func afterStrange(f *fake, do func()) method {
	return func(ctx context.Context) error {
		err := f.Open(ctx)
		if _, strange := errors.AsType[*strangeReply](err); strange {
			do()
		}
		return err
	}
}

// afterGoodbye calls do when Close has closed something in the normal way.
func afterGoodbye(f *fake, do func()) method {
	return func(ctx context.Context) error {
		open := f.current() != nil
		err := f.Close(ctx)
		if open && err == nil {
			do()
		}
		return err
	}
}

// classified gives another kind to target.
func classified(call method, target error, kind registry.Kind) method {
	return func(ctx context.Context) error {
		err := call(ctx)
		if errors.Is(err, target) {
			return registry.Classify(kind, err)
		}
		return err
	}
}

// lastingly makes target the last word.
func lastingly(call method, target error) method {
	var last atomic.Pointer[error]
	return func(ctx context.Context) error {
		if last.Load() != nil {
			return *last.Load()
		}
		err := call(ctx)
		if errors.Is(err, target) {
			last.Store(&err)
		}
		return err
	}
}

// quoting shows half of the password beside target.
func quoting(call method, target error) method {
	return func(ctx context.Context) error {
		err := call(ctx)
		if errors.Is(err, target) {
			return fmt.Errorf("user:%s...: %w", password[:len(password)/2], err)
		}
		return err
	}
}

func cancelOnly(call method) method {
	return func(ctx context.Context) error {
		deaf, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		context.AfterFunc(ctx, func() {
			if errors.Is(ctx.Err(), context.Canceled) {
				cancel()
			}
		})
		return call(deaf)
	}
}

func deadlineOnly(call method) method {
	return func(ctx context.Context) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		end, _ := ctx.Deadline()
		deaf, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
		defer cancel()
		return call(deaf)
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-time.After(10 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

func leaveGoroutine(t *testing.T) { go func() { <-t.Context().Done() }() }

func dialOnce(addr string) {
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
	}
}

// leaveConn leaves a connection that has been accepted, and used if the server answers.
func leaveConn(t *testing.T, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_ = exchange(ctx, conn, "PING", "PONG")
}
