package registry

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/queue"
)

// Registry opens, checks and closes a set of resources. The zero value is empty and ready to use; a Registry must not
// be copied. All methods may be called at any time, from any goroutine, also by a resource or an observer.
//
// The exported fields are read when OpenAll begins. A change has no effect until the next OpenAll, and must not be
// made while OpenAll may run. What is 0 or less has its default.
type Registry struct {
	// OpenTimeout bounds the opening of one resource, retries and the waits between them included. 0 means 30s: a
	// server that restarts, or that starts together with the program, is up by then. It bounds a Configure, too. It is
	// read when OpenAll begins.
	OpenTimeout time.Duration

	// CheckTimeout bounds one check. The context of the check ends a twentieth before it. 0 means 5s. It is read when
	// OpenAll begins, and holds for the checks that begin later.
	CheckTimeout time.Duration

	// CloseTimeout bounds a whole CloseAll whose context has no deadline, and a roll-back. 0 means 25s: Kubernetes kills
	// a pod 30s after it has asked it to stop. It is read when OpenAll begins, not when CloseAll does.
	CloseTimeout time.Duration

	// Every makes the registry check all resources in the background this often, while it is open, each time up to
	// a fifth sooner; 0 means that checks run only when somebody asks. A result is then stale after twice Every and
	// the check's own timeout, and [Registry.Last] says so. It is read when OpenAll begins.
	Every time.Duration

	// Logger gets the records, and is called with no lock held. nil means what slog.Default() is at the time of the
	// record. A panic or runtime.Goexit in it is contained, and the record is lost. It is read when OpenAll begins.
	Logger *slog.Logger

	// Locks are taken in this order: mu, then that of a line of checks, then that of a queue. No method of a
	// resource, an error, a logger or an observer runs while one of them is held.
	//
	// mu guards what the setters set and the state of every entry. The atomics at the end are read by each check,
	// which takes no lock of the registry: a check must not wait for a registration.
	mu       sync.Mutex
	entries  []*entry // in the order of registration
	byName   map[string]*entry
	stages   [][]string // as SetStages or SetOrder was given
	optional map[string]bool
	timeouts map[string]Timeouts

	runs       []*run              // the OpenAlls and the CloseAll under way; the first has the turn
	stage      int                 // how many stages of opening there have been
	background atomic.Pointer[run] // what runs in the background; nil when nothing does

	health    queue.Queue // of what to log about checks: no check waits for a logger that blocks
	observers sync.Map    // of functions of an event, each under the *queue.Queue in which events wait
	observed  atomic.Bool // there has been an observer

	settings atomic.Pointer[settings]
	view     atomic.Pointer[view] // made from the fields that the setters set; nil after a change
	draining atomic.Bool
	opened   atomic.Bool         // changed with mu held
	closing  atomic.Pointer[run] // the CloseAll under way: nothing is open for a check; changed with mu held
}

// Timeouts are those of one resource, for [Registry.SetTimeouts]. All are read when OpenAll begins. 0 means what the
// Registry says.
type Timeouts struct {
	Open  time.Duration // for opening, retries included; 0 means OpenTimeout
	Check time.Duration // for one check; 0 means CheckTimeout
	Close time.Duration // the most that its Close may take of its share of the time; 0 means all of the share
}

// or returns the timeouts with those of the other where they do not say how long.
func (t Timeouts) or(other Timeouts) Timeouts {
	return Timeouts{
		Open:  cmp.Or(max(t.Open, 0), other.Open),
		Check: cmp.Or(max(t.Check, 0), other.Check),
		Close: cmp.Or(max(t.Close, 0), other.Close),
	}
}

// settings are a Registry's fields as the last OpenAll found them, with the defaults applied.
type settings struct {
	Timeouts               // Close: of a whole CloseAll
	every    time.Duration // 0 for never
	logger   *slog.Logger  // nil for the default one
}

// defaults hold for a field that is 0, and for whatever is asked of a registry before its first OpenAll.
var defaults = settings{Timeouts{Open: 30 * time.Second, Check: 5 * time.Second, Close: 25 * time.Second}, 0, nil}

// New returns an empty registry, independent of [Default].
func New() *Registry { return new(Registry) }

