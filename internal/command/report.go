package command

import (
	"maps"
	"slices"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// skipped is the status of what was not examined.
const skipped registry.Status = "skip"

// report is what was found out about all instances.
type report struct {
	Status   registry.Status `json:"status"`
	Findings []finding       `json:"backends"`
}

// finding is what was found out about one instance.
type finding struct {
	Name     string          `json:"name"`
	Status   registry.Status `json:"status"`
	Read     []string        `json:"read,omitempty"`     // the variables that are set
	Misspelt []typo          `json:"misspelt,omitempty"` // and those that are in vain
	Steps    []step          `json:"steps,omitempty"`
	Pool     *pool           `json:"pool,omitempty"`
	Limit    *limit          `json:"server,omitempty"`
	Target   target          `json:"target,omitzero"`

	instance instance
	wanted   bool // to be examined
}

type typo struct {
	Variable string `json:"variable"`
	Meant    string `json:"meant"`
}

type step struct {
	Name   string          `json:"name"`
	Status registry.Status `json:"status"`
	Took   millis          `json:"durationMs"`
	Kind   registry.Kind   `json:"kind,omitempty"`
	Error  string          `json:"error,omitempty"`
	Advice string          `json:"advice,omitempty"`
}

// target is kit.Target for JSON.
type target struct {
	Addr     string `json:"addr"`
	Database string `json:"database,omitempty"`
	Project  string `json:"project,omitempty"`
	User     string `json:"user,omitempty"`
}

func targetOf(t kit.Target) target { return target{t.Addr(), t.Database, t.Project, t.User} }

// pool is registry.PoolStats for JSON.
type pool struct {
	Max       int    `json:"max"`
	Open      int    `json:"open"`
	InUse     int    `json:"inUse"`
	Idle      int    `json:"idle"`
	WaitCount int64  `json:"waitCount"`
	Waited    millis `json:"waitMs"`
}

func poolOf(p registry.PoolStats) *pool {
	return &pool{p.Max, p.Open, p.InUse, p.Idle, p.WaitCount, millisOf(p.WaitDuration)}
}

// millis is a duration in milliseconds.
type millis float64

func millisOf(d time.Duration) millis { return millis(d.Microseconds()) / 1000 }

// newReport returns a report of what is set, before anything is examined. What is wanted is what is named, and what
// a variable of its own configures or, misspelt, was meant to.
func newReport(instances []instance, environ []string, named bool, misspelt map[string]string) *report {
	rep := &report{Status: skipped}
	for _, i := range instances {
		f := finding{Name: i.name, Status: skipped, Read: i.read(environ), instance: i}
		for _, variable := range slices.Sorted(maps.Keys(misspelt)) {
			if i.reads(misspelt[variable]) {
				f.Misspelt = append(f.Misspelt, typo{variable, misspelt[variable]})
			}
		}
		f.wanted = named || len(f.Misspelt) > 0 || i.owned(environ)
		rep.Findings = append(rep.Findings, f)
	}
	return rep
}

var rank = map[registry.Status]int{skipped: 0, registry.Pass: 1, registry.Warn: 2, registry.Fail: 3}

// judge derives the status of the report.
func (r *report) judge() {
	r.Status = skipped
	for _, f := range r.Findings {
		if rank[f.Status] > rank[r.Status] {
			r.Status = f.Status
		}
	}
}

// exit returns the status to exit with.
func (r *report) exit() int {
	for _, f := range r.Findings {
		if f.Status == registry.Fail && f.last().Kind == registry.KindConfig {
			return statusWrong
		}
	}
	switch r.Status {
	case skipped:
		return statusWrong
	case registry.Fail:
		return statusUnwell
	default:
		return statusWell
	}
}

// last returns the last step that was taken.
func (f finding) last() step {
	if len(f.Steps) == 0 {
		return step{}
	}
	return f.Steps[len(f.Steps)-1]
}
