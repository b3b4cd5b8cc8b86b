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
// # How a program lives with it
//
// [Registry.OpenAll] runs once, at the start, and fails if the program cannot work. [Registry.CheckAll] answers the
// probes of whoever runs the program, and may be called as often as they like; [Registry.Last] answers them from what
// is known, if Every is set. [Registry.Drain] announces the end, and [Registry.CloseAll] is the end. Package serve
// does all of this for a program that serves HTTP, package health does the answering alone, and package worker makes a
// resource of a function that runs as long as the program.
//
// # Time
//
// Nothing waits without a bound. Opening a resource may take 30s with all retries, a check 5s, and a whole CloseAll 25s
// unless its context has a deadline. The fields of [Registry] change that for all resources, and
// [Registry.SetTimeouts] for one.
//
// Once its context is done, an Open or a Close has 100ms to return, and a Check a twentieth of its timeout. Then nobody
// waits for it any longer, the error names it and is [KindHung], and the method is not called again until it has
// returned. What an Open that was given up opens after all is closed again.
//
// # Logs
//
// Records go to the Logger of a [Registry], with the attributes resource, op, and, of a failure, kind and error. A
// resource that is a slog.LogValuer adds where it connects to. OpenAll writes a record before and after everything and
// one for each resource that opens; each attempt that fails is a Warn record. Checks are logged when the kind of their
// answer changes, at most six times a minute for each resource. Whoever wants to know more observes: see
// [Registry.Observe].
//
// # Errors
//
// An [Error] says what was being done to which resource, and its [Kind] what to do about it. OpenAll, CloseAll and
// [Report.Err] return all errors together as one; [Errors] takes it apart, and errors.Is and errors.As look into it.
// Texts are one line. JSON never shows them; it shows kinds.
package registry
