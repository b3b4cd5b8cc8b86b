package devstack

import (
	"crypto/rand"
	"net/url"

	"github.com/alicebob/miniredis/v2"
	resp "github.com/alicebob/miniredis/v2/server"
)

func startRedis() (*server, error) {
	password := rand.Text()
	srv := miniredis.NewMiniRedis()
	srv.RequireUserAuth(user, password)
	srv.ClockTTL(true) // or nothing ever expires
	if err := srv.StartAddr(loopback); err != nil {
		return nil, err
	}
	// A client with REDIS_ROLE asks; the server knows no such command, and has no replicas.
	if err := srv.Server().Register("ROLE", func(peer *resp.Peer, _ string, _ []string) {
		peer.WriteLen(3)
		peer.WriteBulk("master")
		peer.WriteInt(0)
		peer.WriteLen(0)
	}); err != nil {
		srv.Close()
		return nil, err
	}
	return &server{
		addr: srv.Addr(),
		env: func(addr string) []string {
			u := url.URL{
				Scheme: "redis", User: url.UserPassword(user, password), Host: addr, Path: "/0",
			}
			return []string{"REDIS_URL=" + u.String()}
		},
		stop: func() error {
			srv.Close()
			return nil
		},
	}, nil
}
