package registrytest

import "github.com/vibework/mooring/registry/registrytest/faultproxy"

// nothingShowsTheSecret looks at one life of a resource, and at what the trials before it have noted.
// It prints no resource that is open: that would race with what the resource does. It cannot hear what is
// written to os.Stderr: to exchange that would race with every other writer.
func nothingShowsTheSecret(s *trial) error {
	defer s.overhear()()
	x := s.fresh()
	x.print("before Open")
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.close(s.within(s.long))
	x.print("after Close")
	if s.At != nil {
		s.broken((*faultproxy.Proxy).Refuse).failToOpen()
		s.facing(s.stranger(echo)).failToOpen()
		s.facing(s.stranger(babble)).failToOpen()
	}
	return s.journal.err()
}

func (x *subject) failToOpen() {
	if err := x.open(x.within(3 * x.brief)); err != nil {
		x.print("after an Open that failed")
	}
}

func (x *subject) print(when string) {
	if x.breached() == nil { // otherwise a call may still be busy with it
		_ = x.show("a resource "+when, x.res)
	}
}
