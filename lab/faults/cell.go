package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// A cell is what one operation did in one fault.
type cell struct {
	verdict
	backend, fault string
	op             registry.Op

	got             registry.Kind
	left            stock         // in the end
	lingered        time.Duration // how long there was more
	healed, healMax time.Duration
}

// String is the line for a cell that failed.
func (c *cell) String() string {
	return fmt.Sprintf("%s, %s, %s: %s", c.backend, c.fault, c.op, strings.Join(c.problems, "; "))
}

// judge notes how the operation went, of which the kind has to be want.
func (c *cell) judge(o outcome, deadline time.Duration, want registry.Kind) {
	c.got = o.kind()
	c.kind(o.err, want)
	c.time(o, deadline+lateness)
}

func (c *cell) wantText(err error, want string) {
	if err != nil && !strings.Contains(err.Error(), want) {
		c.fail("want %q in the text, got %v", want, err)
	}
}

// leave notes what is left, which may be no more than there was before.
func (c *cell) leave(left stock, where search, took time.Duration) {
	c.left, c.lingered = left, max(c.lingered, took)
	c.surplus(left, where)
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