// Register adds a resource. It only records it: nothing is opened, read or started. So an init function may call it,
// whatever is imported first. Register panics if res is nil, if its name is malformed, or if the name is taken; the
// message says where both registrations are. These are mistakes of whoever wrote the program, and would else be found
// when somebody needs the resource. A resource registered after OpenAll is not open until the next OpenAll.
func (r *Registry) Register(res Resource) {
	if isNil(res) {
		panic("registry: Register of a nil resource at " + callSite())
	}
	name, site := res.Name(), callSite()
	if !validName(name) {
		panic(fmt.Sprintf("registry: malformed resource name %q at %s: want lower-case words such as %q",
			name, site, "mysql-replica"))
	}
	defer r.edit()()
	if first := r.byName[name]; first != nil {
		panic(fmt.Sprintf("registry: %q is registered twice: at %s and at %s", name, first.site, site))
	}
	e := &entry{res: res, name: name, site: site, r: r}
	r.entries = append(r.entries, e)
	r.byName[name] = e
}

// edit locks the registry for a setter, makes the maps that the zero value lacks, and has the next caller make a view
// anew.
func (r *Registry) edit() (unlock func()) {
	r.mu.Lock()
	if r.byName == nil {
		r.byName, r.optional, r.timeouts = make(map[string]*entry), make(map[string]bool), make(map[string]Timeouts)
	}
	r.view.Store(nil)
	return r.mu.Unlock
}

// Unregister removes the resource of that name, with what SetOptional and SetTimeouts say of it, and reports
// whether it did. A resource that is open, that an OpenAll under way is going to open, or that has a call of
// Configure, Open or Close in flight, stays: its handles would die under those who hold them. It is for tests, and for
// programs that leave out a backend which something has imported for them.
func (r *Registry) Unregister(name string) bool {
	defer r.edit()()
	e := r.byName[name]
	opens := func(run *run) bool { return slices.Contains(run.entries, e) }
	if e == nil || e.state != closed || slices.ContainsFunc(r.runs, opens) {
		return false
	}
	e.state = removed
	r.entries = slices.DeleteFunc(r.entries, func(other *entry) bool { return other == e })
	delete(r.byName, name)
	delete(r.optional, name)
	delete(r.timeouts, name)
	return true
}

// SetOrder opens the named resources first, one after the other; the others follow in the order of registration, which
// for resources that register themselves on import depends on import paths and may change. SetOrder("a", "b") is
// SetStages([]string{"a"}, []string{"b"}) and replaces what an earlier call of either has set.
func (r *Registry) SetOrder(names ...string) { r.SetStages(slices.Collect(slices.Chunk(names, 1))...) }

// SetStages opens the named resources first: the stages one after the other, the resources of a stage at the same
// time. The others follow one by one. CloseAll closes the stages in reverse, again at the same time within each. It
// replaces what an earlier call of SetStages or SetOrder has set. OpenAll fails if a name is not registered when it
// begins, or is given twice.
//
// A stage takes as long as its slowest resource, and the program does not depend on which of them opens first. Put into
// one stage what does not need each other, and into a later stage what uses something of an earlier one.
func (r *Registry) SetStages(stages ...[]string) {
	defer r.edit()()
	r.stages = slices.Clone(stages)
	for i, names := range stages { // the caller may go on to change its slices
		r.stages[i] = slices.Clone(names)
	}
}

// SetOptional adds names of resources that the program can run without: OpenAll goes on when one of them does not
// open and keeps trying in the background, and a report only warns of them. OpenAll fails if a name is not registered
// when it begins.
func (r *Registry) SetOptional(names ...string) {
	defer r.edit()()
	for _, name := range names {
		r.optional[name] = true
	}
}

// SetTimeouts gives the resource of that name timeouts of its own, from the next OpenAll on. It replaces what an
// earlier call has set for the name: a field that is 0 is the registry's again. OpenAll fails if the name is not
// registered when it begins. It may be called before the resource is registered.
func (r *Registry) SetTimeouts(name string, t Timeouts) {
	defer r.edit()()
	r.timeouts[name] = t
}

// Names returns the names of the registered resources, in the order in which OpenAll would open them now. Those of a
// stage are in the order in which SetStages names them. The slice is the caller's.
func (r *Registry) Names() (names []string) {
	for _, row := range r.current().rows {
		names = append(names, row.name)
	}
	return names
}

// Opened reports whether OpenAll has succeeded and CloseAll has not been called since. It stays true when a later
// OpenAll fails, which opens nothing and closes nothing of what was open: a report then fails for what that one was to
// open.
func (r *Registry) Opened() bool { return r.opened.Load() }

