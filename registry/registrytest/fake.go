package registrytest

import (
	"context"
	"errors"
	"sync"

	"github.com/vibework/mooring/registry"
)

// FakeResource is a resource without a server, for the tests of programs: register it where the program expects its
// backend, and have it fail on command. It keeps the contract of [registry.Resource] but for what it is told to break.
// All methods may be called at any time, from any goroutine, also while a call hangs.
type FakeResource struct {
	name string

	mu    sync.Mutex
	state state
	kind  registry.Kind // of the errors while it is down
	open  bool
	over  chan struct{} // closed when a Hang is over
}

// state is what the calls of a FakeResource do.
type state int

const (
	up state = iota
	down
	hanging
	panicking
)

// Fake returns a resource of this name. It is up: it opens, checks and closes well until it is told otherwise.
func Fake(name string) *FakeResource { return &FakeResource{name: name, over: make(chan struct{})} }

// Up undoes [FakeResource.Down], [FakeResource.Hang] and [FakeResource.Panic]. Calls that hang go on, and do well.
func (f *FakeResource) Up() { f.become(up, "") }

// Down makes Open and Check return an error of this kind, as if the server were away. Close does well.
func (f *FakeResource) Down(kind registry.Kind) { f.become(down, kind) }

// Hang makes Open, Check and Close ignore their contexts and not return until the fake is told something else. End a
// test with [FakeResource.Up], so that no goroutine is left behind.
func (f *FakeResource) Hang() { f.become(hanging, "") }

// Panic makes Open, Check and Close panic.
func (f *FakeResource) Panic() { f.become(panicking, "") }

// Name returns the name given to [Fake].
func (f *FakeResource) Name() string { return f.name }

// Open opens the fake, if its state allows.
func (f *FakeResource) Open(ctx context.Context) error {
	if err := f.ask(ctx); err != nil {
		return err
	}
	f.setOpen(true)
	return nil
}

// Check is nil while the fake is open and up, and [registry.ErrNotOpen] while it is not open, whatever its state.
func (f *FakeResource) Check(ctx context.Context) error {
	if !f.IsOpen() {
		return registry.ErrNotOpen
	}
	return f.ask(ctx)
}

// Close closes the fake. It is always nil.
func (f *FakeResource) Close(context.Context) error {
	_ = f.ask(context.Background()) // it may hang or panic; a server that is away keeps nobody from closing
	f.setOpen(false)
	return nil
}

// IsOpen reports whether the fake is open: Open has returned nil, and Close has not been called since.
func (f *FakeResource) IsOpen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

// ask does what the state says.
func (f *FakeResource) ask(ctx context.Context) error {
	for {
		f.mu.Lock()
		state, kind, over := f.state, f.kind, f.over
		f.mu.Unlock()
		switch state {
		case hanging:
			<-over
			continue
		case panicking:
			panic(f.name + " was told to panic")
		case down:
			return registry.Classify(kind, errors.New("told to be down"))
		default:
			return ctx.Err()
		}
	}
}

func (f *FakeResource) become(s state, kind registry.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.over) // nobody waits unless it hangs
	f.state, f.kind, f.over = s, kind, make(chan struct{})
}

func (f *FakeResource) setOpen(open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = open
}
