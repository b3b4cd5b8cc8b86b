package status

import (
	"log/slog"
	"slices"
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
	Status    registry.Status
	Word      string
	Checked   string   // when
	About     []string // what the resource says of itself, such as its address, and the role that it wants
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
	report := p.registry.Last()
	for _, result := range report.Results {
		r := p.row(result, now)
		v.Rows = append(v.Rows, r)
		v.Embedded = v.Embedded || r.Mode != ""
	}
	v.Status, v.Verdict, v.Readyz = p.verdict(report)
	return v
}

// verdict is what /readyz says.
func (p *Page) verdict(report registry.Report) (status registry.Status, text string, code int) {
	switch {
	case !p.registry.Opened() && p.registry.Draining():
		return registry.Fail, "Closing", 503
	case p.registry.Draining():
		return registry.Fail, "Draining", 503
	case !p.registry.Opened():
		return registry.Warn, "Starting", 503
	}
	if p.Ready != nil {
		report.Results = slices.DeleteFunc(report.Results, func(result registry.Result) bool {
			return !slices.Contains(p.Ready, result.Name)
		})
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

func (p *Page) row(result registry.Result, now time.Time) row {
	name := result.Name
	track := p.history.of(name)
	r := row{
		Name: name, Optional: result.Optional, Status: result.Status(), Word: word(result), About: p.about(name),
		Bars: spark(track.checks), Pool: p.pool(name), Mode: p.Servers.Mode(name),
	}
	if !result.CheckedAt.IsZero() {
		r.Checked = fine(now.Sub(result.CheckedAt))
	}
	if n := len(track.checks); n > 0 {
		r.Latency = latency(track.checks[n-1].duration)
	}
	if !track.lastError.IsZero() {
		r.LastError, r.Ago = string(track.lastKind), ago(now.Sub(track.lastError))
	}
	return r
}

// about is what the records of the log say of the resource: where it is, and no user, let alone a password.
func (p *Page) about(name string) (parts []string) {
	if res, err := registry.GetFrom[slog.LogValuer](p.registry, name); err == nil {
		for _, attr := range res.LogValue().Resolve().Group() {
			parts = append(parts, attr.Key+" "+attr.Value.String())
		}
	}
	if role := p.Roles[name]; role != "" {
		parts = append(parts, "role "+role)
	}
	return parts
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

// fine is to the second, for what should never be old.
func fine(d time.Duration) string { return strconv.Itoa(int(d/time.Second)) + " s ago" }

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
