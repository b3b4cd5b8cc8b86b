package redis_test

import (
	"net/url"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestTheContractOfResourceIsKept(t *testing.T) {
	server, secret := contractServer(t)
	at := func(_ *testing.T, addr string) registry.Resource {
		there := *server
		there.Host = addr
		return redis.New("redis", redis.WithConfig(redis.Config{URL: config.NewSecret(there.String())}))
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
	fake := miniredis.RunT(t)
	fake.RequireUserAuth("app", secret)
	return &url.URL{Scheme: "redis", User: url.UserPassword("app", secret), Host: fake.Addr()}, secret
}
