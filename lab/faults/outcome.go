package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// lateness is what a call may take beyond the deadline of its context.
const lateness = 100 * time.Millisecond

// loud is the noise in which a call that is too late is measured once more.
const loud = 20 * time.Millisecond

// outcome is how a call went.
type outcome struct {
	took  time.Duration
	err   error
	noise time.Duration // how late a plain timer was meanwhile
}

func (o outcome) kind() registry.Kind { return registry.KindOf(o.err) }

// verdict is what there is to say about something that was measured.
type verdict struct {
	took     time.Duration
	problems []string
	unsure   bool // it was late in a noise
	repeated bool // it was measured a second time
}

func (v *verdict) fail(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// again says that lateness is the only problem, and may be the machine's.
func (v *verdict) again() bool { return v.unsure && len(v.problems) == 1 && !v.repeated }

// time notes how long a call took, which may be bound and the noise.
func (v *verdict) time(o outcome, bound time.Duration) {
	v.took = max(v.took, o.took)
	if most := bound + o.noise; o.took > most {
		v.fail("want at most %v, got %v", most.Round(time.Millisecond), o.took.Round(time.Millisecond))
		v.unsure = o.noise >= loud
	}
}

// kind notes a call that did not end as it should have; "" is success.
func (v *verdict) kind(err error, want registry.Kind) {
	if got := registry.KindOf(err); got != want {
		v.fail("want %s, got %s: %v", orNil(want), orNil(got), err)
	}
}

// surplus notes what is left that was not there before.
func (v *verdict) surplus(left stock, where search) {
	if left.without(where.ignore...).exceeds(where.before.without(where.ignore...)) {
		v.fail("want no more left than %v, got %v: %s", where.before, left, strings.Join(left.stacks, "; "))
	}
}

func orNil(k registry.Kind) string {
	if k == "" {
		return "nil"
	}
	return string(k)
}
