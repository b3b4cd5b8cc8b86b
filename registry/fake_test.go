package registry_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-multierror"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errRefused = registry.Classify(registry.KindUnreachable, errors.New("connection refused"))
	errDenied  = registry.Classify(registry.KindAuth, errors.New("access denied"))
	errLost    = errors.New("two messages were lost")
)

// fake is a resource that does what a test says, and nothing by default. It notices when its methods are called
// at the same time although the registry promises that they are not.
type fake struct {
	name               string
	configure          func() error
	open, check, close func(context.Context) error
	calls              *journal

	lifecycle  atomic.Int32 // Opens and Closes in flight
	overlapped atomic.Bool
}

func (f *fake) Name() string { return f.name }

func (f *fake) Configure() error {
	f.calls.add("configure " + f.name)
	if f.configure == nil {
		return nil
	}
	return f.configure()
}

func (f *fake) Open(ctx context.Context) error {
	defer f.alone(&f.lifecycle)()
	return f.do(ctx, "open", f.open)
}

func (f *fake) Check(ctx context.Context) error { return f.do(ctx, "check", f.check) }

func (f *fake) Close(ctx context.Context) error {
	defer f.alone(&f.lifecycle)()
	return f.do(ctx, "close", f.close)
}

func (f *fake) do(ctx context.Context, what string, call func(context.Context) error) error {
	f.calls.add(what + " " + f.name)
	if call == nil {
		return nil
	}
	return call(ctx)
}

func (f *fake) alone(inFlight *atomic.Int32) (done func()) {
	if inFlight.Add(1) > 1 {
		f.overlapped.Store(true)
	}
	return func() { inFlight.Add(-1) }
}

// journal lists what happened, in order. A nil journal forgets.
type journal struct {
	settle func() // called before the lines are taken; or nil

	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	if j != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.lines = append(j.lines, line)
	}
}

// take returns the lines since the last take.
func (j *journal) take() []string {
	if j.settle != nil {
		j.settle()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	defer func() { j.lines = nil }()
	return j.lines
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	if got := j.take(); !slices.Equal(got, want) {
		t.Errorf("calls: %q, want %q", got, want)
	}
}

// valve holds up whoever waits, whatever their context says, until it is released.
type valve chan struct{}

func newValve() valve                       { return make(valve) }
func (v valve) wait(context.Context) error  { <-v; return nil }
func (v valve) release()                    { close(v) }
func (v valve) fails(context.Context) error { <-v; return errLost }

// obey waits for its context, as a call should that has nothing else to wait for.
func obey(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// after returns a method that takes so long, and longer than its context.
func after(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error {
		<-time.After(d)
		return err
	}
}

// inTurn returns a method that does one thing after another, and the last for ever.
func inTurn(steps ...func(context.Context) error) func(context.Context) error {
	var n atomic.Int32
	return func(ctx context.Context) error {
		i := min(int(n.Add(1)), len(steps)) - 1
		return steps[i](ctx)
	}
}

// quiet returns a registry of these resources that logs nothing.
func quiet(resources ...*fake) *registry.Registry {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	for _, res := range resources {
		r.Register(res)
	}
	return r
}

// opened is quiet, and opens them.
func opened(t *testing.T, resources ...*fake) *registry.Registry {
	t.Helper()
	r := quiet(resources...)
	mustOpen(t, r)
	return r
}

func mustOpen(t *testing.T, r *registry.Registry) {
	t.Helper()
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatalf("OpenAll: %v", err)
	}
}

func mustClose(t *testing.T, r *registry.Registry) {
	t.Helper()
	if err := r.CloseAll(t.Context()); err != nil {
		t.Errorf("CloseAll: %v", err)
	}
}

// inBackground starts f and returns where its result will be.
func inBackground[T any](f func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- f() }()
	return result
}

// ctxDone returns a context that is done.
func ctxDone(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// took checks how long it is since start, on the fake clock.
func took(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("took %v, want %v", got, want)
	}
}

func tookAtMost(t *testing.T, start time.Time, most time.Duration) {
	t.Helper()
	if got := time.Since(start); got > most {
		t.Errorf("took %v, want at most %v", got, most)
	}
}

// causes returns the errors in an aggregate, or fails if err is something else.
func causes(t *testing.T, err error) []*registry.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	aggregate, ok := errors.AsType[*multierror.Error](err)
	if !ok {
		t.Fatalf("%v is a %T, want a *multierror.Error", err, err)
	}
	var all []*registry.Error
	for _, cause := range aggregate.Errors {
		one, ok := errors.AsType[*registry.Error](cause)
		if !ok {
			t.Fatalf("%v is a %T, want a *registry.Error", cause, cause)
		}
		all = append(all, one)
	}
	return all
}

// wantErrors checks the text of each error in an aggregate.
func wantErrors(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	for _, cause := range causes(t, err) {
		got = append(got, cause.Error())
	}
	if !slices.Equal(got, want) {
		t.Errorf("errors:\n%q, want\n%q", got, want)
	}
}

func wantKind(t *testing.T, err error, want registry.Kind) {
	t.Helper()
	if got := registry.KindOf(err); got != want {
		t.Errorf("%v is of kind %q, want %q", err, got, want)
	}
}

// exit ends the goroutine that it is called on.
func exit(context.Context) error {
	runtime.Goexit()
	return nil
}
