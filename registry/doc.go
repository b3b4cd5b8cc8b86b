// Package registry opens, checks and closes the backends that a program depends on. Each is a [Resource]: a thing with
// the methods Open, Check and Close. Import a backend and its resource is registered; the registry opens the resources
// in order, checks them at the same time, and closes them in reverse.
//
//	import (
//		"github.com/vibework/mooring/backends/mysql"
//		_ "github.com/vibework/mooring/backends/redis"
//		"github.com/vibework/mooring/registry"
//	)
//
//	registry.SetOrder("mysql", "redis")
//	if err := registry.OpenAll(ctx); err != nil {
//		return err // everything that had been opened is closed again
//	}
//	defer registry.CloseAll(context.WithoutCancel(ctx))
//	rows, err := mysql.DB().QueryContext(ctx, "SELECT 1")
//
// Imported backends register themselves in [Default], and the functions of this package work on it. A program
// or a test that wants no global state makes a [Registry] of its own.
//
// # What it promises
//
// One error lists every mistake in the configuration, before the first connection is made. A server that is not there
// yet is tried again; a wrong password fails at once. If a required resource does not open, those that did are closed
// again.
//
// A resource has at most one check in flight, which all callers share. So a backend that hangs costs one goroutine,
// however often it is checked. No caller waits longer than its own context, and none ends the check for the others.
//
// Every open resource is closed, whatever the state of the context, within the time that is left.
//
// No lock is held while a method of a resource, of an error that it returned, or an observer runs, and none of
// them can panic the program or keep a method of a Registry from returning.
//
// # How a program lives with it
//
// The program calls [Registry.OpenAll] once, when it starts, and exits if that fails. While it runs,
// [Registry.CheckAll] asks every resource how it is, for a readiness probe, and may be called as often as one likes;
// with Every set the registry asks by itself, and [Registry.Last] returns the results without waiting. When the program
// is told to stop, it calls [Registry.Drain], which turns readiness red, finishes its work, and calls
// [Registry.CloseAll].
//
// Package serve does all of this for a program that serves HTTP. Package health is the HTTP handler for the probes
// alone. Package worker makes a resource of a function that runs as long as the program.
//
// # Time
//
// Every wait has a bound. Opening a resource may take 30s with all retries, a check 5s, and a whole CloseAll 25s
// unless its context has a deadline. The fields of [Registry] change that for all resources, and
// [Registry.SetTimeouts] for one.
//
// Once its context is done, an Open or a Close has 100ms to return, and a Check a twentieth of its timeout. After that
// the registry abandons the call: the error names the resource and is of [KindHung], and no method is called that must
// not run beside the one that has not returned. If an abandoned Open succeeds after all, the resource is closed again.
//
// # Logs
//
// Records go to the Logger of a [Registry], with the attributes resource, op, and, of a failure, kind and error. A
// resource that is a slog.LogValuer adds the group that it returns, after each Configure, Open and Close: where it
// connects to, say. OpenAll writes a record before and after everything and one for each resource that opens; each
// attempt that fails is a Warn record. Checks are logged when the kind of their answer changes, at most six times a
// minute for each resource. [Registry.Observe] tells of every attempt, check and close.
//
// # Errors
//
// An [Error] says what was being done to which resource, and its [Kind] what to do about it. OpenAll, CloseAll and
// [Report.Err] return all errors together as one; [Errors] takes it apart, and errors.Is and errors.As look into it.
// Texts are one line. JSON never shows them; it shows kinds.
package registry
