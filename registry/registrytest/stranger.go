package registrytest

import (
	"context"
	"io"
	"net"
	"sync"
)

// stranger starts a server that is not the one a resource expects, and returns where it listens.
// To be dialled through proxies only: they hang up before it is stopped.
func (s *trial) stranger(serve func(net.Conn)) (addr string) {
	l, err := listen(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	s.undo = append(s.undo, func() { _ = l.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	return l.Addr().String()
}

// listen takes a free port of the loopback interface.
func listen(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

// echo sends back all that it gets, passwords included, as some servers do with what they do not know.
func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// babble answers what no client of a database expects, and leaves the rest to the client.
func babble(conn net.Conn) {
	_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn)
}
