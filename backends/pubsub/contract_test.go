package pubsub_test

import (
	"testing"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// An emulator has no passwords, so there is no secret to look for.
func TestTheContractOfResourceIsKept(t *testing.T) {
	addr := server(t)
	resource := func(_ *testing.T, addr string) registry.Resource {
		return pubsub.New("pubsub", pubsub.WithConfig(at(addr)))
	}
	registrytest.Run(t, registrytest.Target{
		New:  func(t *testing.T) registry.Resource { return resource(t, addr) },
		At:   resource,
		Addr: addr,
	})
}
