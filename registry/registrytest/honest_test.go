package registrytest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/vibework/mooring/registry"
)

// speak is a server's side of a protocol of lines: HELLO and a password, then any number of PINGs, then QUIT.
func speak(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		reply := map[string]string{"HELLO " + password: "WELCOME", "PING": "PONG", "QUIT": "BYE"}[lines.Text()]
		if _, err := io.WriteString(conn, reply+"\n"); err != nil {
			return
		}
	}
}

const password = "ZQXVKJWPYR"

// fake is a resource that keeps the contract: a client with one connection to a server that speaks.
type fake struct {
	addr     string
	password func() string

	lifecycle sync.Mutex // held by Open and Close

	mu     sync.Mutex
	client *client // nil unless it is open
}

func newFake(addr string) *fake {
	return &fake{addr: addr, password: func() string { return password }}
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Configure() error { return nil }

func (f *fake) Open(ctx context.Context) error {
	f.lifecycle.Lock()
	defer f.lifecycle.Unlock()
	if f.current() != nil {
		return nil
	}
	c := &client{addr: f.addr, password: f.password(), busy: make(chan struct{}, 1)}
	if err := c.ping(ctx); err != nil {
		return err
	}
	f.set(c)
	return nil
}

func (f *fake) Check(ctx context.Context) error {
	c := f.current()
	if c == nil {
		return registry.ErrNotOpen
	}
	return c.ping(ctx)
}

func (f *fake) Close(ctx context.Context) error {
	f.lifecycle.Lock()
	defer f.lifecycle.Unlock()
	c := f.current()
	if c == nil {
		return nil
	}
	f.set(nil)
	return c.quit(ctx)
}

func (f *fake) current() *client {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.client
}

func (f *fake) set(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.client = c
}

// client has one connection and makes a new one when it is broken.
type client struct {
	addr, password string
	busy           chan struct{} // full while somebody uses the connection

	mu     sync.Mutex
	conn   net.Conn // nil while there is none
	closed bool
}

var errBusy = errors.New("the connection is in use")

func (c *client) ping(ctx context.Context) error {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if conn := c.take(); conn != nil {
		if err := c.pingOver(ctx, conn); !broken(err) {
			return err
		}
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	return c.pingOver(ctx, conn)
}

func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *client) pingOver(ctx context.Context, conn net.Conn) error {
	err := exchange(ctx, conn, "PING", "PONG")
	if err != nil {
		c.drop(conn)
	}
	return err
}

// dial connects and says hello.
func (c *client) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	if !c.put(conn) {
		return nil, net.ErrClosed
	}
	if err := exchange(ctx, conn, "HELLO "+c.password, "WELCOME"); err != nil {
		c.drop(conn)
		return nil, err
	}
	return conn, nil
}

// exchange sends a line and wants a certain one back. It ends when ctx does.
func exchange(ctx context.Context, conn net.Conn, say, want string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	_, err := io.WriteString(conn, say+"\n")
	if err == nil {
		var reply string
		reply, err = bufio.NewReader(conn).ReadString('\n')
		if err == nil && reply != want+"\n" {
			err = &strangeReply{func() string { return reply }}
		}
	}
	if !stop() {
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
	return err
}

// strangeReply knows the reply, but does not show it.
type strangeReply struct{ reply func() string }

func (*strangeReply) Error() string { return "not the reply of a server that speaks" }

// quit says goodbye, unless somebody uses the connection for as long as ctx, and closes it in any case.
func (c *client) quit(ctx context.Context) (err error) {
	defer c.shut()
	select {
	case c.busy <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errBusy, ctx.Err())
	}
	defer func() { <-c.busy }()
	if conn := c.take(); conn != nil {
		return exchange(ctx, conn, "QUIT", "BYE")
	}
	return nil
}

func (c *client) take() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

func (c *client) put(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return false
	}
	c.conn = conn
	return true
}

func (c *client) drop(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = conn.Close()
	c.conn = nil
}

func (c *client) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}
