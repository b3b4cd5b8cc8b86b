package registry

import (
	"context"
	"fmt"
	"reflect"
)

var std = New()

// Default returns the registry that imported backends register themselves in. The functions of this package
// that share a name with a method of [Registry] are shortcuts for that method of Default(); see there.
func Default() *Registry { return std }

// Register is a shortcut for Default().Register.
func Register(res Resource) { std.Register(res) }

// Unregister is a shortcut for Default().Unregister.
func Unregister(name string) bool { return std.Unregister(name) }

// SetOrder is a shortcut for Default().SetOrder.
func SetOrder(names ...string) { std.SetOrder(names...) }

// SetOptional is a shortcut for Default().SetOptional.
func SetOptional(names ...string) { std.SetOptional(names...) }

// Names is a shortcut for Default().Names.
func Names() []string { return std.Names() }

// OpenAll is a shortcut for Default().OpenAll. With nothing registered it is an error.
func OpenAll(ctx context.Context) error { return std.OpenAll(ctx) }

// CheckAll is a shortcut for Default().CheckAll.
func CheckAll(ctx context.Context) Report { return std.CheckAll(ctx) }

// Check is a shortcut for Default().Check.
func Check(ctx context.Context, name string) Result { return std.Check(ctx, name) }

// CloseAll is a shortcut for Default().CloseAll.
func CloseAll(ctx context.Context) error { return std.CloseAll(ctx) }

// Opened is a shortcut for Default().Opened.
func Opened() bool { return std.Opened() }

// Drain is a shortcut for Default().Drain.
func Drain() { std.Drain() }

// Draining is a shortcut for Default().Draining.
func Draining() bool { return std.Draining() }

// Observe is a shortcut for Default().Observe.
func Observe(f func(Event)) (stop func()) { return std.Observe(f) }

// Get returns the resource of that name in Default() as what it is, open or not:
//
//	replica, err := registry.Get[*mysql.Resource]("mysql-replica")
//
// The error is an *Error: ErrNotRegistered for an unknown name, or one that names both types.
func Get[T any](name string) (T, error) { return GetFrom[T](std, name) }

// GetFrom is Get for any registry.
func GetFrom[T any](r *Registry, name string) (T, error) {
	var none T
	e := r.find(name)
	if e == nil {
		return none, r.stranger(OpGet, name, "")
	}
	if res, ok := e.res.(T); ok {
		return res, nil
	}
	err := fmt.Errorf("it is a %T, not a %v", e.res, reflect.TypeFor[T]())
	return none, &Error{Op: OpGet, Name: name, Kind: KindConfig, Err: err}
}
