package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// flaw is one way to break one rule, and no other.
type flaw struct {
	rule, name string
	says       string // a part of the rule's verdict
	build      func(t *testing.T, f *fake) registry.Resource
}

// complaints says what is wrong with the verdicts on a resource that has the flaw.
func (f flaw) complaints(verdicts map[string]error) (all []string) {
	switch err := verdicts[f.rule]; {
	case err == nil:
		all = append(all, "the rule does not notice")
	case !strings.Contains(err.Error(), f.says):
		all = append(all, fmt.Sprintf("the verdict is %q, want %q", err, f.says))
	}
	for rule, err := range verdicts {
		if rule != f.rule {
			all = append(all, fmt.Sprintf("broken, too: %s: %v", rule, err))
		}
	}
	return all
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

// ignoring takes target for success.
func ignoring(call method, target error) method {
	return func(ctx context.Context) error {
		if err := call(ctx); !errors.Is(err, target) {
			return err
		}
		return nil
	}
}

// pleasedWith takes a strange reply that begins with start for success.
func pleasedWith(f *fake, start string) method {
	return func(ctx context.Context) error {
		err := f.Open(ctx)
		if strange, ok := errors.AsType[*strangeReply](err); ok && strings.HasPrefix(strange.reply(), start) {
			return nil
		}
		return err
	}
}

// locked holds the lock during the call.
func locked(lock *sync.Mutex, call method) method {
	return func(ctx context.Context) error {
		lock.Lock()
		defer lock.Unlock()
		return call(ctx)
	}
}

// afterOthers calls when nobody holds the lock.
func afterOthers(lock *sync.Mutex, call method) method {
	wait := locked(lock, func(context.Context) error { return nil })
	return func(ctx context.Context) error {
		_ = wait(ctx)
		return call(ctx)
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

// cancelOnly makes the call deaf to the deadline of its context.
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

// deadlineOnly makes the call deaf to its context being cancelled meanwhile.
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

func leaveGoroutine(t *testing.T) { go func() { <-t.Context().Done() }() }

func dialOnce(addr string) {
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
	}
}

// unhurried is time enough for a server that answers at all.
const unhurried = 2 * time.Second

// awaitReply says hello, and whether the server has answered within limit. Zero means no limit.
func awaitReply(addr string, limit time.Duration) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return true
	}
	defer func() { _ = conn.Close() }()
	if limit > 0 {
		_ = conn.SetDeadline(time.Now().Add(limit))
	}
	_, _ = io.WriteString(conn, "PING\n")
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
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
