package embedded

import (
	"fmt"
	"sync"
)

// Mode is what an embedded server does.
type Mode string

// The modes of a server.
const (
	Running Mode = "running"
	Frozen  Mode = "frozen"  // connections stay open and new ones are accepted, but nothing answers
	Stopped Mode = "stopped" // connections are cut and new ones refused, as if its process had died
)

type state struct {
	mu   sync.Mutex
	mode Mode
}

// Mode returns what the named server does, or nothing if there is no such server here.
func (s *Servers) Mode(name string) Mode {
	server := s.byName[name]
	if server == nil {
		return ""
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	return server.mode
}

// Set puts the named server into a mode. Its data survives all of them.
func (s *Servers) Set(name string, mode Mode) error {
	server := s.byName[name]
	if server == nil {
		return fmt.Errorf("%s is not an embedded server", name)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	switch mode {
	case Running:
		server.proxy.Pass()
	case Frozen:
		server.proxy.Blackhole()
	case Stopped:
		server.proxy.Refuse()
	default:
		return fmt.Errorf("unknown mode %q", mode)
	}
	server.mode = mode
	return nil
}
