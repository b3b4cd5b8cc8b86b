package registrytest_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/tcptest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// targetOf makes resources by way of the fake's constructor.
func targetOf(t *testing.T, build func(*testing.T, *fake) registry.Resource) registrytest.Target {
	server := tcptest.Start(t, speak)
	at := func(t *testing.T, addr string) registry.Resource { return build(t, newFake(addr)) }
	return registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, server.Addr()) },
		At:     at,
		Addr:   server.Addr(),
		Secret: password,
	}
}

func TestAResourceThatKeepsTheContractPasses(t *testing.T) {
	registrytest.Run(t, targetOf(t, func(_ *testing.T, f *fake) registry.Resource { return f }))
}

func TestEveryFlawBreaksItsRuleAndNoOther(t *testing.T) {
	verdicts := make([]map[string]error, len(flaws))
	var trials sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i, f := range flaws {
		target := targetOf(t, f.in)
		trials.Go(func() {
			turns <- struct{}{}
			start := time.Now()
			verdicts[i] = registrytest.Verdicts(t, target)
			t.Log(f.name, time.Since(start))
			<-turns
		})
	}
	trials.Wait()
	for i, f := range flaws {
		t.Run(f.rule+": "+f.name, func(t *testing.T) {
			if verdicts[i][f.rule] == nil {
				t.Error("the rule does not notice")
			}
			for rule, err := range verdicts[i] {
				if rule != f.rule {
					t.Errorf("broken, too: %s: %v", rule, err)
				}
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
