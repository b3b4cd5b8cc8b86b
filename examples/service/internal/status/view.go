package status

import (
	"strconv"
	"time"

	"github.com/vibework/mooring/examples/service/internal/embedded"
	"github.com/vibework/mooring/registry"
)

// view is what the template shows.
type view struct {
	Status   registry.Status
	Verdict  string // in a word or two
	Readyz   int    // what /readyz answers
	Rows     []row
	Embedded bool // there are buttons
	Keep     int
	Width    int
	High     int
}

type row struct {
	Name      string
	Optional  bool
	Status    registry.Status // or nothing before the first check
	Word      string
	Latency   string
	Bars      []bar
	Pool      *pool
	LastError string
	Ago       string
	Mode      embedded.Mode
}

// pool is a gauge.
type pool struct {
	InUse, Max int
	Percent    int
	Text       string
}

func (p *Page) view(now time.Time) view {
	v := view{Keep: keep, Width: keep * column, High: high}
	var report registry.Report
	if last := p.report.Load(); last != nil {
		report = *last
	}
	results := make(map[string]registry.Result)
	for _, result := range report.Results {
		results[result.Name] = result
	}
	for _, name := range p.registry.Names() {
		r := p.row(name, now)
		if result, ok := results[name]; ok {
			r.Optional, r.Status, r.Word = result.Optional, result.Status(), word(result)
		}
		v.Rows = append(v.Rows, r)
		v.Embedded = v.Embedded || r.Mode != ""
	}
	v.Status, v.Verdict, v.Readyz = p.verdict(report)
	return v
}

// verdict is what /readyz says, as of the last report.
func (p *Page) verdict(report registry.Report) (status registry.Status, text string, code int) {
	switch {
	case p.registry.Draining():
		return registry.Fail, "Draining", 503
	case !p.registry.Opened() || len(report.Results) == 0:
		return registry.Warn, "Starting", 503
	}
	switch status = report.Status(); status {
	case registry.Pass:
		return status, "Ready", 200
	case registry.Warn:
		return status, "Ready, with a warning", 200
	default:
		return status, "Not ready", 503
	}
}

func (p *Page) row(name string, now time.Time) row {
	track := p.history.of(name)
	r := row{
		Name: name, Word: "not checked", Bars: spark(track.checks), Pool: p.pool(name), Mode: p.servers.Mode(name),
	}
	if n := len(track.checks); n > 0 {
		r.Latency = latency(track.checks[n-1].duration)
	}
	if !track.lastError.IsZero() {
		r.LastError, r.Ago = string(track.lastKind), ago(now.Sub(track.lastError))
	}
	return r
}

// pool is nil for a resource without a pool.
func (p *Page) pool(name string) *pool {
	resource, err := registry.GetFrom[registry.Pooler](p.registry, name)
	if err != nil {
		return nil
	}
	stats := resource.PoolStats()
	gauge := &pool{InUse: stats.InUse, Max: stats.Max, Text: stats.String()}
	if stats.Max > 0 {
		gauge.Percent = min(100, 100*stats.InUse/stats.Max)
	}
	return gauge
}

func word(result registry.Result) string {
	if kind := registry.KindOf(result.Err); kind != "" {
		return string(kind)
	}
	return "healthy"
}

func latency(d time.Duration) string {
	if d < 10*time.Millisecond {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	}
	return d.Round(time.Millisecond).String()
}

// ago is coarse on purpose: a page that changes less is read more easily.
func ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d/(5*time.Second))*5) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	default:
		return strconv.Itoa(int(d/time.Hour)) + " h ago"
	}
}
