package contender

import (
	"context"
	"time"
)

// Part is a component that is opened and closed.
type Part struct{ Open, Close func(context.Context) error }

// Lifecycle is one way of opening parts in order and closing them in reverse.
type Lifecycle struct {
	Name string
	Note string
	Once bool // what is built can be opened and closed only once

	// New builds it for these parts. A limit is what it enforces of each step, or of all steps together.
	New func(parts []Part, limit time.Duration) Cycle
}

// Cycle opens and closes what a Lifecycle has built.
type Cycle struct{ Open, Close func(context.Context) error }

// Names of the lifecycles that others are compared with.
const (
	Loop         = "loop by hand"
	LoopEnforced = "loop by hand, deadlines"
	Fx           = "uber-go/fx"
	Do           = "samber/do"
)

// Lifecycles returns every contender that opens and closes.
func Lifecycles() []Lifecycle {
	return []Lifecycle{mooringLifecycle(), loop(), loopEnforced(), fxLifecycle(), doLifecycle()}
}

// part is a Part as a resource of Mooring.
type part struct {
	resource
	Part
}

func (p *part) Open(ctx context.Context) error  { return p.Part.Open(ctx) }
func (p *part) Close(ctx context.Context) error { return p.Part.Close(ctx) }

func mooringLifecycle() Lifecycle {
	return Lifecycle{
		Name: Mooring, Note: "every step has a deadline that holds, and is told to the log, which drops it",
		New: func(parts []Part, limit time.Duration) Cycle {
			r := Quiet()
			r.OpenTimeout, r.CloseTimeout = limit, limit
			for i, p := range parts {
				r.Register(&part{resource{name: label(i)}, p})
			}
			return Cycle{r.OpenAll, r.CloseAll}
		},
	}
}
