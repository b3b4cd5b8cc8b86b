package command

import (
	"net/url"
	"testing"

	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/alicebob/miniredis/v2"

	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/internal/mysqltest"
)

// servers are fakes of what the environment leads to.
type servers struct {
	t             *testing.T
	Env           []string
	stop, restart map[string]func()
}

// start starts the named servers, all of which want a password if they can.
func start(t *testing.T, names ...string) *servers {
	t.Helper()
	s := &servers{t: t, stop: make(map[string]func()), restart: make(map[string]func())}
	for _, name := range names {
		s.add(name)
	}
	return s
}

func (s *servers) add(name string) {
	const user, password = "app", "hunter2-and-more"
	at := url.URL{Scheme: name, User: url.UserPassword(user, password)}
	switch name {
	case "mysql":
		server := mysqltest.Start(s.t, mysqltest.Options{User: user, Password: password, Database: "shop"})
		at.Host, at.Path = server.Addr(), "/shop"
		s.Env = append(s.Env, "MYSQL_URL="+at.String())
		s.stop[name], s.restart[name] = server.Stop, server.Restart
	case "mongo":
		server := mongotest.Start(s.t, mongotest.Options{User: user, Password: password})
		at.Host, at.Scheme = server.Addr(), "mongodb"
		s.Env = append(s.Env, "MONGO_URI="+at.String())
	case "redis":
		server := miniredis.RunT(s.t)
		server.RequireUserAuth(user, password)
		at.Host = server.Addr()
		s.Env = append(s.Env, "REDIS_URL="+at.String())
		s.stop[name] = server.Close
		s.restart[name] = func() {
			if err := server.Restart(); err != nil {
				s.t.Error(err)
			}
		}
	case "pubsub":
		server := pstest.NewServer()
		s.t.Cleanup(func() { _ = server.Close() })
		s.Env = append(s.Env, "PUBSUB_EMULATOR_HOST="+server.Addr, "PUBSUB_PROJECT_ID=project")
	default:
		s.t.Fatalf("there is no fake of %s", name)
	}
}
