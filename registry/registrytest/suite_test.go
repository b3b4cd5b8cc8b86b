package registrytest_test

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vibework/mooring/internal/tcptest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestAResourceThatKeepsTheContractPasses(t *testing.T) {
	registrytest.Run(t, targetOf(t, faultless))
}

func faultless(_ *testing.T, f *fake) registry.Resource { return f }

// targetOf makes a resource of every fake that the suite asks for.
func targetOf(t *testing.T, resource func(*testing.T, *fake) registry.Resource) registrytest.Target {
	t.Helper()
	server := tcptest.Start(t, speak)
	at := func(t *testing.T, addr string) registry.Resource { return resource(t, newFake(addr)) }
	return registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, server.Addr()) },
		At:     at,
		Addr:   server.Addr(),
		Secret: password,
	}
}

// lamp is a resource without a network.
type lamp struct {
	mu sync.Mutex
	on bool
}

func (*lamp) Name() string { return "lamp" }

func (l *lamp) Open(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.set(true)
	return nil
}

func (l *lamp) Check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on {
		return errors.Join(registry.ErrNotOpen, sameText("the lamp is off"))
	}
	return nil
}

// sameText is an error that knows others by their texts.
type sameText string

func (e sameText) Error() string        { return string(e) }
func (e sameText) Is(target error) bool { return target.Error() == string(e) }

func (l *lamp) Close(context.Context) error {
	l.set(false)
	return nil
}

func (l *lamp) set(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = on
}

func TestAResourceWithoutANetworkPasses(t *testing.T) {
	registrytest.Run(t, registrytest.Target{
		New: func(*testing.T) registry.Resource { return new(lamp) },
	})
}

// The suites run many at a time, for they mostly wait. One that starved gets a second look, alone.
func TestEveryFlawBreaksItsRuleAndNoOther(t *testing.T) {
	lookAtEvery(t, flaws, registrytest.Rules()...)
}

func TestEveryWayToShowTheSecretIsFound(t *testing.T) {
	writer := log.Writer()
	t.Cleanup(func() { log.SetOutput(writer) })
	log.SetOutput(io.Discard) // some flaws log
	lookAtEvery(t, secretFlaws, secretRule)
}

// lookAtEvery examines the rules on a resource with each flaw.
func lookAtEvery(t *testing.T, flaws []flaw, rules ...string) {
	t.Helper()
	targets := make([]registrytest.Target, len(flaws))
	complaints := make([][]string, len(flaws))
	turns := make(chan struct{}, 24)
	var running sync.WaitGroup
	for i, f := range flaws {
		targets[i] = targetOf(t, f.build)
		running.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			complaints[i] = f.complaints(registrytest.Verdicts(t, targets[i], rules...))
		})
	}
	running.Wait()
	for i, f := range flaws {
		t.Run(f.rule+": "+f.name, func(t *testing.T) {
			if complaints[i] == nil {
				return
			}
			t.Logf("at first: %s", strings.Join(complaints[i], "\n"))
			for _, complaint := range f.complaints(registrytest.Verdicts(t, targets[i], rules...)) {
				t.Error(complaint)
			}
		})
	}
}

func TestEveryRuleHasAFlaw(t *testing.T) {
	rules := registrytest.Rules()
	for _, f := range flaws {
		if !slices.Contains(rules, f.rule) {
			t.Errorf("no rule is called %q", f.rule)
		}
	}
	for _, rule := range rules {
		if !slices.ContainsFunc(flaws, func(f flaw) bool { return f.rule == rule }) {
			t.Errorf("no flaw breaks %q", rule)
		}
	}
}

func TestTheDocumentationListsEveryRule(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(doc)) {
		if item, found := strings.CutPrefix(line, "//   - "); found {
			listed = append(listed, strings.TrimSpace(item))
		}
	}
	if rules := registrytest.Rules(); !slices.Equal(listed, rules) {
		t.Errorf("doc.go lists\n%s\nand the rules are\n%s",
			strings.Join(listed, "\n"), strings.Join(rules, "\n"))
	}
}
