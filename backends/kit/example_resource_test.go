package kit_test

import (
	"context"
	"fmt"
	"net"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Memo is a server that answers pong to ping, and a connection to it. In a package of its own it is called Resource.
type Memo struct {
	*kit.Resource[memoSetup, *memoClient, net.Conn]
}

// NewMemo returns a resource that is configured by the variables of its name: "memo" by MEMO_*.
func NewMemo(name string, opts ...MemoOption) *Memo { return &Memo{kit.New(name, resolve, opts...)} }

// Conn returns the connection. It panics if the resource was never opened.
func (m *Memo) Conn() net.Conn { return kit.Must(m.Handle()) }

// MemoOption is an option of NewMemo and Use.
type MemoOption = kit.Option[memoSetup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg MemoConfig) MemoOption { return func(s *memoSetup) { s.config = &cfg } }

// MemoConfig is what the MEMO_* variables set.
type MemoConfig struct {
	Host string      `env:"HOST" envDefault:"localhost" doc:"name or address of the server"`
	Port config.Port `env:"PORT" envDefault:"7007" doc:"port of the server"`
}

// memoSetup is what a program sets in code.
type memoSetup struct{ config *MemoConfig }

// memoSettings are a MemoConfig that has been checked.
type memoSettings struct{ addr string }

func resolve(name string, in memoSetup) (*memoSettings, error) {
	cfg, vars, err := config.LoadOr(name, in.config)
	host, wrong := kit.HostOf(vars, cfg.Host, cfg.Port)
	found := kit.Problems{err, wrong}
	return &memoSettings{host.Addr(7007)}, found.Err()
}

func (s *memoSettings) Target() kit.Target { return kit.Target{Addrs: []string{s.addr}} }

func (s *memoSettings) Open(ctx context.Context) (*memoClient, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, kit.Classify(err)
	}
	c := &memoClient{conn}
	if err := c.Check(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// memoClient is a connection.
type memoClient struct{ conn net.Conn }

func (c *memoClient) Handle() net.Conn { return c.conn }

func (c *memoClient) Check(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	var answer string
	if _, err := fmt.Fprintln(c.conn, "ping"); err != nil {
		return kit.Classify(err)
	}
	_, err := fmt.Fscanln(c.conn, &answer)
	return kit.Classify(err)
}

func (c *memoClient) Close(context.Context) error { return kit.Classify(c.conn.Close()) }

// A backend is a Config, what it takes to connect, to check and to close, and an embedded Resource.
func ExampleResource() {
	ctx := context.Background()
	server := listenForPings()
	defer func() { _ = server.Close() }()
	port := server.Addr().(*net.TCPAddr).Port
	memo := NewMemo("memo", WithConfig(MemoConfig{Host: "127.0.0.1", Port: config.Port(port)}))

	_, err := memo.Handle()
	fmt.Println("before Open:", err)
	fmt.Println("Open:", memo.Open(ctx))
	fmt.Println("Check:", memo.Check(ctx))
	fmt.Println("connected to", memo.Conn().RemoteAddr().Network())
	fmt.Println("Close:", memo.Close(ctx))
	fmt.Println("Check:", memo.Check(ctx))
	// Output:
	// before Open: memo: not open: registry.OpenAll has not opened it yet
	// Open: <nil>
	// Check: <nil>
	// connected to tcp
	// Close: <nil>
	// Check: not open
}
