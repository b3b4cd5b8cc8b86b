package nats_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	nats "github.com/vibework/mooring/examples/thirdparty"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func TestTheSameConnectionHealsAfterTheServerHasRefusedItsLogins(t *testing.T) {
	first := start(t, asItIs)
	port := first.Addr().(*net.TCPAddr).Port
	res := opened(t, first.Addr().String())
	conn, err := res.Handle()
	if err != nil {
		t.Fatal(err)
	}
	stop(first)
	strict := start(t, func(o *server.Options) { o.Port, o.Password = port, "another" })
	for range 3 { // the driver on its own would give up after two
		before := conn.Stats().Reconnects
		eventually(t, func() error {
			err := res.Check(t.Context())
			if registry.KindOf(err) != registry.KindAuth || conn.Stats().Reconnects == before {
				return fmt.Errorf("check: %v, want another login refused", err)
			}
			return nil
		})
	}
	stop(strict)
	start(t, func(o *server.Options) { o.Port = port })
	eventually(t, func() error { return res.Check(t.Context()) })
	if err := conn.Flush(); err != nil {
		t.Errorf("a connection that was taken before is of no use: %v", err)
	}
}

func TestAPasswordIsReadAgainForTheNextConnection(t *testing.T) {
	first := start(t, asItIs)
	host, port, _ := net.SplitHostPort(first.Addr().String())
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret)
	t.Setenv("NATS_HOST", host)
	t.Setenv("NATS_PORT", port)
	t.Setenv("NATS_USER", "app")
	t.Setenv("NATS_PASSWORD_FILE", file)
	res := nats.New("nats")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	number := first.Addr().(*net.TCPAddr).Port
	stop(first)
	write("another one")
	start(t, func(o *server.Options) { o.Port, o.Password = number, "another one" })
	eventually(t, func() error { return res.Check(t.Context()) })
}

func TestCallsEndWithTheirContextWhileTheDriverConnects(t *testing.T) {
	addr := start(t, asItIs).Addr().String()
	for name, call := range map[string]func(*nats.Resource, context.Context) error{
		"Check": (*nats.Resource).Check,
		"Close": (*nats.Resource).Close,
	} {
		t.Run(name, func(t *testing.T) {
			proxy := faultproxy.New(t, addr)
			res := opened(t, proxy.Addr())
			silence(t, proxy, 1) // the driver holds its lock until the server answers
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			begin := time.Now()
			err := call(res, ctx)
			if took := time.Since(begin); err == nil || took > time.Second {
				t.Errorf("with a context of 100ms it took %v: %v", took, err)
			}
		})
	}
}

func TestConnectionsThatComeToNothingAreClosed(t *testing.T) {
	proxy := faultproxy.New(t, start(t, asItIs).Addr().String())
	opened(t, proxy.Addr())
	silence(t, proxy, 3)
	if n := proxy.Conns(); n > 1 {
		t.Errorf("%d connections are open", n)
	}
}

// silence cuts the connection and waits until the driver has tried to connect again n times, in vain.
func silence(t *testing.T, proxy *faultproxy.Proxy, n int) {
	t.Helper()
	n += proxy.Accepted()
	proxy.Blackhole()
	proxy.Cut()
	eventually(t, func() error {
		if proxy.Accepted() < n {
			return errors.New("the driver does not connect")
		}
		return nil
	})
}

// eventually repeats f until it is nil, for a minute at most.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after a minute still: %v", err)
		}
	}
}
