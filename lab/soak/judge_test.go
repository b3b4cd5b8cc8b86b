package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// exemplary is a life that keeps every promise, but only just.
func exemplary() *record {
	const lateness = 40 * time.Millisecond
	return &record{
		duration: 90 * time.Second,
		open:     sample{goroutines: 100, sockets: 80, heap: 7 << 20},
		closed:   sample{goroutines: 8, sockets: 4, heap: 5 << 20},
		slowest:  checkTimeout + 2*lateness,
		lateness: lateness,
		tallies: []tally{
			{
				name: "one", faults: 9, checks: 100, pass: 1, fail: 9, succeeded: 1, failed: 9,
				rosy: checkTimeout + 2*lateness, recovery: wellAgain + 2*lateness,
				healedCheck: wellAgain + 2*lateness, healed: wellAgain + 2*lateness,
			},
			{name: "other", faults: 30, checks: 100, pass: 50, fail: 50, succeeded: 50, failed: 50},
		},
	}
}

func TestAnExemplaryRecordBreaksNoPromise(t *testing.T) {
	second := exemplary()
	second.closed.goroutines += moreGoroutines
	second.closed.heap += moreHeap
	second.open.goroutines += 5 * moreConnections
	second.open.sockets += 2 * moreConnections
	second.open.heap += moreHeap
	if broken := judge(exemplary(), second); len(broken) > 0 {
		t.Errorf("broken: %q", broken)
	}
}

func TestEveryPromiseCanBeBroken(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*record)
		want  string
	}{
		"a check started twice":    {func(r *record) { r.tallies[1].twice = 1 }, "other: checks while another one ran"},
		"rosy too long":            {func(r *record) { r.tallies[0].rosy++ }, "one: healthy for so long after"},
		"recovery too long":        {func(r *record) { r.tallies[0].recovery++ }, "one: unhealthy for so long after"},
		"a slow CheckAll":          {func(r *record) { r.slowest++ }, "the longest CheckAll"},
		"a report that stays red":  {func(r *record) { r.tallies[1].healedCheck = never }, "other: until the report"},
		"a client that is lost":    {func(r *record) { r.tallies[1].healed = never }, "other: until the client worked"},
		"a client that is slow":    {func(r *record) { r.tallies[0].healed++ }, "one: until the client worked"},
		"nothing ever healthy":     {func(r *record) { r.tallies[0].pass = 0 }, "one: healthy reports"},
		"no work done":             {func(r *record) { r.tallies[0].succeeded = 0 }, "one: work that was done"},
		"no fault":                 {func(r *record) { r.tallies[1].faults = 0 }, "other: faults"},
		"too few faults":           {func(r *record) { r.tallies[0].faults-- }, "one: faults"},
		"no report saw a fault":    {func(r *record) { r.tallies[1].fail = 0 }, "other: unhealthy reports"},
		"no client felt a fault":   {func(r *record) { r.tallies[1].failed = 0 }, "other: work that failed"},
		"an error of CloseAll":     {func(r *record) { r.closeErr = errors.New("stuck") }, "CloseAll: stuck"},
		"no socket was found":      {func(r *record) { r.open.sockets = 0 }, "no socket is found"},
		"a goroutine left":         {func(r *record) { r.closed.goroutines += moreGoroutines + 1 }, "while closed"},
		"a socket left":            {func(r *record) { r.closed.sockets++ }, "sockets while closed"},
		"heap left":                {func(r *record) { r.closed.heap += moreHeap + 1 }, "bytes of heap while closed"},
		"many goroutines open":     {func(r *record) { r.open.goroutines += 5*moreConnections + 1 }, "goroutines while open"},
		"many sockets open":        {func(r *record) { r.open.sockets += 2*moreConnections + 1 }, "sockets while open"},
		"much heap while open":     {func(r *record) { r.open.heap += moreHeap + 1 }, "bytes of heap while open"},
		"no fault in a short life": {func(r *record) { r.duration, r.tallies[1].faults = shortest/4, 0 }, "other: faults"},
	} {
		t.Run(name, func(t *testing.T) {
			second := exemplary()
			c.spoil(second)
			broken := judge(exemplary(), second)
			if len(broken) != 1 || !strings.Contains(broken[0], c.want) {
				t.Errorf("broken: %q, want one with %q", broken, c.want)
			}
		})
	}
}

func TestTheFirstLifeIsJudgedToo(t *testing.T) {
	first := exemplary()
	first.tallies[0].twice = 1
	if broken := judge(first, exemplary()); len(broken) != 1 || !strings.HasPrefix(broken[0], "first life: one: checks") {
		t.Errorf("broken: %q", broken)
	}
}

func TestSocketsThatAreNotMeasuredAreNotClaimed(t *testing.T) {
	first, second := exemplary(), exemplary()
	for _, s := range []*sample{&first.open, &first.closed, &second.open, &second.closed} {
		s.sockets = notMeasured
	}
	if broken := judge(first, second); len(broken) > 0 {
		t.Errorf("broken: %q", broken)
	}
	var out strings.Builder
	table(&out, first, second)
	if n := strings.Count(out.String(), "not measured"); n != 4 {
		t.Errorf("%d rows say that the sockets were not measured, want 4:\n%s", n, &out)
	}
}

func TestTooShortASoakIsRefused(t *testing.T) {
	if _, err := soak(t.Context(), shortest-1, 1); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("got %v", err)
	}
}

// stuck is a resource whose checks wait for a signal.
type stuck struct {
	registry.Resource
	began, end chan struct{}
}

func (s stuck) Check(context.Context) error {
	s.began <- struct{}{}
	<-s.end
	return nil
}

func TestCountedNoticesACheckThatBeginsWhileAnotherOneRuns(t *testing.T) {
	s := stuck{began: make(chan struct{}), end: make(chan struct{})}
	c := &counted{Resource: s}
	ended := make(chan struct{})
	check := func() { _ = c.Check(t.Context()); ended <- struct{}{} }
	go check()
	<-s.began
	if n := c.twice.Load(); n != 0 {
		t.Errorf("twice is %d after one check", n)
	}
	go check()
	<-s.began
	close(s.end)
	<-ended
	<-ended
	if c.checks.Load() != 2 || c.twice.Load() != 1 {
		t.Errorf("%d checks, %d of them twice, want 2 and 1", c.checks.Load(), c.twice.Load())
	}
}
