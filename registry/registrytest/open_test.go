package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// The test of a program that uses its backends as they are.
func ExampleOpen() {
	testOrders := func(t *testing.T) { // TestOrders in a test file
		registrytest.Open(t, nil) // what is imported, configured by the environment
		// mysql.DB() and redis.Conn(ctx) are there until the test ends.
	}
	_ = testOrders // go test calls it
}

// tester is a test that may fail.
type tester struct {
	*testing.T
	failures []string
	cleanups []func()
}

func (t *tester) Cleanup(f func())  { t.cleanups = append(t.cleanups, f) }
func (t *tester) Error(args ...any) { t.failures = append(t.failures, fmt.Sprint(args...)) }
func (t *tester) Fatal(args ...any) { t.Error(args...); panic(t) }

// leaky leaves a goroutine behind, or says on Close what was lost.
type leaky struct {
	registry.Resource
	opening, closing error
	forget           bool
	end              chan struct{}
}

func (l *leaky) Open(context.Context) error {
	if l.forget {
		go func() { <-l.end }()
	}
	return l.opening
}

func (l *leaky) Close(context.Context) error { return l.closing }

func TestOpenFailsATestThatLeavesSomethingBehind(t *testing.T) {
	for want, res := range map[string]*leaky{
		"":                                {},
		"open mysql: auth: no":            {opening: registry.Classify(registry.KindAuth, errors.New("no"))},
		"2 connections":                   {closing: errors.New("2 connections were still in use")},
		"CloseAll has left goroutines: 1": {forget: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			res.Resource, res.end = registrytest.Fake("mysql"), make(chan struct{})
			defer close(res.end)
			r := registry.New()
			r.Logger = slog.New(slog.DiscardHandler)
			r.Register(res)
			test := &tester{T: t}
			func() {
				defer func() { _ = recover() }() // Fatal
				registrytest.Open(test, r)
			}()
			for _, cleanup := range test.cleanups {
				cleanup()
			}
			if got := strings.Join(test.failures, "; "); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("it fails with %q, want %q", got, want)
			}
			if r.Opened() {
				t.Error("it is open")
			}
		})
	}
}
