package postgres_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/tcptest"
	"github.com/vibework/mooring/registry"
)

func TestConnectionsLeaveAnAddressThatTheNameHasLeft(t *testing.T) {
	s := server(t)
	names := tcptest.NamesLeadTo(t, "127.0.0.1")
	moved := forward(t, "127.0.0.2:"+strconv.Itoa(s.port), s.addr())
	cfg := at("postgres://app:p%40ss%2Fw%3Ard@db.mooring.test:" + strconv.Itoa(s.port) + "/postgres")
	cfg.Role = "primary"
	_, res := open(t, cfg)
	there := "127.0.0.2"
	names.LeadTo(there)
	for n := range 3 {
		if moved.Load() > 0 {
			t.Errorf("it has moved after %d look-ups", n)
		}
		if err := res.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if moved.Load() == 0 {
		t.Error("it has not moved")
	}
}

func TestALookUpEndsWhenThePoolCloses(t *testing.T) {
	before, over := net.DefaultResolver, make(chan struct{})
	var asked atomic.Int32 // after the resolver was read
	t.Cleanup(func() {
		close(over)
		if asked.Load() == 0 {
			t.Error("nothing was looked up")
		}
		net.DefaultResolver = before
	})
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked.Add(1)
		<-over
		return nil, net.ErrClosed
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	cfg := at("postgres://app:pw@db.mooring.test/postgres")
	cfg.DialTimeout = time.Hour
	_, res := register(cfg)
	if kind := registry.KindOf(res.Open(ctx)); kind != registry.KindTimeout {
		t.Errorf("it opens with %q", kind)
	}
	closing := func() bool {
		stacks := make([]byte, 1<<20)
		return bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("pgxpool.(*Pool).Close"))
	}
	eventually(t, func() bool { return !closing() }) // nobody waits for a look-up
}

// forward serves at addr what is at upstream, and counts the connections.
func forward(t *testing.T, addr, upstream string) *atomic.Int32 {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	count := new(atomic.Int32)
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				client.Close()
				continue
			}
			for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
				serving.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					pair[0].Close()
					pair[1].Close()
				})
			}
		}
	})
	return count
}
