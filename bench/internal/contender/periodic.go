package contender

import (
	"context"
	"io"
	"net/http"
	"time"

	alex "github.com/alexliesenfeld/health"

	"github.com/vibework/mooring/registry/health"
)

// Names of the rows that check in the background.
const (
	MooringEvery = "**Mooring**, `Every`"
	AlexPeriodic = "alexliesenfeld/health, periodic checks"
	Bare         = "a handler that checks nothing"
)

// Period is how often they check.
const Period = 100 * time.Millisecond

// Periodic returns those that check in the background, so that no request waits for a check, and a handler that says
// ok to everybody: nothing answers faster.
func Periodic() []Contender { return []Contender{mooringEvery(), alexPeriodic(), bare()} }

func mooringEvery() Contender {
	return Contender{Name: MooringEvery, Stale: true, New: func(checks []Check, timeout time.Duration) Instance {
		r := Quiet()
		r.CheckTimeout, r.Every = timeout, Period
		for i, check := range checks {
			r.Register(&resource{label(i), check})
		}
		succeed(r.OpenAll(context.Background()))
		return Instance{
			Handler: health.Handler(r, health.Options{}),
			Close:   func() { _ = r.CloseAll(context.Background()) },
		}
	}}
}

func alexPeriodic() Contender {
	return Contender{Name: AlexPeriodic, Stale: true, New: func(checks []Check, timeout time.Duration) Instance {
		options := []alex.CheckerOption{alex.WithTimeout(timeout)}
		for i, f := range checks {
			check := alex.Check{Name: label(i), Timeout: timeout, Check: f}
			options = append(options, alex.WithPeriodicCheck(Period, 0, check))
		}
		checker := alex.NewChecker(options...)
		return Instance{Handler: alex.NewHandler(checker), Close: checker.Stop}
	}}
}

func bare() Contender {
	return Contender{Name: Bare, New: func([]Check, time.Duration) Instance {
		return Instance{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
			Close:   nothing,
		}
	}}
}
