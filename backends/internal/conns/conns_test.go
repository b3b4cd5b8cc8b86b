package conns_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/internal/conns"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDrainWaitsForWhatIsClosedAndCutsTheRest(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	set := new(conns.Set)
	dial := func() net.Conn {
		conn, err := set.Dial(t.Context(), server.Addr().String(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	if cut := set.Drain(t.Context()); cut != 0 {
		t.Errorf("of an empty set %d were cut", cut)
	}
	set = new(conns.Set)
	prompt, slow, leaked := dial(), dial(), dial()
	prompt.Close()
	prompt.Close()
	time.AfterFunc(10*time.Millisecond, func() { slow.Close() })
	if cut := set.Drain(t.Context()); cut != 1 {
		t.Errorf("%d were cut, want 1", cut)
	}
	if _, err := leaked.Write([]byte("x")); err == nil {
		t.Error("what was cut still works")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	set = new(conns.Set)
	dial()
	if cut := set.Drain(ctx); cut != 1 {
		t.Errorf("with a context that is done %d were cut, want 1", cut)
	}
}

func TestNothingIsDialledPastTheEndOfDrain(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var set conns.Set
	asked, failed := make(chan struct{}), make(chan error, 1)
	ask := sync.OnceFunc(func() { close(asked) }) // A and AAAA are asked for at the same time
	silent := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ask()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	defer func(r *net.Resolver) { net.DefaultResolver = r }(net.DefaultResolver)
	net.DefaultResolver = silent
	go func() {
		_, err := set.Dial(t.Context(), "db.conns.test:1", time.Minute)
		failed <- err
	}()
	<-asked
	if cut := set.Drain(t.Context()); cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	if err := <-failed; !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("what was being dialled: %v", err)
	}
	if _, err := set.Dial(t.Context(), server.Addr().String(), time.Minute); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("dialled later: %v", err)
	}
}

func TestAConnectionShowsItsSocketToDrivers(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var set conns.Set
	conn, err := set.Dial(t.Context(), server.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, ok := conn.(syscall.Conn); !ok {
		t.Error("it has no SyscallConn")
	}
	if _, ok := conn.(io.ReaderFrom); !ok {
		t.Error("it has no ReadFrom")
	}
}
