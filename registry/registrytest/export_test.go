package registrytest

import (
	"slices"
	"testing"
	"time"
)

// Rules returns the names of all rules, in the order of the contract.
func Rules() []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	return names
}

// Verdicts examines the named rules as Run does, on resources that Run would fail the test for, and returns how
// they are broken, by rule.
func Verdicts(t *testing.T, target Target, names ...string) map[string]error {
	impatient := limits{
		brief:  300 * time.Millisecond,
		slack:  2 * time.Second,
		long:   5 * time.Second,
		settle: 2 * time.Second,
		heal:   3 * time.Second,
		start:  5 * time.Second,
	}
	s := &suite{target, impatient, newJournal(target.Secret)}
	s.warmUp(t)
	verdicts := make(map[string]error)
	for _, r := range rules {
		if !r.needs.in(target) || !slices.Contains(names, r.name) {
			continue
		}
		if err := s.verdict(t, r); err != nil {
			verdicts[r.name] = err
		}
	}
	return verdicts
}
