package workload

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// Outage is a health endpoint whose checks run in the background, while one of four backends has a fault.
type Outage struct {
	Contenders []contender.Contender
	Timeout    time.Duration // of each check
	Long       time.Duration // each fault
}

// Outages is how an endpoint answers meanwhile, in milliseconds, by contender and by fault.
type Outages struct {
	Worst, Median timing.Table
}

// askPace is how long the client waits before it asks again: it is no flood.
const askPace = time.Millisecond

// mishap is a fault of the table of docs/reliability.md: something that a network does, or a check.
type mishap struct {
	name  string
	begin func(*faultproxy.Proxy)
	check contender.Check
}

// mishaps are those of the table. What a server says at once, and a name that does not exist, is the same to an
// endpoint, and so is all that a check waits for in vain.
func mishaps() []mishap {
	fails := func(context.Context) error { return errors.New("access denied") }
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	return []mishap{
		{name: "refused, killed -9", begin: (*faultproxy.Proxy).Refuse},
		{name: "accepts and is silent", begin: func(p *faultproxy.Proxy) { p.Cut(); p.Blackhole() }},
		{name: "frozen mid-session", begin: (*faultproxy.Proxy).Blackhole},
		{name: "cut mid-session", begin: (*faultproxy.Proxy).Cut},
		{name: "cut mid-handshake", begin: func(p *faultproxy.Proxy) { p.CutAfter(0); p.Cut() }},
		{name: "200 ms slow", begin: func(p *faultproxy.Proxy) { p.Latency(200 * time.Millisecond) }},
		{name: "wrong password, TLS, no such name, server full, read-only", check: fails},
		{name: "SYN dropped, DNS silent, pool exhausted", check: waits},
		{name: "a check that ignores its context", check: nil},
	}
}

// Run has every contender live through every fault, in each pass.
func (w Outage) Run(passes int) (outages *Outages, err error) {
	outages = new(Outages)
	byName := make(map[string]mishap)
	var names []string
	for _, m := range mishaps() {
		byName[m.name] = m
		names = append(names, m.name)
	}
	timing.Interleave(passes, names, contender.Names(w.Contenders), func(row, column string) {
		err = errors.Join(err, w.one(contender.Named(w.Contenders, row)[0], byName[column], outages))
	})
	return outages, err
}

func (w Outage) one(c contender.Contender, m mishap, outages *Outages) error {
	line, err := newLine()
	if err != nil {
		return err
	}
	defer line.close()
	var broken atomic.Bool
	release := make(chan struct{})
	check := func(ctx context.Context) error {
		switch {
		case !broken.Load() || m.begin != nil:
			return line.ping(ctx)
		case m.check != nil:
			return m.check(ctx)
		default:
			<-release
			return nil
		}
	}
	instance := c.New([]contender.Check{NoOp, NoOp, check, NoOp}, w.Timeout)
	defer instance.Close()
	defer close(release)
	ask, stop := asker(instance.Handler, Pipe, 1)
	defer stop()
	warmUp(ask)

	broken.Store(true)
	if m.begin != nil {
		m.begin(line.proxy)
	}
	var waits []time.Duration
	for began := time.Now(); time.Since(began) < w.Long; time.Sleep(askPace) {
		asked := time.Now()
		ask()
		waits = append(waits, time.Since(asked))
	}
	outages.Median.Add(c.Name, m.name, milliseconds(percentile(waits, 50)))
	outages.Worst.Add(c.Name, m.name, milliseconds(percentile(waits, 100)))
	return nil
}

// line is a server that gives every byte back, behind a network that can fail, and a client with one connection.
type line struct {
	listener net.Listener
	proxy    *faultproxy.Proxy

	mu   sync.Mutex
	conn net.Conn // nil: there is none
}

func newLine() (*line, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	proxy, err := faultproxy.Start(listener.Addr().String())
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return &line{listener: listener, proxy: proxy}, nil
}

// ping sends a byte and waits for it, on the connection that there is.
func (l *line) ping(ctx context.Context) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		if l.conn, err = new(net.Dialer).DialContext(ctx, "tcp", l.proxy.Addr()); err != nil {
			l.conn = nil
			return err
		}
	}
	defer context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Now()) })()
	if _, err = l.conn.Write([]byte{'?'}); err == nil {
		_, err = io.ReadFull(l.conn, make([]byte, 1))
	}
	if err != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
	return err
}

func (l *line) close() {
	_ = l.proxy.Close()
	_ = l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
