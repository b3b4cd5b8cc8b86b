package registry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// Store is what a backend of your own looks like: four methods, and as much state as it needs.
type Store struct {
	name string
	down error // what Check and Open say
}

func (s *Store) Name() string { return s.name }

func (s *Store) Open(context.Context) error {
	if s.down != nil {
		return s.down
	}
	fmt.Println("open", s.name)
	return nil
}

func (s *Store) Check(context.Context) error { return s.down }

func (s *Store) Close(context.Context) error {
	fmt.Println("close", s.name)
	return nil
}

// Get returns what is stored under a key.
func (s *Store) Get(key string) string { return key + " in " + s.name }

// A program imports its backends, which register themselves, says in which order they are opened, and closes
// them in the end.
func Example() {
	registry.Default().Logger = slog.New(slog.DiscardHandler)
	registry.Register(&Store{name: "cache"}) // as the init of an imported backend does
	registry.Register(&Store{name: "database"})
	defer registry.Unregister("database")
	defer registry.Unregister("cache")

	ctx := context.Background()
	registry.SetOrder("database", "cache")
	if err := registry.OpenAll(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(registry.CheckAll(ctx).Status())
	if err := registry.CloseAll(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	// Output:
	// open database
	// open cache
	// pass
	// close cache
	// close database
}

// A test, or a program that wants no global state, has a registry of its own. The zero value is one, too.
func ExampleNew() {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(&Store{name: "mysql"})

	fmt.Println(r.Names(), registry.Names())
	// Output: [mysql] []
}

// Mistakes in the configuration come all at once, before anything is opened.
func ExampleRegistry_OpenAll() {
	r := registry.New()
	r.Register(unset{&Store{name: "mysql"}, "MYSQL_HOST"})
	r.Register(unset{&Store{name: "redis"}, "REDIS_HOST"})

	fmt.Println(r.OpenAll(context.Background()))
	// Output:
	// configure mysql: config: MYSQL_HOST is not set; configure redis: config: REDIS_HOST is not set
}

type unset struct {
	registry.Resource

	variable string
}

func (u unset) Configure() error { return errors.New(u.variable + " is not set") }

// A report says how each resource is; its error has those that the program cannot do without.
func ExampleRegistry_CheckAll() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	store := &Store{name: "mysql"}
	r.Register(store)
	r.Register(&Store{name: "redis"})
	ctx := context.Background()
	if err := r.OpenAll(ctx); err != nil {
		fmt.Println(err)
	}
	store.down = registry.Classify(registry.KindUnreachable, errors.New("connection refused"))

	report := r.CheckAll(ctx)
	for _, result := range report.Results {
		fmt.Println(result.Name, result.Status())
	}
	fmt.Println(report.Err())
	// Output:
	// open mysql
	// open redis
	// mysql fail
	// redis pass
	// check mysql: unreachable: connection refused
}

// The program starts without its cache, which is opened in the background when it is there.
func ExampleRegistry_SetOptional() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	r.Register(&Store{name: "database"})
	r.Register(&Store{name: "cache", down: registry.Classify(registry.KindUnreachable, errors.New("connection refused"))})
	r.SetOptional("cache")

	ctx := context.Background()
	fmt.Println(r.OpenAll(ctx))
	report := r.CheckAll(ctx)
	fmt.Println(report.Status(), report.Err())
	fmt.Println(report.Results[1].Err)
	fmt.Println(r.CloseAll(ctx))
	// Output:
	// open database
	// <nil>
	// warn <nil>
	// check cache: not open: open cache: unreachable: connection refused
	// close database
	// <nil>
}

// The database and the cache are opened at the same time, and the queue, which uses both, after them. What is in no
// stage comes last. CloseAll goes the other way.
func ExampleRegistry_SetStages() {
	r := registry.New()
	for _, name := range []string{"audit", "cache", "database", "queue"} { // as imports happen to register them
		r.Register(&Store{name: name})
	}
	r.SetStages([]string{"database", "cache"}, []string{"queue"})
	fmt.Println(r.Names())

	r.SetOrder("cache") // replaces the stages
	fmt.Println(r.Names())
	// Output:
	// [database cache queue audit]
	// [cache audit database queue]
}

// One resource may need more time than the others. Its timeouts hold from the next OpenAll on.
func ExampleRegistry_SetTimeouts() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler), OpenTimeout: 10 * time.Minute}
	r.Register(patient{&Store{name: "database"}})
	r.Register(patient{&Store{name: "warehouse"}})
	r.SetTimeouts("warehouse", registry.Timeouts{Open: time.Hour, Check: time.Minute})

	ctx := context.Background()
	fmt.Println(r.OpenAll(ctx))
	fmt.Println(r.CloseAll(ctx))
	// Output:
	// database has 10m0s to open
	// warehouse has 1h0m0s to open
	// <nil>
	// close warehouse
	// close database
	// <nil>
}

type patient struct{ *Store }

func (p patient) Open(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	fmt.Println(p.Name(), "has", time.Until(deadline).Round(time.Minute), "to open")
	return nil
}

// Last asks nobody: it tells what the last check has found, or the opening if there was none.
func ExampleRegistry_Last() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)} // with Every, Last would never be old
	store := &Store{name: "mysql"}
	r.Register(store)
	ctx := context.Background()
	fmt.Println(r.Last().Err())
	_ = r.OpenAll(ctx)
	store.down = registry.Classify(registry.KindUnreachable, errors.New("connection refused"))

	fmt.Println(r.Last().Status(), r.CheckAll(ctx).Status(), r.Last().Status())
	_ = r.CloseAll(ctx)
	// Output:
	// check mysql: not open
	// open mysql
	// pass fail fail
	// close mysql
}

// An observer turns what happens into metrics.
func ExampleRegistry_Observe() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	r.Register(&Store{name: "mysql"})
	var counts []string
	stop := r.Observe(func(ev registry.Event) { // one event after the other, so that counts needs no lock
		counts = append(counts, fmt.Sprintf("count{op=%q, resource=%q, kind=%q} 1", ev.Op, ev.Name, registry.KindOf(ev.Err)))
	})
	defer stop()

	ctx := context.Background()
	_ = r.OpenAll(ctx)
	r.CheckAll(ctx)
	_ = r.CloseAll(ctx) // which gives the observer 100ms for what waits
	fmt.Println(strings.Join(counts, "\n"))
	// Output:
	// open mysql
	// close mysql
	// count{op="open", resource="mysql", kind=""} 1
	// count{op="check", resource="mysql", kind=""} 1
	// count{op="close", resource="mysql", kind=""} 1
}

// GetFrom returns a resource as what it is.
func ExampleGetFrom() {
	r := registry.New()
	r.Register(&Store{name: "mysql-replica"})

	replica, err := registry.GetFrom[*Store](r, "mysql-replica")
	fmt.Println(replica.Get("a key"), err)
	_, err = registry.GetFrom[*Store](r, "mysql-replca")
	fmt.Println(err)
	// Output:
	// a key in mysql-replica <nil>
	// get mysql-replca: config: not registered (registered: mysql-replica; forgotten import?)
}

// A backend says of its driver's errors what kind they are; the kind decides whether opening is tried again.
func ExampleClassify() {
	err := registry.Classify(registry.KindLoading, errors.New("LOADING Redis is loading the dataset in memory"))
	kind := registry.KindOf(fmt.Errorf("ping: %w", err))
	fmt.Println(kind, kind.Retryable())
	// Output: loading true
}
