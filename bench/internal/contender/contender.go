// Package contender puts Mooring, the two floors, a hand-written errgroup and the libraries that it is compared
// with behind one interface. Each is used as its documentation says.
package contender

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Check is the check of one backend.
type Check func(context.Context) error

// Contender is one way of checking many backends.
type Contender struct {
	Name  string
	Note  string // what it is, or what it does instead of the work of the others
	Stale bool   // it answers from what it has stored, so that a call need not check anything

	// Enforces says that a call returns at the timeout also when a check ignores its context.
	Enforces bool

	// Limit is how many checks run at a time; 0 means all.
	Limit int

	// New sets it up for these checks, each with this timeout.
	New func(checks []Check, timeout time.Duration) Instance
}

// Instance is a contender that has been set up.
type Instance struct {
	CheckAll func(context.Context) (failed int) // runs every check; nil if it has only a Handler
	Handler  http.Handler                       // answers /readyz
	Close    func()
}

// Names of the rows that others are compared with.
const (
	Mooring      = "**Mooring**"
	FloorContext = "WaitGroup, a context per check"
	FloorShared  = "WaitGroup, one context"
	FloorBare    = "WaitGroup, no context"
	HealthGo     = "health-go"
	Alex         = "alexliesenfeld/health, one timeout"
	DoHealth     = "samber/do, one timeout"

	ErrgroupEnforced = "errgroup by hand, enforced"
	MooringCached    = "**Mooring**, 1 s cache (its default)"
	AlexCached       = "alexliesenfeld/health, 1 s cache (its default)"
)

// Fresh returns every contender that checks all backends when it is asked to.
func Fresh() []Contender {
	return []Contender{
		mooring(), floorContext(), floorShared(), floorBare(), errgroupNaive(), errgroupEnforced(),
		healthGo(), healthGoDefault(), alexOneTimeout(), alexPerCheck(), doOneTimeout(), doPerService(),
	}
}

// Calls returns Fresh and what go-sundheit can do instead.
func Calls() []Contender { return append(Fresh(), goSundheitAtRest()) }

// Faults returns Fresh and go-sundheit as it runs.
func Faults() []Contender { return append(Fresh(), goSundheit()) }

// Endpoints returns Faults and those that answer requests from a cache.
func Endpoints() []Contender { return append(Faults(), mooringCached(), alexCached()) }

// Named returns those of the contenders, in the order of the names.
func Named(from []Contender, names ...string) []Contender {
	var found []Contender
	for _, name := range names {
		for _, c := range from {
			if c.Name == name {
				found = append(found, c)
			}
		}
	}
	return found
}

// Names returns the names of the contenders.
func Names(of []Contender) []string {
	names := make([]string, len(of))
	for i, c := range of {
		names[i] = c.Name
	}
	return names
}

// label is the name that the ith check is registered under.
func label(i int) string { return fmt.Sprintf("backend-%05d", i) }

func labels(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = label(i)
	}
	return all
}

func failures(errs []error) (failed int) {
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	return failed
}

// must is for setting up: nothing in here fails for a reason that is worth handling.
func must[T any](v T, err error) T {
	succeed(err)
	return v
}

func succeed(err error) {
	if err != nil {
		panic(err)
	}
}

func nothing() {}
