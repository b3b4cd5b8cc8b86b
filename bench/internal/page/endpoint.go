package page

import (
	"fmt"
	"math"

	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

// endpoint has W3.
func endpoint(r *suite.Results) section {
	return section{
		Tables: map[string]string{
			"Direct": served(r.Served, workload.Direct), "Pipe": served(r.Served, workload.Pipe),
		},
		Charts: map[string]string{"w3": chart.Bars("W3: 64 clients ask a health endpoint with 4 checks of 1 ms",
			"answers per second, handler called directly; checks for each answer", rates(r.Served))},
	}
}

func served(s *workload.Served, over string) string {
	m := newMarkdown("", "answers/s", "to the floor with contexts", "to health-go", "checks for each answer", "p50", "p99")
	for _, row := range s.Rate.Rows {
		m.row(row, count(s.Rate.Median(row, over)),
			ratio(s.Rate.Ratio(row, contender.FloorContext, over)), ratio(s.Rate.Ratio(row, contender.HealthGo, over)),
			fmt.Sprintf("%.3f", s.Checks.Median(row, over)),
			nanos(s.P50.Median(row, over)*1e6), nanos(s.P99.Median(row, over)*1e6))
	}
	return m.String()
}

func rates(s *workload.Served) []chart.Bar {
	var bars []chart.Bar
	for _, row := range s.Rate.Rows {
		rate := s.Rate.Median(row, workload.Direct)
		text := fmt.Sprintf("%s; %.2f", count(rate), s.Checks.Median(row, workload.Direct))
		bars = append(bars, chart.Bar{Label: plain(row), Value: rate, Text: text, Ours: isOurs(row)})
	}
	return bars
}

// stuck has W4.
func stuck(r *suite.Results) section {
	m := newMarkdown("", "first call", "later calls", "starts of the check", "goroutines more",
		"slowest of 64 callers", "goroutines left when the check has returned", "the last call says")
	var bars []chart.Bar
	for _, s := range r.Stuck {
		bar := chart.Bar{Label: plain(s.Contender), Ours: isOurs(s.Contender)}
		bar.Value, bar.Text = math.NaN(), "the first call never returns"
		if !s.Returns {
			m.row(s.Contender, "never returns", missing, missing, missing, missing, missing, missing)
		} else {
			says := "it failed"
			if !s.Reported {
				says = "**all is well**"
			}
			m.row(s.Contender, millis(s.First), millis(s.Later), count(float64(s.Starts)), count(float64(s.Goroutines)),
				millis(s.Concurrent), count(float64(s.Left)), says)
			bar.Value, bar.Text = float64(s.Starts), count(float64(s.Starts))
		}
		bars = append(bars, bar)
	}
	return section{
		Tables: map[string]string{"Stuck": m.String()},
		Charts: map[string]string{"w4": chart.Bars("W4: one of 4 checks hangs and ignores its context",
			"how often the hung check is started, and a goroutine lost, in 100 calls", bars)},
	}
}
