package nats_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	driver "github.com/nats-io/nats.go"

	nats "github.com/vibework/mooring/examples/thirdparty"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func TestImportRegistersTheDefaultInstance(t *testing.T) {
	if !slices.Contains(registry.Names(), nats.Name) {
		t.Errorf("registered are %v", registry.Names())
	}
	if _, err := nats.Handle(); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("Handle: %v, want ErrNotOpen", err)
	}
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "registry.OpenAll") {
			t.Errorf("Conn panics with %q, which is no hint", r)
		}
	}()
	nats.Conn()
}

func TestAnInstanceReadsItsOwnVariables(t *testing.T) {
	host, port, _ := strings.Cut(start(t, asItIs).Addr().String(), ":")
	t.Setenv("NATS_EU_HOST", host)
	t.Setenv("NATS_EU_PORT", port)
	t.Setenv("NATS_EU_USER", "app")
	t.Setenv("NATS_EU_PASSWORD", secret)
	reg := registry.New()
	reg.Register(nats.New("nats-eu"))
	if err := reg.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := reg.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfigureNamesBadVariables(t *testing.T) {
	t.Setenv("NATS_PORT", "many")
	t.Setenv("NATS_TLS", "perhaps")
	err := nats.New("nats").Configure()
	if err == nil || !strings.Contains(err.Error(), "NATS_PORT") {
		t.Errorf("Configure: %v", err)
	}
	t.Setenv("NATS_PORT", "")
	if err := nats.New("nats").Configure(); err == nil || !strings.Contains(err.Error(), "NATS_TLS") {
		t.Errorf("Configure: %v", err)
	}
}

func TestFailuresHaveTheirKind(t *testing.T) {
	plain := start(t, asItIs).Addr().String()
	full := start(t, func(o *server.Options) { o.MaxConn = 1 }).Addr().String()
	opened(t, full)
	away := faultproxy.New(t, plain)
	away.Refuse()
	for name, test := range map[string]struct {
		addr string
		opt  func(*nats.Config)
		kind registry.Kind
		text string
	}{
		"unknown user":  {plain, func(c *nats.Config) { c.User = "eve" }, registry.KindAuth, "access denied"},
		"TLS not found": {plain, func(c *nats.Config) { c.TLS.Mode = "verify" }, registry.KindTLS, "no TLS session with the server"},
		"bad TLS mode":  {plain, func(c *nats.Config) { c.TLS.Mode = "on" }, registry.KindConfig, ""},
		"bad host":      {plain, func(c *nats.Config) { c.Host = "app:" + secret + "@host" }, registry.KindConfig, "NATS_HOST: not a host name or address: want host:port, without a user or a password"},
		"full server":   {full, func(*nats.Config) {}, registry.KindUnreachable, "no answer from the server"},
		"no server":     {away.Addr(), func(*nats.Config) {}, registry.KindUnreachable, "no answer from the server"},
	} {
		t.Run(name, func(t *testing.T) {
			err := at(t, test.addr, test.opt).Open(t.Context())
			if kind := registry.KindOf(err); kind != test.kind {
				t.Errorf("the kind of %v is %s, want %s", err, kind, test.kind)
			}
			if err != nil && test.text != "" && err.Error() != test.text {
				t.Errorf("the error is %q, want %q", err, test.text)
			}
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestAPrintedConnectionShowsNoPassword(t *testing.T) {
	conn, err := opened(t, start(t, asItIs).Addr().String()).Handle()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", conn.Opts, conn.Opts), secret) {
		t.Error("the driver's options show the password")
	}
}

func TestCloseDeliversWhatWasPublished(t *testing.T) {
	addr := start(t, asItIs).Addr().String()
	const all = 10_000
	var received atomic.Int64
	done := make(chan struct{})
	listener, err := opened(t, addr).Handle()
	if err != nil {
		t.Fatal(err)
	}
	_, err = listener.Subscribe("orders", func(*driver.Msg) {
		if received.Add(1) == all {
			close(done)
		}
	})
	if err = errors.Join(err, listener.Flush()); err != nil {
		t.Fatal(err)
	}
	res := opened(t, addr)
	publish(t, res, all)
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Errorf("received %d of %d", received.Load(), all)
	}
}

func TestCloseLetsSubscriptionsHandleWhatTheyReceived(t *testing.T) {
	res := opened(t, start(t, asItIs).Addr().String())
	conn, err := res.Handle()
	if err != nil {
		t.Fatal(err)
	}
	var handled atomic.Int64
	first, goOn := make(chan struct{}, 100), make(chan struct{})
	_, err = conn.Subscribe("orders", func(*driver.Msg) {
		first <- struct{}{}
		<-goOn
		handled.Add(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, res, 100)
	<-first
	closed := make(chan error, 1)
	go func() { closed <- res.Close(t.Context()) }()
	close(goOn)
	if err := <-closed; err != nil || handled.Load() < 99 { // the last may be under way
		t.Errorf("Close: %v, with %d of 100 handled", err, handled.Load())
	}
}

func TestCloseSaysWhatAFrozenServerMayHaveLost(t *testing.T) {
	proxy := faultproxy.New(t, start(t, asItIs).Addr().String())
	res := opened(t, proxy.Addr())
	proxy.Blackhole()
	publish(t, res, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := res.Close(ctx)
	const want = "no answer from the server: what was published last may be lost"
	if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("Close: %v (%s), want %s", err, registry.KindOf(err), want)
	}
}

func TestCloseWaitsForAConnectionThatIsMadeAgain(t *testing.T) {
	srv := start(t, asItIs)
	proxy := faultproxy.New(t, srv.Addr().String())
	res := opened(t, proxy.Addr())
	conn, err := res.Handle()
	if err != nil {
		t.Fatal(err)
	}
	lost := conn.StatusChanged(driver.RECONNECTING)
	proxy.Refuse()
	<-lost
	publish(t, res, 10)
	closed := make(chan error, 1)
	go func() { closed <- res.Close(t.Context()) }()
	proxy.Pass()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if stats, err := srv.Varz(nil); err != nil || stats.InMsgs != 10 {
		t.Errorf("the server has %d messages of 10 (%v)", stats.InMsgs, err)
	}
}

func publish(t *testing.T, res *nats.Resource, n int) {
	t.Helper()
	conn, err := res.Handle()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := conn.Publish("orders", []byte("a rope")); err != nil {
			t.Fatal(err)
		}
	}
}
