package contender

import (
	"context"
	"time"

	alex "github.com/alexliesenfeld/health"
)

func alexOneTimeout() Contender {
	c := ofAlex(Alex, 0, uncached)
	c.Note = "alexliesenfeld/health without its cache and with one timeout for all, its best setting"
	return c
}

func alexPerCheck() Contender {
	c := ofAlex("alexliesenfeld/health, timeout per check", 1, uncached)
	c.Note = "the same with a timeout for each check"
	return c
}

func alexCached() Contender {
	c := ofAlex(AlexCached, 0, func() []alex.CheckerOption { return nil })
	c.Note, c.Stale = "as it comes: a check is not repeated for 1 s", true
	return c
}

// uncached also leaves out what only periodic checks need: starting, which runs all checks on its own account.
func uncached() []alex.CheckerOption {
	return []alex.CheckerOption{alex.WithDisabledCache(), alex.WithDisabledAutostart()}
}

// ofAlex gives each check perCheck times the timeout as its own; 0 leaves it to the one for all.
func ofAlex(name string, perCheck time.Duration, options func() []alex.CheckerOption) Contender {
	return Contender{
		Name: name, Enforces: true,
		New: func(checks []Check, timeout time.Duration) Instance {
			options := append(options(), alex.WithTimeout(timeout))
			for i, f := range checks {
				options = append(options, alex.WithCheck(alex.Check{Name: label(i), Timeout: perCheck * timeout, Check: f}))
			}
			checker := alex.NewChecker(options...)
			return Instance{
				CheckAll: func(ctx context.Context) (failed int) {
					for _, result := range checker.Check(ctx).Details {
						if result.Status != alex.StatusUp {
							failed++
						}
					}
					return failed
				},
				Handler: alex.NewHandler(checker),
				Close:   nothing, // Stop ends periodic checks, of which there are none
			}
		},
	}
}
