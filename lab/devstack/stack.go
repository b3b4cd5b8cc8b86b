package devstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Stack is a set of running servers. Make one with [Start]. Its methods may be called concurrently.
type Stack struct {
	mu      sync.Mutex
	members []member
	stopped bool
}

// A member is a server and the port on which clients reach it.
type member struct {
	name string
	*server
	*port
}

// A server listens on a private loopback port of its own, behind its member's port.
type server struct {
	addr string                     // host:port of the private port
	env  func(addr string) []string // variables that lead a client to addr
	stop func() error               // called once, when no client is connected any more
}

// launchers has every server there is, in the order of [Names].
var launchers = []struct {
	name   string
	launch func() (*server, error)
}{
	{"mysql", startMySQL},
	{"mongo", startMongo},
	{"redis", startRedis},
	{"pubsub", startPubSub},
}

// Names returns the names that [Start] knows: mysql, mongo, redis and pubsub.
func Names() []string {
	names := make([]string, len(launchers))
	for i, l := range launchers {
		names[i] = l.name
	}
	return names
}

// Start starts the named servers, all of [Names] when none is named, each on a free loopback port.
// It fails for a name it does not know and when ctx is done; what it had started by then is stopped
// again. The context bounds the start only: the servers live until [Stack.Stop], which the caller
// must call.
func Start(ctx context.Context, servers ...string) (*Stack, error) {
	for _, name := range servers {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("devstack: unknown server %q; known are %s",
				name, strings.Join(Names(), ", "))
		}
	}
	s := &Stack{}
	for _, l := range launchers {
		if len(servers) > 0 && !slices.Contains(servers, l.name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, s.Stop())
		}
		if err := s.add(l.name, l.launch); err != nil {
			return nil, errors.Join(err, s.Stop())
		}
	}
	return s, nil
}

// Env returns the variables that lead a client to the servers, as NAME=value, the form of
// [os.Environ]:
//
//	MYSQL_URL=mysql://app:password@127.0.0.1:port/app
//	MONGO_URI=mongodb://app:password@127.0.0.1:port/app?authSource=admin
//	REDIS_URL=redis://app:password@127.0.0.1:port/0
//	PUBSUB_EMULATOR_HOST=127.0.0.1:port
//	PUBSUB_PROJECT_ID=devstack
//
// They stay the same from Start to Stop. The passwords are worth nothing elsewhere.
func (s *Stack) Env() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var env []string
	for _, m := range s.members {
		env = append(env, m.env(m.public)...)
	}
	return env
}

// Stop cuts all clients off, stops the servers and removes their temporary files. It takes
// milliseconds. A later call does nothing and returns nil.
func (s *Stack) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var errs []error
	for _, m := range slices.Backward(s.members) {
		m.shut()
		if err := m.stop(); err != nil {
			errs = append(errs, fmt.Errorf("devstack: stop %s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// StopServer plays an outage of the named server: its clients' connections are cut and its port
// refuses new ones, as if the server's process had died. Transactions that were open are rolled
// back; the data is kept, also that of Pub/Sub, whose messages a restart of Google's emulator would
// lose. Stopping a stopped server does nothing.
func (s *Stack) StopServer(name string) error {
	return s.with(name, func(m member) error {
		m.shut()
		return nil
	})
}

// StartServer ends the outage that StopServer began, on the same port. It fails if another process
// has taken the port meanwhile. Starting a running server does nothing.
func (s *Stack) StartServer(name string) error {
	return s.with(name, func(m member) error { return m.open() })
}

// add launches one server and opens its port.
func (s *Stack) add(name string, launch func() (*server, error)) error {
	srv, err := launch()
	if err != nil {
		return fmt.Errorf("devstack: start %s: %w", name, err)
	}
	m := member{name: name, server: srv, port: &port{target: srv.addr}}
	s.members = append(s.members, m)
	if err := m.open(); err != nil {
		return fmt.Errorf("devstack: start %s: %w", name, err)
	}
	return nil
}

// with calls f with the named member, one call at a time.
func (s *Stack) with(name string, f func(member) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errors.New("devstack: the stack is stopped")
	}
	for _, m := range s.members {
		if m.name == name {
			if err := f(m); err != nil {
				return fmt.Errorf("devstack: %s: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("devstack: no server %q in this stack", name)
}
