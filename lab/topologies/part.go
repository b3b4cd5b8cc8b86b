package main

import (
	"context"
	"fmt"
	"time"
)

// part is a part of docs/topologies.md: a table, and what is above it.
type part struct {
	intro     func(context.Context) string
	scenarios []scenario
}

// scenario is something that happens to servers, and what is seen of it. What is broken is a promise of this module.
type scenario struct {
	title string
	short bool // CI runs it
	run   func(context.Context) (lines []line, broken, err error)
}

// line is something that was seen.
type line struct{ printed, written string }

func introduction() string {
	return fmt.Sprintf(`# Topologies

Written by `+"`make topologies`"+` on %s, which starts all servers itself. In each event all clients work at the same
time on the same servers: %d workers each, which write with a pause of %v and a context of %v for each operation.

"last error" is when the last operation failed, after the event; "promotion" is when the servers had another primary.
"longest" is the longest operation: what is more than %[4]v has outlived its context. "lost" are writes that were
acknowledged and are not there when all is well again, and "twice" those that are there more than once.

`, time.Now().UTC().Format(time.DateOnly), workers, rest, limit)
}
