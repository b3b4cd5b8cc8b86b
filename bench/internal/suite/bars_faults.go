package suite

import (
	"math"
	"slices"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/workload"
)

func (r *Results) hangBars() []Bar {
	i := slices.IndexFunc(r.Stuck, func(s workload.Stuck) bool { return s.Contender == contender.Mooring })
	if i < 0 {
		return nil
	}
	s := r.Stuck[i]
	millis := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	timeout := millis(r.HangTimeout)
	once := bounds{1, 1}
	later := atMost("B9", "ms of a later call (median)", bounds{timeout / 2, 1}, millis(s.Later))
	together := atMost("B9", "ms of the slowest of 64 concurrent callers", bounds{timeout + 5, 1}, millis(s.Concurrent))
	later.Gated, together.Gated = true, true
	return []Bar{
		atMost("B9", "a hung check: ms of the first call beyond the timeout", bounds{5, 1}, millis(s.First)-timeout),
		later,
		together,
		exactly("B10", "starts of the hung check in all calls", once, float64(s.Starts)),
		exactly("B10", "more goroutines after all calls", once, float64(s.Goroutines)),
		exactly("B10", "more goroutines after the check has returned", bounds{}, float64(s.Left)),
	}
}

func (r *Results) faultBars() []Bar {
	var bugs, uncontained, closings, unclosed float64
	for _, o := range r.Faults {
		if o.Contender != contender.Mooring {
			continue
		}
		if o.How == workload.Panic || o.How == workload.Goexit {
			bugs++
			if !o.Contained() {
				uncontained++
			}
		}
		if o.Where == workload.InClose {
			closings++
			if !o.ClosedTheOthers() {
				unclosed++
			}
		}
	}
	if bugs != 6 || closings != 4 {
		return nil
	}
	return []Bar{
		exactly("B11", "of 6 panics and Goexits in check, open, close: those that are not an error", bounds{}, uncontained),
		exactly("B13", "of 4 closings (well, hang, panic, Goexit): those that skip another, are out of order or late",
			bounds{}, unclosed),
	}
}

// outageBars are about the answer that took longest, of all faults. What a handler that checks nothing takes at most is
// the machine's. Both are milliseconds of one machine, and so no gate for another.
func (r *Results) outageBars() []Bar {
	slowest, beyond := math.NaN(), math.NaN()
	for i, fault := range r.Outages.Worst.Columns {
		took := r.Outages.Worst.Median(contender.MooringEvery, fault)
		more := max(0, took-r.Outages.Worst.Median(contender.Bare, fault))
		if i == 0 {
			slowest, beyond = took, more
		}
		slowest, beyond = max(slowest, took), max(beyond, more)
	}
	const what = "`/readyz` with `Every`: ms of the slowest answer, over all faults of a backend"
	return []Bar{
		atMost("B19", what, bounds{5, 2}, slowest).ungated().
			because("other work of the machine, which the bar below it leaves out"),
		atMost("B19", what+"; more than a handler that checks nothing", bounds{5, 2}, beyond).ungated(),
	}
}
