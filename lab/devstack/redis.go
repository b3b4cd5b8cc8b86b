package devstack

import (
	"crypto/rand"
	"net/url"

	"github.com/alicebob/miniredis/v2"
)

func startRedis() (*server, error) {
	password := rand.Text()
	srv := miniredis.NewMiniRedis()
	srv.RequireUserAuth(user, password)
	srv.ClockTTL(true) // or nothing ever expires
	if err := srv.StartAddr(loopback); err != nil {
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
