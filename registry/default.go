package registry

import (
	"context"
	"fmt"
	"reflect"

	"github.com/vibework/mooring/registry/internal/inside"
)

func init() { inside.Periodic = func(r any) bool { return r.(*Registry).applied().every > 0 } }

// defaultRegistry is the only state of the package. It is made before any init function runs.
var defaultRegistry = New()

// Default returns the registry that imported backends register themselves in. The functions of this package
// that share a name with a method of [Registry] are shortcuts for that method of Default(); see there.
func Default() *Registry { return defaultRegistry }

// Register is a shortcut for Default().Register.
func Register(res Resource) { defaultRegistry.Register(res) }

// Unregister is a shortcut for Default().Unregister.
func Unregister(name string) bool { return defaultRegistry.Unregister(name) }

// SetOrder is a shortcut for Default().SetOrder.
func SetOrder(names ...string) { defaultRegistry.SetOrder(names...) }

// SetStages is a shortcut for Default().SetStages.
func SetStages(stages ...[]string) { defaultRegistry.SetStages(stages...) }

// SetTimeouts is a shortcut for Default().SetTimeouts.
func SetTimeouts(name string, t Timeouts) { defaultRegistry.SetTimeouts(name, t) }

// SetOptional is a shortcut for Default().SetOptional.
func SetOptional(names ...string) { defaultRegistry.SetOptional(names...) }

// Names is a shortcut for Default().Names.
func Names() []string { return defaultRegistry.Names() }

// OpenAll is a shortcut for Default().OpenAll. With nothing registered it is an error: a program that calls it wants
// backends, and has forgotten to import them.
func OpenAll(ctx context.Context) error { return defaultRegistry.OpenAll(ctx) }

// CheckAll is a shortcut for Default().CheckAll.
func CheckAll(ctx context.Context, names ...string) Report {
	return defaultRegistry.CheckAll(ctx, names...)
}

// Last is a shortcut for Default().Last.
func Last() Report { return defaultRegistry.Last() }

// Check is a shortcut for Default().Check.
func Check(ctx context.Context, name string) Result { return defaultRegistry.Check(ctx, name) }

// CloseAll is a shortcut for Default().CloseAll.
func CloseAll(ctx context.Context) error { return defaultRegistry.CloseAll(ctx) }

// Opened is a shortcut for Default().Opened.
func Opened() bool { return defaultRegistry.Opened() }

// Drain is a shortcut for Default().Drain.
func Drain() { defaultRegistry.Drain() }

// Draining is a shortcut for Default().Draining.
func Draining() bool { return defaultRegistry.Draining() }

// Observe is a shortcut for Default().Observe.
func Observe(f func(Event)) (stop func()) { return defaultRegistry.Observe(f) }

// Get returns the resource of that name in Default(), asserted to type T, open or not:
//
//	replica, err := registry.Get[*mysql.Resource]("mysql-replica")
//
// The error is an *Error: ErrNotRegistered for an unknown name, or one that names both types. T may be an interface,
// such as [Pooler], for code that works with any backend.
func Get[T any](name string) (T, error) { return GetFrom[T](defaultRegistry, name) }

// GetFrom is Get for any registry.
func GetFrom[T any](r *Registry, name string) (none T, _ error) {
	e := r.find(name)
	if e == nil {
		return none, r.notRegistered(OpGet, name, "")
	}
	if res, ok := e.res.(T); ok {
		return res, nil
	}
	return none, &Error{OpGet, name, KindConfig, fmt.Errorf("it is a %T, not a %v", e.res, reflect.TypeFor[T]())}
}
