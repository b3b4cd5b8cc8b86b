package registry

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Registry opens, checks and closes a set of resources. The zero value is empty and ready to use; a Registry
// must not be copied. All methods may be called at any time, from any goroutine, also by a resource or an
// observer.
type Registry struct {
	OpenTimeout  time.Duration // for opening one resource, retries included; 0 means 30s
	CheckTimeout time.Duration // for one check; 0 means 5s
	CloseTimeout time.Duration // for a whole CloseAll whose context has no deadline, or a roll-back; 0 means 25s
	Logger       *slog.Logger  // nil means slog.Default()

	conf      atomic.Pointer[settings] // the fields above, as the last OpenAll found them
	observers atomic.Pointer[[]*func(Event)]
	draining  atomic.Bool
	watchdog  watchdog

	rows  atomic.Pointer[[]row] // what order.go derives from the fields below; nil after a change
	index atomic.Pointer[map[string]*entry]

	mu       sync.Mutex
	entries  []*entry // in the order of registration
	byName   map[string]*entry
	order    []string // as SetOrder was given
	optional []string // as SetOptional was given

	turns    int // how many places in the order of opening have been given out
	opened   bool
	opening  *opener // the OpenAll under way
	closing  *closer // the CloseAll under way
	closings int     // how many times CloseAll was called
}

// entry is a registered resource. Its fields below site are guarded by the registry's mu.
type entry struct {
	res    Resource
	name   string
	site   string // where it was registered
	outbox outbox

	current atomic.Pointer[opening] // nil while it is not open
	turn    int                     // its place in the order of opening; 0 while it has none
	task    *task                   // the Open or Close in flight, also an abandoned one
	retry   *reopener               // opens an optional resource in the background
	failure atomic.Pointer[Error]   // why it did not open, or nil
}

// New returns an empty registry, independent of [Default].
func New() *Registry { return new(Registry) }

// Register adds a resource. It only records it: nothing is opened, read or started. Register panics if res is
// nil, if its name is malformed, or if the name is taken; the message says where both registrations are.
// A resource registered after OpenAll is not open until the next OpenAll.
func (r *Registry) Register(res Resource) {
	if v := reflect.ValueOf(res); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		panic("registry: Register of a nil resource at " + callSite())
	}
	name, site := res.Name(), callSite()
	if !validName(name) {
		panic(fmt.Sprintf("registry: malformed resource name %q at %s: want lower-case words such as %q",
			name, site, "mysql-replica"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := r.byName[name]; first != nil {
		panic(fmt.Sprintf("registry: %q is registered twice: at %s and at %s", name, first.site, site))
	}
	if r.byName == nil {
		r.byName = make(map[string]*entry)
	}
	e := &entry{res: res, name: name, site: site}
	r.entries, r.byName[name] = append(r.entries, e), e
	r.changed()
}

// Unregister removes the resource of that name and says whether it did. A resource that is open, or that has
// an Open or a Close in flight, stays.
func (r *Registry) Unregister(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byName[name]
	if e == nil || e.current.Load() != nil || e.task != nil || r.opening.wants(e) {
		return false
	}
	e.retry.stop()
	r.entries = slices.DeleteFunc(r.entries, func(other *entry) bool { return other == e })
	delete(r.byName, name)
	r.changed()
	return true
}

// SetOrder opens the named resources first, in this order; the others follow in the order of registration,
// which for resources that register themselves on import is an accident of import paths. It replaces what an
// earlier call set. A name that is not registered by then makes OpenAll fail.
func (r *Registry) SetOrder(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.order = slices.Clone(names)
	r.changed()
}

// SetOptional names the resources that the program can run without: OpenAll goes on when one of them does not
// open and keeps trying in the background, and a report only warns of them. It replaces what an earlier call
// set. A name that is not registered by then makes OpenAll fail.
func (r *Registry) SetOptional(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.optional = slices.Clone(names)
	r.changed()
}

// Names returns the names of the registered resources, in the order of opening.
func (r *Registry) Names() []string {
	rows := r.sorted()
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.name
	}
	return names
}

// Opened says whether OpenAll has succeeded and CloseAll has not been called since.
func (r *Registry) Opened() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened
}

// Drain marks the program as about to stop, for readiness probes to see. Nothing else changes: clients work
// and checks run until CloseAll. An OpenAll that begins later ends it; one that is under way does not.
func (r *Registry) Drain() { r.draining.Store(true) }

// Draining says whether Drain was called since the last OpenAll began.
func (r *Registry) Draining() bool { return r.draining.Load() }
