package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// failure is an error of that kind.
func failure(k registry.Kind) error { return registry.Classify(k, errors.New("it failed")) }

// stacks is the stock of n goroutines that are in f.
func stacks(n int, f string) (s stock) {
	for range n {
		s.stacks = append(s.stacks, f)
	}
	return s
}

func TestACellIsJudged(t *testing.T) {
	const deadline = 500 * time.Millisecond
	timeout := failure(registry.KindTimeout)
	judged := func(o outcome) func(*cell) {
		return func(c *cell) { c.judge(o, deadline, registry.KindTimeout) }
	}
	left := func(now, before stock) func(*cell) {
		return func(c *cell) { c.leave(now, search{before: before, ignore: []string{"look"}}, 0) }
	}
	for name, test := range map[string]struct {
		do   func(*cell)
		want string // what the problem says; "" is none
	}{
		"in time":                    {judged(outcome{took: 600 * time.Millisecond, err: timeout}), ""},
		"late":                       {judged(outcome{took: 601 * time.Millisecond, err: timeout}), "want at most 600ms"},
		"late as the machine":        {judged(outcome{640 * time.Millisecond, timeout, 40 * time.Millisecond}), ""},
		"later than the machine":     {judged(outcome{641 * time.Millisecond, timeout, 40 * time.Millisecond}), "want at most 640ms"},
		"another kind":               {judged(outcome{err: failure(registry.KindAuth)}), "want timeout, got auth"},
		"no error":                   {judged(outcome{}), "want timeout, got nil"},
		"the text says so":           {func(c *cell) { c.wantText(errors.New("TLS?"), "TLS") }, ""},
		"the text does not":          {func(c *cell) { c.wantText(timeout, "TLS") }, `want "TLS" in the text`},
		"nothing is left":            {left(stock{}, stock{}), ""},
		"a socket is left":           {left(stock{sockets: 1}, stock{}), "want no more left than nothing, got 1 socket"},
		"the pool is left":           {left(stock{sockets: 2}, stock{sockets: 2}), ""},
		"a socket more than a pool":  {left(stock{sockets: 3}, stock{sockets: 2}), "want no more left than 2 sockets, got 3 sockets"},
		"a goroutine is left":        {left(stacks(1, "f"), stock{}), "got 1 goroutine: f"},
		"a goroutine more":           {left(stacks(3, "f"), stacks(2, "f")), "want no more left than 2 goroutines, got 3 goroutines"},
		"one more that looks":        {left(stacks(3, "look"), stacks(2, "look")), ""},
		"one for one that looks":     {left(stacks(1, "f"), stacks(1, "look")), "got 1 goroutine: f"},
		"sockets cannot be counted":  {left(stock{sockets: -1}, stock{}), "want no more left than nothing"},
		"healthy in time":            {func(c *cell) { c.heal(time.Second, time.Second, nil) }, ""},
		"healthy late":               {func(c *cell) { c.heal(2*time.Second, time.Second, nil) }, "want healthy within 1s, got 2s"},
		"not healthy":                {func(c *cell) { c.heal(0, time.Second, timeout) }, "want healthy within 1s, got it failed"},
		"the outage ends in another": {func(c *cell) { judged(outcome{err: timeout})(c); judged(outcome{})(c) }, "got nil"},
	} {
		c := new(cell)
		test.do(c)
		wantProblem(t, name, c.problems, test.want)
	}
}

func wantProblem(t *testing.T, name string, problems []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(problems) > 0:
		t.Errorf("%s: want no problem, got %q", name, problems)
	case want != "" && (len(problems) != 1 || !strings.Contains(problems[0], want)):
		t.Errorf("%s: want one problem with %q, got %q", name, want, problems)
	}
}

func TestWhatWasLateIsMeasuredOnceMoreIfNoiseMayBeWhy(t *testing.T) {
	late := func(noise time.Duration) *verdict {
		v := new(verdict)
		v.time(outcome{took: time.Second, noise: noise}, time.Second/2)
		return v
	}
	for name, test := range map[string]struct {
		verdict *verdict
		want    bool
	}{
		"in silence": {late(loud - 1), false},
		"in a noise": {late(loud), true},
		"in time":    {new(verdict), false},
	} {
		if got := test.verdict.again(); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	other := late(loud)
	other.fail("a socket is left")
	if other.again() {
		t.Error("a second measure would hide another problem")
	}
	r, tries := new(results), 0
	err := r.try(allAtOnce, "always late", func(c *claim) error {
		tries++
		c.within(outcome{took: time.Second, noise: loud}, time.Second/2)
		return nil
	})
	if err != nil || tries != 2 || len(r.claims) != 1 || len(r.failures()) != 1 || r.repeated() != 1 {
		t.Errorf("%v, %d tries, claims %v, failures %v", err, tries, r.claims, r.failures())
	}
}

func TestNoiseIsWhatATimerWasLateByMeanwhile(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	n := &noise{due: at(0)}
	n.fire(at(30)) // due again at 35
	n.fire(at(35)) // and at 40
	for _, test := range []struct{ from, to, want int }{
		{0, 40, 30}, {20, 40, 10}, {31, 40, 0}, {31, 60, 20}, {0, 45, 30}, {50, 60, 10},
	} {
		if got := n.between(at(test.from), at(test.to)); got != time.Duration(test.want)*time.Millisecond {
			t.Errorf("from %d to %d: want %d ms, got %v", test.from, test.to, test.want, got)
		}
	}
}

// What a call leaves behind is found.
func TestGoroutinesAndSocketsAreFound(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := newSubject(nil, listen(t.Context()))
	release := make(chan struct{})
	pprof.Do(t.Context(), pprof.Labels(markKey, s.mark), func(context.Context) {
		for range 2 {
			go func() { <-release }()
		}
	})
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	where := search{addr: server.Addr().String()}
	left, _ := s.leftovers(t.Context(), where)
	if left.sockets != 1 || len(left.stacks) != 2 {
		t.Errorf("got %v", left)
	}
	if now := s.settled(t.Context(), where.addr); now.exceeds(left) || left.exceeds(now) {
		t.Errorf("settled with %v", now)
	}
	where.before = left
	if _, took := s.leftovers(t.Context(), where); took > settle {
		t.Errorf("what was there before was waited for: %v", took)
	}
	conn.Close()
	close(release)
	if left, _ = s.leftovers(t.Context(), search{addr: where.addr}); left.exceeds(stock{}) {
		t.Errorf("in the end: %v", left)
	}
}

func TestACallThatNeverReturnsIsAProblem(t *testing.T) {
	const deadline = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newSubject(nil, listen(ctx))
	l := &load{calls: []call{func(ctx context.Context) error { <-ctx.Done(); return nil }}}
	l.start(t.Context(), s, true)
	if !l.hangs() {
		t.Error("a call that waits does not hang")
	}
	v := new(verdict)
	v.finish(t.Context(), l, s, nil)
	wantProblem(t, "a call outlives Close", v.problems, "got 1 goroutine")
	quick := &load{calls: []call{func(context.Context) error { return fmt.Errorf("cut") }}}
	quick.start(t.Context(), s, true)
	if quick.hangs() {
		t.Error("calls that fail at once are in flight")
	}
	v = new(verdict)
	v.finish(t.Context(), quick, s, nil)
	wantProblem(t, "all calls have ended", v.problems, "")
	o := s.within(t.Context(), deadline, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if o.err == nil || o.took < deadline {
		t.Errorf("got %v after %v", o.err, o.took)
	}
}
