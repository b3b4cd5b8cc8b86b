package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

const header = "| programs | connections | pool | workers | opened | the first, half of them, the last after " +
	`| attempts | not opened | statements | failed |
|---|---|---|---|---|---|---|---|---|---|
`

// row says how a scene went.
func row(s scene, members []*member) string {
	var opened []time.Duration
	attempts, done := 0, 0
	refused, failed := make(map[registry.Kind]int), make(map[registry.Kind]int)
	for _, m := range members {
		attempts = max(attempts, m.Attempts)
		if m.Kind != "" {
			refused[m.Kind]++
			continue
		}
		opened = append(opened, m.Took)
		done += m.Done
		for kind, n := range m.Failed {
			failed[kind] += n
		}
	}
	slices.Sort(opened)
	when := "never"
	if n := len(opened); n > 0 {
		when = fmt.Sprintf("%.1f s, %.1f s, %.1f s", opened[0].Seconds(), opened[n/2].Seconds(), opened[n-1].Seconds())
	}
	pool := "default"
	if s.pool > 0 {
		pool = fmt.Sprint(s.pool)
	}
	return fmt.Sprintf("| %d | %d | %s | %d | %d | %s | up to %d | %s | %d | %s |\n",
		s.programs, s.connections, pool, s.workers, len(opened), when, attempts, counts(refused), done, counts(failed))
}

// counts is such as "3 exhausted".
func counts(of map[registry.Kind]int) string {
	var parts []string
	for kind, n := range of {
		parts = append(parts, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(parts)
	if parts == nil {
		return "0"
	}
	return strings.Join(parts, ", ")
}
