package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// pause lies between two tries.
const pause = time.Second

// examine examines the instances and, for as long as wait, those again that are not well. It ends early when what
// is wrong with one of them is nothing that time mends.
func examine(
	ctx context.Context, all []instance, environ []string, wanted bool, wait time.Duration, p *progress,
) report {
	start := time.Now()
	rep := examineAll(ctx, all, environ, wanted)
	for rep.hopeful() {
		waited := time.Since(start)
		if waited >= wait {
			break
		}
		p.show(rep, waited, wait)
		select {
		case <-time.After(min(pause, wait-waited)):
		case <-ctx.Done():
			return rep
		}
		for n, f := range rep.Findings {
			if f.Status == registry.Fail {
				rep.Findings[n] = examineAll(ctx, all[n:n+1], environ, wanted).Findings[0]
			}
		}
		rep.judge()
	}
	p.clear()
	return rep
}

// hopeful says whether some are not well and time may mend all of these.
func (r report) hopeful() bool {
	return r.Status == registry.Fail && !slices.ContainsFunc(r.Findings, func(f finding) bool {
		return f.Status == registry.Fail && !f.last().Kind.Retryable()
	})
}

// progress is a line that says what is waited for: one that is written over on a terminal, and elsewhere a new
// one whenever there is something new to say.
type progress struct {
	w        io.Writer
	terminal bool
	last     string
}

func newProgress(w io.Writer) *progress { return &progress{w: w, terminal: isTerminal(w)} }

func (p *progress) show(rep report, waited, wait time.Duration) {
	var names []string
	for _, f := range rep.Findings {
		if f.Status == registry.Fail {
			names = append(names, fmt.Sprintf("%s (%s)", f.Name, f.last().Kind))
		}
	}
	line := "waiting for " + strings.Join(names, ", ")
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %v of %v", line, waited.Round(time.Second), wait)
	} else if line != p.last {
		fmt.Fprintf(p.w, "%s, at most %v\n", line, (wait - waited).Round(time.Second))
	}
	p.last = line
}

func (p *progress) clear() {
	if p.terminal && p.last != "" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
