package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/registry"
)

// sent is a message that was handed to Publish.
type sent struct {
	result *driver.PublishResult
	atOnce bool // the result was there when Publish returned
}

// fate is what became of a message.
type fate struct {
	atOnce bool
	ready  bool // there is a result
	err    error
}

func fatesOf(sent []sent) []fate {
	fates := make([]fate, len(sent))
	for i, s := range sent {
		fates[i].atOnce, fates[i].ready = s.atOnce, ready(s.result)
		if fates[i].ready {
			_, fates[i].err = s.result.Get(context.Background())
		}
	}
	return fates
}

func ready(result *driver.PublishResult) bool {
	select {
	case <-result.Ready():
		return true
	default:
		return false
	}
}

// ledger has the messages, by their numbers, as their results have it.
type ledger struct {
	confirmed, refused map[int]bool
	cut                int
}

// tally sorts the messages, which all have to have a result. Only one that Publish did not take may be refused:
// what it took has to be confirmed or counted.
func (c *claim) tally(fates []fate) ledger {
	l := ledger{confirmed: make(map[int]bool), refused: make(map[int]bool)}
	pending, dropped := 0, 0
	for i, f := range fates {
		switch {
		case !f.ready:
			pending++
		case f.err == nil:
			l.confirmed[i] = true
		case !errors.Is(f.err, registry.ErrNotOpen):
			l.cut++
		case f.atOnce:
			l.refused[i] = true
		default:
			dropped++
		}
	}
	if pending > 0 {
		c.fail("%d messages have no result after CloseAll", pending)
	}
	if dropped > 0 {
		c.fail("%d messages were taken, and then said to be refused", dropped)
	}
	return l
}

var countInError = regexp.MustCompile(`(\d+) messages were not confirmed`)

// countedIn returns how many messages an error of CloseAll counts.
func countedIn(err error) int {
	if err == nil {
		return 0
	}
	found := countInError.FindStringSubmatch(err.Error())
	if found == nil {
		return -1
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// account compares with the error of CloseAll, which counts all that were cut off, and no other.
func (c *claim) account(l ledger, err error) {
	if counted := countedIn(err); counted != l.cut {
		c.fail("CloseAll counts %d, and %d results say that they were cut off: %v", counted, l.cut, err)
	}
}

// compare finds out whether what was received is what it should be.
func (c *claim) compare(l ledger, received map[int]bool) {
	lost, unwanted, doubtful := 0, 0, 0
	for n := range l.confirmed {
		if !received[n] {
			lost++
		}
	}
	for n := range received {
		switch {
		case l.refused[n]:
			unwanted++
		case !l.confirmed[n]:
			doubtful++
		}
	}
	if lost > 0 {
		c.fail("%d messages were confirmed and never received", lost)
	}
	if unwanted > 0 {
		c.fail("%d messages were refused and received all the same", unwanted)
	}
	if doubtful > l.cut {
		c.fail("%d messages were received that are not confirmed, but only %d were cut off", doubtful, l.cut)
	}
	c.seen = fmt.Sprintf("%d delivered, %d counted by CloseAll (%d of them delivered), %d refused",
		len(l.confirmed), l.cut, doubtful, len(l.refused))
}
