package conns_test

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/internal/conns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDrainWaitsForWhatIsClosedAndCutsTheRest(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var set conns.Set
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
	dial()
	if cut := set.Drain(ctx); cut != 1 {
		t.Errorf("with a context that is done %d were cut, want 1", cut)
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
