package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vibework/mooring/registry"
)

func TestTheFatesOfMessagesAreJudged(t *testing.T) {
	notOpen := fmt.Errorf("pubsub: %w: it was closed", registry.ErrNotOpen)
	confirmed, cut := fate{ready: true}, fate{ready: true, err: errors.New("it may be lost")}
	refused, dropped := fate{ready: true, atOnce: true, err: notOpen}, fate{ready: true, err: notOpen}
	counting := func(n int) error {
		return fmt.Errorf("close pubsub: timeout: %d messages were not confirmed and may be lost", n)
	}
	for name, test := range map[string]struct {
		fates    []fate
		err      error // of CloseAll
		received []int
		want     string // what the problem says; "" is none
	}{
		"all is well":             {[]fate{confirmed, cut, refused}, counting(1), []int{0}, ""},
		"what was cut came":       {[]fate{confirmed, cut, refused}, counting(1), []int{0, 1}, ""},
		"nothing to count":        {[]fate{confirmed, refused}, nil, []int{0}, ""},
		"one lost":                {[]fate{confirmed, confirmed}, nil, []int{1}, "1 messages were confirmed and never received"},
		"one dropped":             {[]fate{confirmed, dropped}, nil, []int{0}, "1 messages were taken, and then said to be refused"},
		"one without a result":    {[]fate{confirmed, {}}, nil, []int{0}, "1 messages have no result"},
		"one counted double":      {[]fate{confirmed, cut}, counting(2), []int{0}, "CloseAll counts 2, and 1 results"},
		"one not counted":         {[]fate{confirmed, cut}, nil, []int{0}, "CloseAll counts 0, and 1 results"},
		"an error without number": {[]fate{confirmed}, errors.New("hung"), []int{0}, "CloseAll counts -1, and 0 results"},
		"one refused and sent":    {[]fate{confirmed, refused}, nil, []int{0, 1}, "1 messages were refused and received"},
		"one that nobody sent":    {[]fate{confirmed}, nil, []int{0, 7}, "1 messages were received that are not confirmed"},
	} {
		c, received := new(claim), make(map[int]bool)
		for _, n := range test.received {
			received[n] = true
		}
		l := c.tally(test.fates)
		c.account(l, test.err)
		c.compare(l, received)
		wantProblem(t, name, c.problems, test.want)
	}
}

func TestARollBackIsJudged(t *testing.T) {
	want := []string{"mysql", "mongo"}
	for name, test := range map[string]struct {
		events []registry.Event
		want   string
	}{
		"all opened and closed": {events("open mysql", "open mongo", "close mongo", "close mysql"), ""},
		"one never opened":      {events("open mysql", "close mysql"), "want"},
		"one stays open":        {events("open mysql", "open mongo", "close mysql"), "want"},
		"in the wrong order":    {events("open mysql", "open mongo", "close mysql", "close mongo"), "want"},
		"an attempt failed": {
			append(events("open mysql", "open mongo"), registry.Event{Op: registry.OpOpen, Err: errors.New("no")}),
			"want",
		},
	} {
		c, d := new(claim), new(diary)
		for _, e := range test.events {
			d.note(e)
		}
		c.rolledBack(d, want)
		wantProblem(t, name, c.problems, test.want)
	}
}

func events(lines ...string) (all []registry.Event) {
	for _, line := range lines {
		var e registry.Event
		_, _ = fmt.Sscan(line, &e.Op, &e.Name)
		all = append(all, e)
	}
	return all
}

func TestEachOfAllHasToBeCut(t *testing.T) {
	err := errors.New("close b: timeout: 1 connections were cut; close a: timeout: 1 connections were cut")
	for name, test := range map[string]struct {
		names []string
		want  string
	}{"both": {[]string{"a", "b"}, ""}, "another": {[]string{"a", "c"}, "want a time-out of c"}} {
		c := new(claim)
		c.cutAll(err, test.names)
		wantProblem(t, name, c.problems, test.want)
	}
}

func TestAllConnectionsOfRedisCountButTheOneThatAsks(t *testing.T) {
	list := "id=7 addr=127.0.0.1:1 user=app \nid=71 addr=127.0.0.1:2 user=default \nid=8 addr=127.0.0.1:3 user=(superuser) \n"
	if n := othersIn(list, 7); n != 2 {
		t.Errorf("got %d", n)
	}
}

func TestAMistypedFilterIsAnErrorWithTheNames(t *testing.T) {
	for args, want := range map[[2]string]string{
		{"-fault", "typo"}:  `-fault "typo" is in none of ["refused" `,
		{"-only", "typo"}:   `-only "typo" is none of mysql, mongo, redis, pubsub`,
		{"-only", "my"}:     `-only "my" is none of mysql, mongo, redis, pubsub`,
		{"redis", "-quick"}: `"redis" is not a flag`,
	} {
		err := run(t.Context(), args[:])
		if err == nil {
			t.Errorf("%q passes", args)
			continue
		}
		wantProblem(t, args[1], []string{err.Error()}, want)
	}
	if _, err := (request{quick: true, fault: killedLong}).faults(); err == nil {
		t.Error("-quick leaves nothing to measure, and passes")
	}
	all, err := request{}.faults()
	if err != nil || len(all) != len(faults()) {
		t.Errorf("without a filter: %d faults, %v", len(all), err)
	}
}
