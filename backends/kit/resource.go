package kit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/registry"
)

// checkTimeout bounds a Check whose context has no deadline.
const checkTimeout = 5 * time.Second

// Resource is a registry.Resource and a registry.Configurer around the client T of a driver. O are the options that a
// program sets in code, and H is the handle that it uses, such as *sql.DB. A backend embeds a *Resource in a Resource
// of its own, which then has all methods that programs and the registry need. All methods are safe for concurrent use.
type Resource[O any, T Client[H], H any] struct {
	name    string
	resolve func(O) (Settings[T], error)

	mu       sync.Mutex // guards options and settings
	options  O
	settings Settings[T] // of the last Configure; nil once Open has used them

	turn   turn // of Open and Close; taken before mu
	state  atomic.Pointer[state[T]]
	target atomic.Pointer[Target] // of the last settings
}

// Settings are a configuration that has been checked, and all that Open needs to know.
type Settings[T any] interface {
	// Open connects, verifies that the backend can serve, and returns the client. It leaves nothing behind if it fails.
	// The context bounds the opening only, not the life of the client.
	Open(ctx context.Context) (T, error)
	// Target returns where Open connects.
	Target() Target
}

// Client is what Open makes and Close ends. Its errors must be ready to be shown: see [Classify] and [Table].
type Client[H any] interface {
	// Handle returns what programs use, the same each time, also after Close.
	Handle() H
	// Check asks the server once. The context has a deadline.
	Check(ctx context.Context) error
	// Close releases everything, whatever the state of the context. It is called once.
	Close(ctx context.Context) error
}

// Option is an option of a backend's New and Use. A backend declares it as
//
//	type Option = kit.Option[options]
type Option[O any] func(*O)

// state is what the last calls of Open and Close have left.
type state[T any] struct {
	client T                  // of the last opening
	life   context.Context    // of client: Close ends it; nil if there was no opening
	end    context.CancelFunc // of life
	reason error              // why the last Open has failed, or that there was none
}

func (s *state[T]) isOpen() bool { return s.life != nil && s.life.Err() == nil }

// New returns a resource that is not open. It calls resolve, which checks the configuration, not before Configure or
// Open. The error of resolve names variables and quotes no value; its kind is registry.KindConfig.
func New[O any, S Settings[T], T Client[H], H any](
	name string, resolve func(name string, options O) (S, error), opts ...Option[O],
) *Resource[O, T, H] {
	r := &Resource[O, T, H]{
		name:    name,
		turn:    make(turn, 1),
		resolve: func(options O) (Settings[T], error) { return resolve(name, options) },
	}
	r.state.Store(&state[T]{reason: errors.New("registry.OpenAll has not opened it yet")})
	r.target.Store(new(Target))
	r.Use(opts...)
	return r
}

// Use sets options. They count from the next Open on. Use panics while the resource is open.
func (r *Resource[O, T, H]) Use(opts ...Option[O]) {
	if r.state.Load().isOpen() {
		panic(fmt.Sprintf("%s: Use after the resource was opened", r.name))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, opt := range opts {
		opt(&r.options)
	}
	r.settings = nil
}

// Name returns the name that was given to New.
func (r *Resource[O, T, H]) Name() string { return r.name }

// Configure reads and checks the configuration, and keeps it for the next Open. It connects to nothing. Its error lists
// every problem, by variable and never by value; where nothing is set it says how to do without the resource.
func (r *Resource[O, T, H]) Configure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.configure()
}

// configure is called with mu held.
func (r *Resource[O, T, H]) configure() error {
	settings, err := r.resolve(r.options)
	if errors.Is(err, config.ErrNothingSet) {
		err = fmt.Errorf("%w (not wanted? drop its import, or call registry.Unregister(%q))", err, r.name)
	}
	if err != nil {
		return registry.Classify(registry.KindConfig, err)
	}
	r.settings = settings
	target := settings.Target()
	r.target.Store(&target)
	return nil
}

