package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vibework/mooring/bench/internal/contender"
)

// Faults of a component, and where they can be.
const (
	Well   = "well"
	Panic  = "panic"
	Goexit = "Goexit"
	Hangs  = "hang"

	InCheck = "check"
	InOpen  = "open"
	InClose = "close"
)

// Outcome is what became of a process in which one of four components had a fault.
type Outcome struct {
	Contender, Where, How string

	Crashed  bool // the process is gone
	Returned bool // the call came back
	Reported bool // and told of the fault
	Took     time.Duration
	Closed   []int // the components that were closed, in this order, when the call came back
}

// Contained says whether the process lived and the call told of the fault.
func (o Outcome) Contained() bool { return !o.Crashed && o.Returned && o.Reported }

// ClosedTheOthers says whether each of the other components was closed, in reverse, by the time that the call
// came back; and the faulty one, too, if it was well.
func (o Outcome) ClosedTheOthers() bool {
	want := []int{3, 1, 0}
	if o.How == Well {
		want = []int{3, 2, 1, 0}
	}
	return o.Returned && o.Reported == (o.How != Well) && slices.Equal(o.Closed, want)
}

// the faulty component of the four
const faulty = 2

// limit is the deadline of the step or of all steps, and giveUp when a call counts as one that never returns.
const (
	limit  = 500 * time.Millisecond
	giveUp = 3 * limit
)

// child is the first argument of a process that is there to be broken.
const child = "-fault"

// Child breaks this process, and does not return, if that is what it was started for.
func Child() {
	if len(os.Args) != 5 || os.Args[1] != child {
		return
	}
	o := Outcome{Contender: os.Args[2], Where: os.Args[3], How: os.Args[4]}
	if o.Where == InCheck {
		o.check()
	} else {
		o.cycle()
	}
	_ = json.NewEncoder(os.Stdout).Encode(o)
	os.Exit(0)
}

// Fault has one component fail in a process of its own, for each of the contenders. Some processes run at a time: they
// mostly wait.
func Fault(ctx context.Context, contenders []contender.Contender, lifecycles []contender.Lifecycle) ([]Outcome, error) {
	var all []Outcome
	for _, c := range contenders {
		for _, how := range []string{Panic, Goexit} {
			all = append(all, Outcome{Contender: c.Name, Where: InCheck, How: how})
		}
	}
	for _, l := range lifecycles {
		for _, where := range []string{InOpen, InClose} {
			for _, how := range []string{Well, Hangs, Panic, Goexit} {
				all = append(all, Outcome{Contender: l.Name, Where: where, How: how})
			}
		}
	}
	var group errgroup.Group
	group.SetLimit(8)
	for i := range all {
		group.Go(func() error { return all[i].inChild(ctx) })
	}
	return all, group.Wait()
}

func (o *Outcome) inChild(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, child, o.Contender, o.Where, o.How)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case err == nil:
		err = json.Unmarshal(stdout.Bytes(), o)
	case bytes.Contains(stderr.Bytes(), []byte("goroutine ")):
		o.Crashed, err = true, nil
	}
	if err != nil {
		return fmt.Errorf("%s, %s in %s: %w\n%s", o.Contender, o.How, o.Where, err, stderr.Bytes())
	}
	return nil
}

// fail is what the faulty component does.
func (o *Outcome) fail() {
	switch o.How {
	case Panic:
		panic("a component has a bug")
	case Goexit:
		runtime.Goexit()
	case Hangs:
		select {}
	}
}

func (o *Outcome) check() {
	c := contender.Named(contender.Faults(), o.Contender)[0]
	checks := slices.Repeat([]contender.Check{NoOp}, 4)
	checks[faulty] = func(context.Context) error {
		o.fail()
		return nil
	}
	instance := c.New(checks, limit)
	if c.Stale {
		time.Sleep(3 * limit / 2)
	}
	o.call(func() bool { return instance.CheckAll(context.Background()) > 0 })
}

func (o *Outcome) cycle() {
	var mu sync.Mutex
	var closed []int
	parts := make([]contender.Part, 4)
	for i := range parts {
		step := func(where string, done func()) func(context.Context) error {
			return func(context.Context) error {
				if i == faulty && where == o.Where {
					o.fail()
				}
				mu.Lock()
				defer mu.Unlock()
				done()
				return nil
			}
		}
		parts[i] = contender.Part{
			Open:  step(InOpen, func() {}),
			Close: step(InClose, func() { closed = append(closed, i) }),
		}
	}
	i := slices.IndexFunc(contender.Lifecycles(), func(l contender.Lifecycle) bool { return l.Name == o.Contender })
	cycle := contender.Lifecycles()[i].New(parts, limit)
	open := func() bool { return cycle.Open(context.Background()) != nil }
	shut := func() bool { return cycle.Close(context.Background()) != nil }
	if o.Where == InOpen {
		o.call(open)
	} else {
		open()
		o.call(shut)
	}
	mu.Lock()
	defer mu.Unlock()
	o.Closed = slices.Clone(closed)
}

// call notes whether f returns, after how long, and what it says.
func (o *Outcome) call(f func() (reported bool)) {
	reported := make(chan bool, 1)
	start := time.Now()
	go func() { reported <- f() }()
	select {
	case o.Reported = <-reported:
		o.Returned, o.Took = true, time.Since(start)
	case <-time.After(giveUp):
	}
}