// Drain marks the program as about to stop, for readiness probes to see: whoever sends requests stops doing so before
// the program refuses them. Nothing else changes: clients work and checks run until CloseAll. An OpenAll that begins
// later ends it; one that is under way does not.
func (r *Registry) Drain() { r.draining.Store(true) }

// Draining reports whether Drain was called since the last OpenAll began.
func (r *Registry) Draining() bool { return r.draining.Load() }

// view is the registrations in the order of opening. It is never changed: whoever has loaded it may read it without a
// lock, and a setter has the next caller make another. So a CheckAll looks nothing up and sorts nothing.
type view struct {
	stages [][]row
	rows   []row // of all stages
	byName map[string]row
}

// row is an entry and whether SetOptional names it.
type row struct {
	*entry
	optional bool
}

// current returns the view that the setters have made, and makes it after a change. It may be kept for as long as
// the caller works with it: whatever is registered meanwhile is none of its business.
func (r *Registry) current() *view {
	if v := r.view.Load(); v != nil {
		return v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	stages := slices.Clone(r.stages)
	for _, e := range r.entries { // each a stage of its own, unless it is in one already
		stages = append(stages, []string{e.name})
	}
	v := &view{byName: make(map[string]row, len(r.entries))}
	for _, names := range stages {
		first := len(v.rows)
		for _, name := range names {
			if _, there := v.byName[name]; !there && r.byName[name] != nil {
				v.byName[name] = row{r.byName[name], r.optional[name]}
				v.rows = append(v.rows, v.byName[name])
			}
		}
		if len(v.rows) > first {
			v.stages = append(v.stages, v.rows[first:len(v.rows):len(v.rows)])
		}
	}
	r.view.Store(v)
	return v
}

// find returns the entry of that name, or nil. It takes no lock, unless a setter was called since the last time.
func (r *Registry) find(name string) *entry { return r.current().byName[name].entry }

// wrongNames returns an error for each name that a setter was given in vain or twice. The setters themselves cannot
// know: they may run before the init of a backend that registers itself.
func (r *Registry) wrongNames() (errs []*Error) {
	r.mu.Lock()
	named := map[string][]string{
		"SetOptional": slices.Collect(maps.Keys(r.optional)),
		"SetTimeouts": slices.Collect(maps.Keys(r.timeouts)),
		"the order":   slices.Concat(r.stages...),
	}
	r.mu.Unlock()
	for by, names := range named {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				errs = append(errs, &Error{OpOpen, name, KindConfig, fmt.Errorf("%s names it more than once", by)})
			} else if r.find(name) == nil {
				errs = append(errs, r.notRegistered(OpOpen, name, by+" names a resource that is "))
			}
		}
	}
	slices.SortFunc(errs, func(a, b *Error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

// notRegistered is the error for a name that is not registered; it lists those that are, and asks for the import, which
// is what is missing when nothing is misspelt.
func (r *Registry) notRegistered(op Op, name, subject string) *Error {
	known := cmp.Or(strings.Join(r.Names(), ", "), "nothing")
	err := fmt.Errorf("%s%w (registered: %s; forgotten import?)", subject, ErrNotRegistered, known)
	return &Error{Op: op, Name: name, Kind: KindConfig, Err: err}
}

// readSettings makes the exported fields and what SetTimeouts was given take effect. It is the only reader of the
// fields, so that a program knows when it may change them.
func (r *Registry) readSettings() {
	own := Timeouts{r.OpenTimeout, r.CheckTimeout, r.CloseTimeout}.or(defaults.Timeouts)
	r.settings.Store(&settings{own, max(r.Every, 0), r.Logger})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		limits := r.timeouts[e.name].or(Timeouts{Open: own.Open, Check: own.Check})
		if r.optional[e.name] {
			limits.Open = min(limits.Open, optionalTimeout)
		}
		e.limits.Store(&limits)
	}
}

// applied returns the settings that are in effect.
func (r *Registry) applied() *settings { return cmp.Or(r.settings.Load(), &defaults) }

// validName matches [a-z][a-z0-9]*(-[a-z0-9]+)*. Such a name can be a prefix of environment variables, a value of a
// label, a key in JSON, and a part of a path without any quoting. It is matched by hand, to spare every program the
// package regexp.
func validName(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		!strings.Contains("-"+name+"-", "--") && name[0] >= 'a'
}

// callSite returns the file and line of the nearest caller outside this package, for panics that somebody has to find
// the cause of among init functions.
func callSite() string { return guard.Outside("github.com/vibework/mooring/registry.") }
