// Package registry ties a program to the backends that it depends on. Import a backend and it is enabled; the
// registry opens the resources in order, checks them at the same time, and closes them in reverse.
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
// Every mistake in the configuration is told at once, before the first connection. A server that is late is
// waited for; a wrong password fails at once. What cannot be opened is rolled back.
//
// A resource has at most one check in flight, and so a backend that hangs costs one goroutine, however often it
// is probed. No caller waits longer than its own context, and none spoils the check for the others.
//
// Every resource is closed, whatever the state of the context, within the time that is left.
//
// No lock is held while a method of a resource, of an error that it returned, or an observer runs, and none of
// them can panic the program or keep a method of a Registry from returning.
//
// # Errors
//
// An [Error] says what was being done to which resource, and its [Kind] what to do about it. OpenAll, CloseAll
// and [Report.Err] return all errors together as a *multierror.Error, which errors.Is and errors.As look into.
// Texts are one line. JSON never shows them; it shows kinds.
package registry
