package registry

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Status is how well a resource, or all of them together, can serve. It is the program's question, whether to send it
// requests, and not that of whoever has to mend something: that is the Kind.
type Status string

// The statuses, in the words of the health+json draft.
const (
	Pass Status = "pass" // all is well
	Warn Status = "warn" // only optional resources are unwell, or some are degraded: the program can serve
	Fail Status = "fail" // a required resource cannot serve
)

// What a report shows depends on who reads it. Code finds the errors in it; JSON and logs, which leave the program, get
// names, statuses, kinds and durations: the text of an error may name a host.

// Report is the results of checking several resources. In JSON and in a log record it shows names, statuses, kinds and
// durations, and never the text of an error.
type Report struct {
	Results []Result // in the order of opening
}

// Result is the outcome of checking one resource.
type Result struct {
	Name     string
	Optional bool // the program can run without it: see Registry.SetOptional

	// Err is nil, or an *Error. Its Kind may be KindDegraded: the resource serves all the same.
	Err error

	// Duration is from the start of the check to its end; a caller that joined it late waited less. Of a check that is
	// hung it is the time until now. It is the opening's if there was no check yet.
	Duration time.Duration

	// CheckedAt tells a fresh result from one that Last or CheckAll has kept. It is when the check ended, or when the
	// resource was opened if it was not checked since. It is zero when there is no answer: the resource is not open, or
	// the caller did not wait for it.
	CheckedAt time.Time
}

// Status is the worst of the results: Fail if a required resource cannot serve, Warn if only optional ones
// cannot or a required one is degraded, and Pass otherwise, also for no results.
func (rep Report) Status() Status {
	worst := Pass
	for _, result := range rep.Results {
		if status := result.Status(); status == Fail || worst == Pass {
			worst = status
		}
	}
	return worst
}

// OK reports whether the program can serve: the status is not Fail. It is what a readiness probe wants to know.
func (rep Report) OK() bool { return rep.Status() != Fail }

// Err returns nil, or one error with the *Error of every required resource that cannot serve. It is
// nil whenever OK is true: what is optional or degraded is in Results alone.
func (rep Report) Err() error {
	var errs []error
	for _, result := range rep.Results {
		if !result.OK() {
			errs = append(errs, result.Err)
		}
	}
	return join(errs)
}

// Status is Pass without an error. With one it is Warn for an optional resource, and that of the kind otherwise: Warn
// for KindDegraded, Fail for all others.
func (res Result) Status() Status {
	status := KindOf(res.Err).Status()
	if status == Fail && res.Optional {
		return Warn
	}
	return status
}

// OK reports whether the status is not Fail.
func (res Result) OK() bool { return res.Status() != Fail }

// MarshalJSON shows the status, and of each result what Result.MarshalJSON shows.
func (rep Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Status  Status   `json:"status"`
		Results []Result `json:"results"`
	}{rep.Status(), append([]Result{}, rep.Results...)})
}

// MarshalJSON shows name, status, kind (of a failure), duration, such as "1.5ms", and checked_at unless it is zero.
func (res Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name      string    `json:"name"`
		Status    Status    `json:"status"`
		Kind      Kind      `json:"kind,omitempty"`
		Duration  string    `json:"duration"`
		CheckedAt time.Time `json:"checked_at,omitzero"`
	}{res.Name, res.Status(), KindOf(res.Err), res.Duration.String(), res.CheckedAt})
}

// LogValue shows what MarshalJSON does, a group for each resource.
func (rep Report) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("status", string(rep.Status()))}
	for _, result := range rep.Results {
		attrs = append(attrs, slog.Attr{Key: result.Name, Value: result.LogValue()})
	}
	return slog.GroupValue(attrs...)
}

// LogValue shows what MarshalJSON does.
func (res Result) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("name", res.Name), slog.String("status", string(res.Status()))}
	if kind := KindOf(res.Err); kind != "" {
		attrs = append(attrs, slog.String("kind", string(kind)))
	}
	return slog.GroupValue(append(attrs, slog.Duration("duration", res.Duration))...)
}
