package devstack

import (
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"

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
	if err := addRoles(srv.Server()); err != nil {
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

// addRoles teaches the server ROLE, which a client with REDIS_ROLE asks, and REPLICAOF, which makes it read-only until
// REPLICAOF NO ONE: what a client sees of a fail-over. There are no replicas, and nothing is copied.
func addRoles(srv *resp.Server) error {
	var replica atomic.Bool
	srv.SetPreHook(func(peer *resp.Peer, command string, _ ...string) bool {
		refused := replica.Load() && strings.EqualFold(command, "SET")
		if refused {
			peer.WriteError("READONLY You can't write against a read only replica.")
		}
		return refused
	})
	return errors.Join(
		srv.Register("ROLE", func(peer *resp.Peer, _ string, _ []string) {
			role := "master"
			if replica.Load() {
				role = "slave"
			}
			peer.WriteLen(3)
			peer.WriteBulk(role)
			peer.WriteInt(0)
			peer.WriteLen(0)
		}),
		srv.Register("REPLICAOF", func(peer *resp.Peer, _ string, args []string) {
			replica.Store(len(args) != 2 || !strings.EqualFold(args[0], "NO"))
			peer.WriteOK()
		}),
	)
}
