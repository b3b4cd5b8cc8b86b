package registrytest

import (
	"runtime/pprof"
	"strings"
)

// nothingShowsTheSecret looks at one life of a resource, and at what the trials before it have noted.
// It prints no resource that is open: that would race with what the resource does.
func nothingShowsTheSecret(s *trial) error {
	x := s.fresh()
	s.journal.note("a resource before Open", x.res)
	if err := x.ready(); err != nil {
		return err
	}
	s.journal.note("a goroutine", stacks())
	if err := x.close(s.within(s.long)); err == nil {
		s.journal.note("a resource after Close", x.res)
	}
	if s.At != nil {
		s.failToOpen(s.broken((*Proxy).Refuse))
		s.failToOpen(s.facing(s.stranger(echo)))
		s.failToOpen(s.facing(s.stranger(babble)))
	}
	return s.journal.err()
}

func (s *trial) failToOpen(x *subject) {
	if err := x.open(s.within(s.brief)); err != nil && s.breached() == nil {
		s.journal.note("a resource after an Open that failed", x.res)
	}
}

// stacks returns the stacks of all goroutines, with arguments.
func stacks() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}
