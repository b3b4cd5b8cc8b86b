package nats_test

import (
	"testing"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestContract(t *testing.T) {
	addr := start(t, asItIs).Addr().String()
	registrytest.Run(t, registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, addr) },
		At:     func(t *testing.T, addr string) registry.Resource { return at(t, addr) },
		Addr:   addr,
		Secret: secret,
	})
}
