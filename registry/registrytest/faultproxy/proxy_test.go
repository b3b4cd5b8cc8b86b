package faultproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func TestProxyCarriesEveryByteInOrder(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	bounce(t, dial(t, p.Addr()), 8<<20)
}

func TestProxyKeepsHalfOfAConnectionOpen(t *testing.T) {
	s := serve(t, func(c *net.TCPConn) {
		question, _ := io.ReadAll(c)
		_, _ = c.Write(append(question, " answered"...))
	})
	c := dial(t, faultproxy.New(t, s.addr()).Addr())
	send(t, c, "question")
	_ = c.CloseWrite()
	receive(t, c, "question answered")
	if err := outcome(t, c); !errors.Is(err, io.EOF) {
		t.Errorf("after the answer: %v, want EOF", err)
	}
}

func TestProxyPassesTheServersResetOn(t *testing.T) {
	s := serve(t, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("bye"))
		_, _ = io.ReadFull(c, make([]byte, 3))
		_ = c.SetLinger(0)
	})
	c := dial(t, faultproxy.New(t, s.addr()).Addr())
	receive(t, c, "bye")
	send(t, c, "bye")
	wantReset(t, c)
}

func TestProxyClosesTheClientWhenTheServerIsDown(t *testing.T) {
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = down.Close()
	p := faultproxy.New(t, down.Addr().String())
	if err := outcome(t, dial(t, p.Addr())); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
	eventually(t, "no connection left", func() bool { return p.Conns() == 0 })
}

func TestBlackholeHoldsBytesOfLiveConnectionsUntilPass(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	c := talk(t, p.Addr())
	p.Blackhole()
	send(t, c, "one ")
	wantSilence(t, c)
	send(t, c, "two")
	wantSilence(t, c)
	p.Pass()
	receive(t, c, "one two")
}

func TestBlackholeAcceptsConnectionsAndHoldsThemUntilPass(t *testing.T) {
	s := echo(t)
	p := faultproxy.New(t, s.addr())
	p.Blackhole()
	c := dial(t, p.Addr())
	send(t, c, "hello")
	wantSilence(t, c)
	if n, _ := s.counts(); n != 0 {
		t.Errorf("the server has accepted %d connections, want none", n)
	}
	p.Pass()
	receive(t, c, "hello")
}

func TestBlackholeHidesTheClosingOfAConnectionFromTheServer(t *testing.T) {
	s := echo(t)
	p := faultproxy.New(t, s.addr())
	c, other := talk(t, p.Addr()), talk(t, p.Addr())
	p.Blackhole()
	_ = c.Close()
	eventually(t, "one connection left", func() bool { return p.Conns() == 1 })
	wantSilence(t, other)
	if _, live := s.counts(); live != 2 {
		t.Errorf("the server has %d connections, want 2", live)
	}
	p.Pass()
	eventually(t, "the server hears of it", func() bool { _, live := s.counts(); return live == 1 })
}

func TestBlackholeForgetsClientsThatGaveUp(t *testing.T) {
	s := echo(t)
	p := faultproxy.New(t, s.addr())
	p.Blackhole()
	c := dial(t, p.Addr())
	send(t, c, "anybody there?")
	eventually(t, "one connection", func() bool { return p.Conns() == 1 })
	_ = c.Close()
	eventually(t, "no connection left", func() bool { return p.Conns() == 0 })
	p.Pass()
	talk(t, p.Addr())
	if n, _ := s.counts(); n != 1 {
		t.Errorf("the server has accepted %d connections, want only the last", n)
	}
}

func TestResetResetsLiveAndNewConnectionsUntilPass(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	live := talk(t, p.Addr())
	p.Reset()
	if n := p.Conns(); n != 0 {
		t.Errorf("%d connections are open, want none", n)
	}
	wantReset(t, live)
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		err = outcome(t, c)
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("new connection: %v, want a reset", err)
	}
	if n := p.Accepted(); n != 2 {
		t.Errorf("%d connections accepted, want 2", n)
	}
	p.Pass()
	talk(t, p.Addr())
}

func TestRefuseRefusesConnectionsUntilPassListensOnTheSamePort(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	live := talk(t, p.Addr())
	for range 10 {
		p.Refuse()
		wantReset(t, live)
		wantRefused(t, p.Addr())
		p.Pass()
		live = talk(t, p.Addr())
	}
}

func TestPassWaitsForAPortThatIsTakenForAMoment(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	p.Refuse()
	taken := take(t, p.Addr())
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		p.Pass()
	}()
	select {
	case <-passed:
		t.Error("Pass returned without the port")
	case <-time.After(moment):
	}
	_ = taken.Close()
	<-passed
	talk(t, p.Addr())
}

func TestPassPanicsWhenThePortIsTakenForGood(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	p.Refuse()
	take(t, p.Addr())
	defer func() {
		if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), p.Addr()) {
			t.Errorf("recovered %v, want an error with the address", err)
		}
	}()
	p.Pass()
}

