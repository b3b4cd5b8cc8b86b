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

// fates are what became of the messages, by their numbers, as their results have it.
type fates struct {
	confirmed, refused map[int]bool
	cut                int
}

// tally asks the results, which all have to have come.
func tally(c *claim, results []*driver.PublishResult) fates {
	t := fates{confirmed: make(map[int]bool), refused: make(map[int]bool)}
	for i, result := range results {
		select {
		case <-result.Ready():
		default:
			c.fail("message %d has no result after CloseAll", i)
			return t
		}
		switch _, err := result.Get(context.Background()); {
		case err == nil:
			t.confirmed[i] = true
		case errors.Is(err, registry.ErrNotOpen):
			t.refused[i] = true
		default:
			t.cut++
		}
	}
	return t
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

// compare finds out whether what was received is what it should be.
func (c *claim) compare(t fates, received map[int]bool) {
	lost, unwanted, doubtful := 0, 0, 0
	for n := range t.confirmed {
		if !received[n] {
			lost++
		}
	}
	for n := range received {
		switch {
		case t.refused[n]:
			unwanted++
		case !t.confirmed[n]:
			doubtful++
		}
	}
	if lost > 0 {
		c.fail("%d messages were confirmed and never received", lost)
	}
	if unwanted > 0 {
		c.fail("%d messages were refused and received all the same", unwanted)
	}
	if sum := len(t.confirmed) + len(t.refused) + t.cut; sum != soakMessages {
		c.fail("%d messages were published, and %d accounted for", soakMessages, sum)
	}
	c.seen = fmt.Sprintf("%d delivered, %d counted by CloseAll (%d of them delivered), %d refused",
		len(t.confirmed), t.cut, doubtful, len(t.refused))
}
