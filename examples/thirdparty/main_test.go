package nats_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/config"
	nats "github.com/vibework/mooring/examples/thirdparty"
)

const secret = "ZQXVKJWPYR"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start runs a server until the test is over, with what f changes.
func start(t *testing.T, f func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: "app", Password: secret,
		NoSigs: true, NoLog: true,
	}
	f(options)
	srv, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { stop(srv) })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv
}

func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

func asItIs(*server.Options) {}

// at is a resource that logs in at addr, and uses what f changes.
func at(t *testing.T, addr string, f ...func(*nats.Config)) *nats.Resource {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	cfg := nats.Config{Host: host, Port: config.Port(number), User: "app", Password: config.NewSecret(secret)}
	for _, change := range f {
		change(&cfg)
	}
	return nats.New("nats", nats.WithConfig(cfg))
}

// opened is at, opened until the test is over.
func opened(t *testing.T, addr string) *nats.Resource {
	t.Helper()
	res := at(t, addr)
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Close(t.Context()) })
	return res
}