func TestCutResetsBothEndsOfLiveConnectionsOnly(t *testing.T) {
	ends := make(chan error, 2)
	s := serve(t, func(c *net.TCPConn) {
		_, err := io.Copy(c, c)
		ends <- err
	})
	p := faultproxy.New(t, s.addr())
	c := talk(t, p.Addr())
	p.Cut()
	wantReset(t, c)
	if err := <-ends; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server got %v, want a reset", err)
	}
	talk(t, p.Addr())
}

func TestCutAfterResetsAtTheGivenByteOfTheServer(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	before := talk(t, p.Addr())
	for n := range 4 {
		p.CutAfter(int64(n))
		c := dial(t, p.Addr())
		send(t, c, "abcdef")
		receive(t, c, "abcdef"[:n])
		wantReset(t, c)
	}
	send(t, before, "spared")
	receive(t, before, "spared")
}

func TestPassUndoesCutAfterForLiveConnectionsToo(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	p.CutAfter(8)
	c := talk(t, p.Addr())
	p.Pass()
	send(t, c, "again")
	receive(t, c, "again")
	talk(t, p.Addr())
}

func TestLatencyDelaysBothDirectionsWithoutOneReadWaitingForTheOther(t *testing.T) {
	const latency, reads = 200 * time.Millisecond, 200
	p := faultproxy.New(t, echo(t).addr())
	c := talk(t, p.Addr())
	p.Latency(latency)
	start := time.Now()
	bounce(t, c, reads*16<<10)
	took := time.Since(start)
	if took < 2*latency {
		t.Errorf("there and back took %v, want at least %v", took, 2*latency)
	}
	if took > reads*latency/2 {
		t.Errorf("%d reads of 16 KiB took %v, as if each had waited for the last", reads, took)
	}
}

func TestLessLatencyDeliversWhatMoreHoldsBack(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	c := talk(t, p.Addr())
	for name, heal := range map[string]func(){"Latency": func() { p.Latency(0) }, "Pass": p.Pass} {
		p.Latency(time.Hour)
		send(t, c, name)
		wantSilence(t, c)
		heal()
		receive(t, c, name)
	}
}

func TestCloseReturnsWhenTheLastGoroutineHasEnded(t *testing.T) {
	p, err := faultproxy.Start(echo(t).addr())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		talk(t, p.Addr())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for line := range strings.Lines(string(stacks)) {
		if strings.Contains(line, "registrytest.(*") && !strings.HasPrefix(line, "created by") {
			t.Errorf("still running: %s", line)
		}
	}
}

func TestCloseMayBeCalledByManyAndFaultsAfterItDoNothing(t *testing.T) {
	p, err := faultproxy.Start(echo(t).addr())
	if err != nil {
		t.Fatal(err)
	}
	c := talk(t, p.Addr())
	var closing sync.WaitGroup
	for range 4 {
		closing.Go(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	wantReset(t, c)
	for _, fault := range faults(p) {
		fault()
		wantRefused(t, p.Addr())
	}
	if n := p.Conns(); n != 0 {
		t.Errorf("%d connections are open, want none", n)
	}
}

func TestFaultsMayChangeAtAnyTimeWithoutDamageToTheBytes(t *testing.T) {
	p := faultproxy.New(t, echo(t).addr())
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { chat(ctx, t, p.Addr()) })
	}
	var faulty sync.WaitGroup
	for i := range 3 {
		faulty.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 0))
			all := faults(p)
			pace := time.NewTicker(time.Millisecond)
			defer pace.Stop()
			for range 100 {
				all[random.IntN(len(all))]()
				_, _ = p.Conns(), p.Accepted()
				<-pace.C
			}
		})
	}
	faulty.Wait()
	p.Pass()
	stop()
	running.Wait()
	talk(t, p.Addr())
}

// chat connects and talks until told to stop. Connections may break, answers may not be wrong.
func chat(ctx context.Context, t *testing.T, addr string) {
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		for i := byte(0); err == nil && ctx.Err() == nil; i++ {
			sent, got := bytes.Repeat([]byte{i}, 16), make([]byte, 16)
			_ = c.SetDeadline(time.Now().Add(moment))
			_, _ = c.Write(sent)
			if _, err = io.ReadFull(c, got); err == nil && !bytes.Equal(got, sent) {
				t.Errorf("got %v, want %v", got, sent)
			}
		}
		_ = c.Close()
	}
}

func faults(p *faultproxy.Proxy) []func() {
	return []func(){
		p.Pass, p.Pass, p.Blackhole, p.Reset, p.Refuse, p.Cut,
		func() { p.Latency(time.Millisecond) },
		func() { p.CutAfter(10) },
	}
}

// take occupies addr until the end of the test.
func take(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func wantSilence(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(moment))
	if err := outcome(t, c); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v, want silence", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
}

func wantReset(t *testing.T, c net.Conn) {
	t.Helper()
	if err := outcome(t, c); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v, want a reset", err)
	}
}

func wantRefused(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("got %v, want connection refused", err)
	}
}
