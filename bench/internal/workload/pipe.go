package workload

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// pipe is a listener whose connections are inside the process: all of net/http, and no network.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipe) dial(context.Context, string, string) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// client asks the handler for its health.
type client struct{ http *http.Client }

// ask sends one request, reads the answer and returns its status.
func (c client) ask(ctx context.Context) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://pipe/readyz", http.NoBody)
	done(err)
	resp, err := c.http.Do(req)
	done(err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// serve serves handler to the client that it returns, until stop.
func serve(handler http.Handler, clients int) (c client, stop func()) {
	p := newPipe()
	server := &http.Server{Handler: handler}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(p) })
	transport := &http.Transport{DialContext: p.dial, MaxIdleConnsPerHost: clients}
	return client{&http.Client{Transport: transport}}, func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		wg.Wait()
	}
}
