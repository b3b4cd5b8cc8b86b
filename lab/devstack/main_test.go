package devstack_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/lab/devstack"
)

// patience bounds what takes milliseconds on an idle machine.
const patience = 30 * time.Second

// clientLeaks are goroutines of the Pub/Sub client, not of a server: importing it starts the first,
// and the second goes on for up to ten seconds after Receive has returned.
var clientLeaks = []goleak.Option{
	goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
	goleak.IgnoreAnyFunction(
		"cloud.google.com/go/pubsub/v2.(*messageIterator).streamKeepAliveHandler"),
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, clientLeaks...)
}

// start runs the named servers until the test ends.
func start(t *testing.T, servers ...string) *devstack.Stack {
	t.Helper()
	stack, err := devstack.Start(t.Context(), servers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Stop(); err != nil {
			t.Error(err)
		}
	})
	return stack
}

// variable returns the value that the stack's environment has for name.
func variable(t *testing.T, stack *devstack.Stack, name string) string {
	t.Helper()
	for _, v := range stack.Env() {
		if value, found := strings.CutPrefix(v, name+"="); found {
			return value
		}
	}
	t.Fatalf("%s is not in the environment of the stack", name)
	return ""
}

// playOutage stops the server, expects use to fail, starts it again and waits for use to succeed.
func playOutage(t *testing.T, stack *devstack.Stack, server string, use func(context.Context) error) {
	t.Helper()
	if err := use(t.Context()); err != nil {
		t.Fatalf("before the outage: %v", err)
	}
	if err := stack.StopServer(server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := use(ctx); err == nil {
		t.Fatalf("%s can be used although it is stopped", server)
	}
	if err := stack.StartServer(server); err != nil {
		t.Fatal(err)
	}
	eventually(t, use)
}

// eventually calls f until it succeeds.
func eventually(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Fatalf("still failing after %v: %v", patience, err)
		}
	}
}
