package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// pause lies between two rounds.
const pause = time.Second

// examine examines once or, if wait is not 0, for as long as that: again what is not well, until all is well, or
// until something is wrong that time does not mend.
func (r *report) examine(ctx context.Context, wait time.Duration, p *progress) {
	if wait == 0 {
		r.round(ctx)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	start := time.Now()
	defer p.clear()
	p.show(r, 0, wait)
	for r.round(ctx); r.hopeful() && ctx.Err() == nil; r.round(ctx) {
		p.show(r, time.Since(start), wait)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// hopeful reports whether some are not well and time may mend all of these.
func (r *report) hopeful() bool {
	return r.Status == registry.Fail && !slices.ContainsFunc(r.Findings, func(f finding) bool {
		return f.Status == registry.Fail && !f.last().Kind.Retryable()
	})
}

// progress is a line that says what is waited for: one that is written over on a terminal, and elsewhere a new
// one whenever there is something new to say.
type progress struct {
	screen
	last string
}

func (p *progress) show(r *report, waited, wait time.Duration) {
	var names []string
	for _, f := range r.Findings {
		switch {
		case f.Status == registry.Fail:
			names = append(names, fmt.Sprintf("%s (%s)", f.Name, f.last().Kind))
		case f.Status == skipped && f.wanted:
			names = append(names, f.Name)
		}
	}
	line := "waiting for " + strings.Join(names, ", ")
	if len(names) == 0 || line == p.last && !p.terminal {
		return
	}
	p.last = line
	line = fmt.Sprintf("%s: %v of %v", line, waited.Round(time.Second), wait)
	if p.terminal {
		fmt.Fprint(p, "\r\x1b[K"+line)
	} else {
		fmt.Fprintln(p, line)
	}
}

func (p *progress) clear() {
	if p.terminal && p.last != "" {
		fmt.Fprint(p, "\r\x1b[K")
	}
}
