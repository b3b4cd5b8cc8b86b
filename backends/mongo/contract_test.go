package mongo_test

import (
	"net/url"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestTheContractOfResourceIsKept(t *testing.T) {
	server, secret := contractServer(t)
	at := func(_ *testing.T, addr string) registry.Resource {
		there := *server
		there.Host = addr
		return mongo.New("mongo", mongo.WithConfig(mongo.Config{URI: config.NewSecret(there.String())}))
	}
	registrytest.Run(t, registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, server.Host) },
		At:     at,
		Addr:   server.Host,
		Secret: secret,
	})
}

// contractServer is server with a password to look for; that of a real server may be any word.
func contractServer(t *testing.T) (at *url.URL, secret string) {
	t.Helper()
	if onServers {
		at, err := url.Parse(server(t))
		if err != nil {
			t.Fatal(err)
		}
		return at, ""
	}
	secret = "ZQXVKJWPYR"
	fake := mongotest.Start(t, mongotest.Options{User: "app", Password: secret})
	return &url.URL{Scheme: "mongodb", User: url.UserPassword("app", secret), Host: fake.Addr()}, secret
}
