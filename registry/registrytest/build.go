package registrytest

import (
	"context"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// Goroutines that New and At start have a mark of their own, the trial's with one of these behind it: a server
// that has to outlive the rule may be among them.
const (
	byNew = "-New"
	byAt  = "-At"
)

// at returns a constructor that calls At.
func (s *trial) at(addr string) func(*testing.T) registry.Resource {
	return func(t *testing.T) registry.Resource { return s.At(t, addr) }
}

// build calls a constructor under the same watch as the methods of a resource. Instead of one that it does
// not get, it returns a resource that passes the breach on.
func (s *trial) build(
	name, mark string, limit time.Duration, construct func(*testing.T) registry.Resource,
) registry.Resource {
	ctx, cancel := context.WithTimeout(pprof.WithLabels(s.ctx, pprof.Labels(markKey, mark)), limit)
	defer cancel()
	built := make(chan registry.Resource, 1)
	err := s.call(ctx, name, func(context.Context) error {
		res := construct(s.t)
		if res == nil {
			return &breach{name + " returned nil"}
		}
		built <- res
		return nil
	})
	if s.t.Skipped() {
		s.t.SkipNow() // on the test's own goroutine
	}
	if err != nil {
		return &unbuilt{err}
	}
	return <-built
}

// unbuilt stands in for a resource that its constructor has not returned.
type unbuilt struct{ err error }

func (*unbuilt) Name() string                  { return "unbuilt" }
func (u *unbuilt) Open(context.Context) error  { return u.err }
func (u *unbuilt) Check(context.Context) error { return u.err }
func (u *unbuilt) Close(context.Context) error { return u.err }
