package kit_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nothing is a release that has nothing to close.
func nothing() {}

func listen(t *testing.T) net.Listener {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func TestWorkMayTakeAllButATenthOfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for share, want := range map[time.Duration]time.Duration{
			20 * time.Second:       19900 * time.Millisecond,
			250 * time.Millisecond: 187500 * time.Microsecond,
			-time.Second:           0,
			0:                      25 * time.Second, // no deadline
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if share != 0 {
				ctx, cancel = context.WithTimeout(t.Context(), share)
			}
			start := time.Now()
			working, stop := kit.Working(ctx)
			<-working.Done()
			if took := time.Since(start); took != want {
				t.Errorf("of %v it is %v, want %v", share, took, want)
			}
			stop()
			cancel()
		}
	})
}

func TestDrainWaitsForWhatIsClosed(t *testing.T) {
	set, dial := dialling(t)
	if cut := new(kit.Conns).Drain(t.Context(), nothing); cut != 0 {
		t.Errorf("of an empty set %d were cut", cut)
	}
	prompt, slow := dial(), dial()
	prompt.Close()
	prompt.Close()
	time.AfterFunc(1200*time.Millisecond, func() { slow.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if cut := set.Drain(ctx, nothing); cut != 0 {
		t.Errorf("%d were cut", cut)
	}
}

func TestDrainCutsWhatIsLeftAndCountsIt(t *testing.T) {
	for _, left := range []time.Duration{-time.Second, 50 * time.Millisecond} {
		set, dial := dialling(t)
		leaked := dial()
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		if cut := set.Drain(ctx, nothing); cut != 1 {
			t.Errorf("%d were cut, want 1", cut)
		}
		if _, err := leaked.Write([]byte("x")); err == nil {
			t.Error("what was cut still works")
		}
	}
}

func TestWhatIsIdleIsNotCutByAContextThatIsDone(t *testing.T) {
	set, dial := dialling(t)
	idle := dial()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := set.Close(ctx, func() { idle.Close() }); err != nil {
		t.Error(err)
	}
}

// dialling returns a set and what adds a connection to it.
func dialling(t *testing.T) (*kit.Conns, func() net.Conn) {
	t.Helper()
	server, set := listen(t), new(kit.Conns)
	return set, func() net.Conn {
		conn, err := set.Dial(t.Context(), server.Addr().String(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

func TestCloseCountsWhatIsInUseAlone(t *testing.T) {
	for inUse, want := range map[int]string{
		0: "<nil>",
		1: "1 connections were still in use and have been cut",
		5: "2 connections were still in use and have been cut",
	} {
		set, dial := dialling(t)
		set.InUse = func() int { return inUse }
		conns := []net.Conn{dial(), dial()}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := set.Close(ctx, nothing); fmt.Sprint(err) != want {
			t.Errorf("%d in use: got %v, want %s", inUse, err, want)
		}
		cancel()
		for _, conn := range conns {
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%d in use: a connection was left: %v", inUse, err)
			}
		}
	}
}

func TestNothingIsDialledOnceDrainHasBegun(t *testing.T) {
	server := listen(t)
	var set kit.Conns
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
	release := func() { // it waits for what was being dialled
		if err := <-failed; !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("what was being dialled: %v", err)
		}
	}
	if cut := set.Drain(t.Context(), release); cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	if err := set.Err(); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("the set says %v", err)
	}
	if _, err := set.Dial(t.Context(), server.Addr().String(), time.Minute); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("dialled later: %v", err)
	}
}

func TestDrainDoesNotWaitForAReleaseThatBlocks(t *testing.T) {
	set, dial := dialling(t)
	dial()
	stuck := make(chan struct{})
	defer close(stuck)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if cut := set.Drain(ctx, func() { <-stuck }); cut != 1 {
		t.Errorf("%d were cut, want 1", cut)
	}
}

func TestDialTLSWithoutAConfigurationIsDial(t *testing.T) {
	server := listen(t)
	var set kit.Conns
	conn, err := set.DialTLS(t.Context(), server.Addr().String(), 30*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, encrypted := conn.(*tls.Conn); encrypted {
		t.Error("the connection is encrypted")
	}
}

func TestAConnectionShowsItsSocketToDrivers(t *testing.T) {
	_, dial := dialling(t)
	conn := dial()
	defer conn.Close()
	if _, ok := conn.(syscall.Conn); !ok {
		t.Error("it has no SyscallConn")
	}
}