// Target returns where the resource connects, by the configuration that was last read without a mistake: by Configure,
// or by Open. Until then it is empty.
func (r *Resource[O, T, H]) Target() Target { return *r.target.Load() }

// LogValue returns the [Target], as the registry's records show it.
func (r *Resource[O, T, H]) LogValue() slog.Value { return r.Target().LogValue() }

// Open connects, logs in and verifies that the backend can serve; ctx bounds that. What is open stays as it is. The
// configuration is the one that Configure has read since the last Open, and is read now if there is none: so a resource
// that is opened again sees a renewed password.
func (r *Resource[O, T, H]) Open(ctx context.Context) error {
	if !r.turn.take(ctx) {
		return fmt.Errorf("%w, while another Open or Close is under way", Classify(ctx.Err()))
	}
	defer r.turn.pass()
	next := *r.state.Load()
	if next.isOpen() {
		return nil
	}
	client, err := r.connect(ctx)
	if next.reason = err; err == nil {
		next.client = client
		next.life, next.end = context.WithCancel(context.Background())
	}
	r.state.Store(&next)
	return err
}

func (r *Resource[O, T, H]) connect(ctx context.Context) (client T, err error) {
	settings, err := r.takeSettings()
	if err != nil {
		return client, err
	}
	return settings.Open(ctx)
}

func (r *Resource[O, T, H]) takeSettings() (settings Settings[T], err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settings == nil {
		err = r.configure()
	}
	settings, r.settings = r.settings, nil
	return settings, err
}

// Check asks the server whether it can serve. Without a deadline in ctx it takes at most 5s. It returns
// registry.ErrNotOpen before Open and from the beginning of Close on, which ends the checks that are under way: what
// only asks is not to be waited for.
func (r *Resource[O, T, H]) Check(ctx context.Context) error {
	now := r.state.Load()
	if !now.isOpen() {
		return registry.ErrNotOpen
	}
	ctx, cancel := Bounded(ctx, checkTimeout)
	defer cancel()
	defer context.AfterFunc(now.life, cancel)()
	if err := now.client.Check(ctx); err == nil || now.life.Err() == nil {
		return err
	}
	return registry.ErrNotOpen
}

// Close releases everything and says what was lost. Closing what is not open is nil.
func (r *Resource[O, T, H]) Close(ctx context.Context) error {
	if !r.turn.take(ctx) {
		return fmt.Errorf("%w, while another Open or Close is under way", Classify(ctx.Err()))
	}
	defer r.turn.pass()
	now := r.state.Load()
	if !now.isOpen() {
		return nil
	}
	now.end()
	return now.client.Close(ctx)
}

// Handle returns the handle of the last opening, also after Close. If there was none, the error is registry.ErrNotOpen,
// with the reason if Open has failed.
func (r *Resource[O, T, H]) Handle() (handle H, err error) {
	client, err := ClientOf(r)
	if err == nil {
		handle = client.Handle()
	}
	return handle, err
}

// Must returns the handle, and panics with the text of err if that is not nil. It makes accessors of what returns an
// error: they are for programs that take their handles after OpenAll.
func Must[H any](handle H, err error) H {
	if err != nil {
		panic(err.Error())
	}
	return handle
}

// ClientOf returns the client where [Resource.Handle] returns its handle. It is a function, like [PoolStats], and no
// method, because a backend that embeds a Resource must not export its client.
func ClientOf[O any, T Client[H], H any](r *Resource[O, T, H]) (client T, err error) {
	now := r.state.Load()
	if now.life == nil {
		err = fmt.Errorf("%s: %w: %w", r.name, registry.ErrNotOpen, now.reason)
	}
	return now.client, err
}

// PoolStats returns the numbers of the client's pool of connections. They are zero while the resource is not open.
func PoolStats[O any, T interface {
	Client[H]
	registry.Pooler
}, H any](r *Resource[O, T, H]) registry.PoolStats {
	if now := r.state.Load(); now.isOpen() {
		return now.client.PoolStats()
	}
	return registry.PoolStats{}
}
