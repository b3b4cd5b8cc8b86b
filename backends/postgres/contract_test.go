package postgres_test

import (
	"testing"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestTheContractOfResourceIsKept(t *testing.T) {
	s := server(t)
	const secret = "ZQXVKJWPYR"
	s.exec(t, "CREATE ROLE contract LOGIN PASSWORD '"+secret+"'")
	t.Cleanup(func() { s.exec(t, "DROP ROLE contract") })
	at := func(_ *testing.T, addr string) registry.Resource {
		return postgres.New("postgres", postgres.WithConfig(at("postgres://contract:"+secret+"@"+addr+"/postgres")))
	}
	registrytest.Run(t, registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, s.addr()) },
		At:     at,
		Addr:   s.addr(),
		Secret: secret,
	})
}
