package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// lateness is what a call may take beyond the deadline of its context. Slack is added for machines that have other
// things to do; it is as long as the machine was seen to be late meanwhile, but never less than this.
const (
	lateness = 100 * time.Millisecond
	slack    = 150 * time.Millisecond
)

// A cell is what one operation did in one fault.
type cell struct {
	backend, fault string
	op             registry.Op

	took, deadline  time.Duration
	kind            registry.Kind
	lingered        time.Duration // how long something was left, if nothing is
	healed, healMax time.Duration
	problems        []string
}

func (c *cell) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// String is the line for a cell that failed.
func (c *cell) String() string {
	return fmt.Sprintf("%s, %s, %s: %s", c.backend, c.fault, c.op, strings.Join(c.problems, "; "))
}

// judge notes how the operation went, of which the kind has to be want.
func (c *cell) judge(o outcome, deadline time.Duration, want registry.Kind) {
	c.took, c.deadline, c.kind = o.took, deadline, o.kind()
	if c.kind != want {
		c.fail("want %s, got %s: %v", orNil(want), orNil(c.kind), o.err)
	}
	if most := o.most(deadline); o.took > most {
		c.fail("want at most %v, got %v", most, o.took.Round(time.Millisecond))
	}
}

func (c *cell) wantText(err error, want string) {
	if err != nil && !strings.Contains(err.Error(), want) {
		c.fail("want %q in the text, got %v", want, err)
	}
}

func (c *cell) leave(left string, took time.Duration) {
	c.lingered = max(c.lingered, took)
	if left != "" {
		c.fail("want nothing left, got %s", left)
	}
}

func (c *cell) heal(took, most time.Duration, err error) {
	c.healed, c.healMax = max(c.healed, took), most
	switch {
	case err != nil:
		c.fail("want healthy within %v, got %v", most, err)
	case took > most:
		c.fail("want healthy within %v, got %v", most, took.Round(time.Millisecond))
	}
}

func orNil(k registry.Kind) string {
	if k == "" {
		return "nil"
	}
	return string(k)
}
