package slot

import (
	"sync"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/registry"
)

// Settings turns the Config C of a resource into what its client is made of, S. The zero value reads the
// environment. It keeps both behind functions, which fmt cannot look into when somebody prints a resource.
type Settings[C, S any] struct {
	mu       sync.Mutex
	given    func() C
	resolved func() *S
}

// Give takes cfg instead of the environment.
func (s *Settings[C, S]) Give(cfg C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = func() C { return cfg }
}

// Configure reads the Config of the resource of that name and keeps what resolve makes of it. Its errors are
// KindConfig.
func (s *Settings[C, S]) Configure(name string, resolve func(string, C) (*S, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg, err := s.read(name)
	if err != nil {
		return registry.Classify(registry.KindConfig, err)
	}
	resolved, err := resolve(name, cfg)
	if err != nil {
		return registry.Classify(registry.KindConfig, err)
	}
	s.resolved = func() *S { return resolved }
	return nil
}

// Get returns what the last Configure has kept, and calls it if none has kept anything.
func (s *Settings[C, S]) Get(name string, resolve func(string, C) (*S, error)) (*S, error) {
	s.mu.Lock()
	resolved := s.resolved
	s.mu.Unlock()
	if resolved != nil {
		return resolved(), nil
	}
	if err := s.Configure(name, resolve); err != nil {
		return nil, err
	}
	return s.Get(name, resolve)
}

func (s *Settings[C, S]) read(name string) (C, error) {
	if s.given != nil {
		return config.Defaults(s.given()), nil
	}
	return config.Load[C](name)
}
