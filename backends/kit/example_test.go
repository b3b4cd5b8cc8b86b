package kit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// listenForPings returns a server that answers pong to every line.
func listenForPings() net.Listener {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					_, _ = fmt.Fprintln(conn, "pong")
				}
			}()
		}
	}()
	return server
}

// The configuration is read again when a file has changed, and each connection logs in with what it says then.
func ExampleFollow() {
	type Config struct {
		User     string        `env:"USER"`
		Password config.Secret `env:"PASSWORD"`
	}
	given := &Config{User: "app", Password: config.NewSecret("secret")} // nil reads the environment and its files
	_, login, err := kit.Follow("memo", given, nil, func() (kit.Credentials, error) {
		cfg, _, err := config.LoadOr("memo", given)
		return kit.Credentials{User: cfg.User, Password: cfg.Password}, err
	})
	if err != nil {
		fmt.Println(err)
	}
	_ = login.Connect(context.Background(), func(who kit.Credentials) error {
		fmt.Println("log in as", who.User)
		return nil
	})
	// Output: log in as app
}

// One round of OpenAll says all that there is to mend.
func ExampleProblems() {
	port, role := 0, "chief"
	var found kit.Problems
	found.Add(port == 0, "%sPORT: must be at least 1", "MEMO_")
	found.Add(role != "any", "%sROLE: not primary, replica or any", "MEMO_")
	fmt.Println(found.Err())
	// Output:
	// MEMO_PORT: must be at least 1
	// MEMO_ROLE: not primary, replica or any
}

// An accessor is for programs that take their handles after OpenAll.
func ExampleMust() {
	memo := NewMemo("memo")
	defer func() { fmt.Println(recover()) }()
	kit.Must(memo.Handle())
	// Output: memo: not open: registry.OpenAll has not opened it yet
}

// A method that needs more than the handle takes the client.
func ExampleClientOf() {
	memo := NewMemo("memo")
	client, err := kit.ClientOf(memo.Resource)
	fmt.Println(client == nil, errors.Is(err, registry.ErrNotOpen))
	// Output: true true
}

// A server's codes are looked up, and its texts are not shown: a server may repeat what it was sent.
func ExampleTable() {
	codes := kit.Table[int]{
		{1040, registry.KindExhausted, "too many connections"},
		{1045, registry.KindAuth, "access denied"},
	}
	err := codes.Of(1045)
	fmt.Println(registry.KindOf(err), "-", err)
	fmt.Println(codes.Of(1064))
	// Output:
	// auth - access denied (1045)
	// the server answered with the error 1064
}

// Errors that have no code are known by how they begin, or by what they wrap.
func ExampleTable_First() {
	replies := kit.Table[string]{
		{"NOAUTH", registry.KindAuth, "the server wants a password"},
		{"LOADING", registry.KindLoading, "the server is loading its data"},
	}
	reply := "LOADING Redis is loading the dataset in memory"
	fmt.Println(replies.First(func(word string) bool { return strings.HasPrefix(reply, word) }))
	// Output: the server is loading its data
}

// What a driver, the network or TLS says holds addresses and more; what is shown does not.
func ExampleClassify() {
	err := fmt.Errorf("driver: user app at db.internal: %w", io.ErrUnexpectedEOF)
	fmt.Println(registry.KindOf(kit.Classify(err)), "-", kit.Classify(err))
	// Output: unreachable - the connection was closed
}

// An error of the backend's own comes back out of what a driver makes of it.
func ExampleErrorf() {
	wrong := kit.Errorf(registry.KindConfig, "what answers on this port is no memo server")
	err := kit.Classify(fmt.Errorf("driver: login as app: %w", wrong))
	fmt.Println(registry.KindOf(err), "-", err)
	// Output: config - what answers on this port is no memo server
}

// The parts of a URL have their escapes undone, and no error quotes one.
func ExampleParseURI() {
	u, err := kit.ParseURI("memo://app:p%40ss@db.internal/shop", "memo", "memos")
	fmt.Println(u.User, u.Hosts[0].Addr(7007), u.Path, err)
	_, err = kit.ParseURI("memo://app:p/ss@db.internal/shop", "memo")
	fmt.Println(err)
	// Output:
	// app db.internal:7007 shop <nil>
	// the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)
}

// The options of a URL are a table: fields, those of the driver, and what people copy from other languages.
func ExampleURLOptions() {
	type Config struct {
		Timeout time.Duration `env:"TIMEOUT"`
		TLS     config.TLS
	}
	cfg, vars, _ := config.LoadOr("memo", &Config{Timeout: time.Second})
	options := kit.URLOptions{Vars: vars, Known: []kit.URLOption{
		{Names: "timeout", Also: "connect_timeout:s", Field: &cfg.Timeout, Key: "TIMEOUT"},
		{Names: "tls", Also: "ssl", Set: func(_, value string) error {
			return kit.SetTLS(&cfg.TLS, vars, value, "true or false")
		}},
		{Names: "sslca", Text: "set PREFIX_TLS_CA_FILE"},
		{Names: "useUnicode"}, // skipped with a record
	}}
	u, _ := kit.ParseURI("memo://h?sslca=ca.pem&timeuot=3s&connect_timeout=3", "memo")
	fmt.Println(options.Read("MEMO_URL", u.Query))
	u, _ = kit.ParseURI("memo://h?ssl=true", "memo")
	fmt.Println(options.Read("MEMO_URL", u.Query), cfg.TLS.Mode)
	// Output:
	// option connect_timeout: conflicts with MEMO_TIMEOUT; remove one
	// option sslca: not supported: set MEMO_TLS_CA_FILE
	// option "timeuot" is unknown; did you mean timeout?
	// <nil> verify
}

func ExampleSetTLS() {
	cfg, vars, _ := config.LoadOr("memo", &config.TLS{})
	fmt.Println(kit.SetTLS(&cfg, vars, "verify-full", "true or false"), cfg.Mode)
	fmt.Println(kit.SetTLS(&cfg, vars, "disable", "true or false"))
	// Output:
	// <nil> verify
	// conflicts with MEMO_TLS or another option; remove one
}

// Drivers and platforms name the file of an authority in many ways.
func ExampleTLSOptions() {
	cfg, vars, _ := config.LoadOr("memo", new(struct{ config.TLS }))
	set := func(_, word string) error { return kit.SetTLS(&cfg.TLS, vars, word, "true or false") }
	options := kit.URLOptions{Vars: vars, Known: kit.TLSOptions(&cfg.TLS, set)}
	err := options.Read("MEMO_URL", url.Values{"ssl-mode": {"VERIFY_CA"}, "sslca": {"/etc/ca.pem"}})
	fmt.Println(cfg.Mode, cfg.CAFile, err)
	// Output: verify /etc/ca.pem <nil>
}

// Each of the hosts may have a port.
func ExampleParseHosts() {
	hosts, err := kit.ParseHosts("db1:7007,[::1],%2Frun%2Fmemo.sock")
	for _, host := range hosts {
		fmt.Println(host.Addr(7000), err)
	}
	// Output:
	// db1:7007 <nil>
	// [::1]:7000 <nil>
	// /run/memo.sock <nil>
}

// A connection string of another language is recognized, and not quoted.
func ExampleOtherForm() {
	fmt.Println(kit.OtherForm("Server=db.internal;Password=secret", "memo"))
	// Output: this is the form of .NET: write memo://user:password@host/database
}

func ExampleParseHost() {
	host, err := kit.ParseHost("[::1]:7007")
	fmt.Println(host.Name, host.Port, err)
	// Output: ::1 7007 <nil>
}

func ExampleHost_Addr() {
	fmt.Println(kit.Host{Name: "db.internal"}.Addr(7007))
	fmt.Println(kit.Host{Name: "::1", Port: config.Port(7008)}.Addr(7007))
	// Output:
	// db.internal:7007
	// [::1]:7008
}

// Close of a client cuts what is still in use when its time is over, and says how much that was.
func ExampleConns() {
	server := listenForPings()
	defer func() { _ = server.Close() }()
	var conns kit.Conns
	if _, err := conns.Dial(context.Background(), server.Addr().String(), time.Minute); err != nil {
		fmt.Println(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(conns.Close(ctx, func() {}))
	fmt.Println(conns.Err())
	// Output:
	// 1 connections were still in use and have been cut
	// not open: it was closed
}

// What is in use may finish its work in all of the time that Close has, less what it takes to cut the rest.
func ExampleWorking() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	working, stop := kit.Working(ctx)
	defer stop()
	deadline, _ := working.Deadline()
	fmt.Println(time.Until(deadline).Round(100 * time.Millisecond))
	// Output: 19.9s
}

// A check asks over the pool, and then over a connection of its own. A full pool is no failure while it moves, and a
// stale connection in the pool is none if the server answers on a new one.
func ExamplePool_Check() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var pool kit.Pool
	stats := func() registry.PoolStats { return registry.PoolStats{Max: 10, InUse: 10} }
	pooled := func(ctx context.Context) error {
		<-ctx.Done() // no connection is free
		return ctx.Err()
	}
	direct := func(context.Context) error { return nil }
	err := pool.Check(ctx, stats, pooled, direct, nil)
	fmt.Println(registry.KindOf(err), "-", err)
	pooled = func(context.Context) error { return kit.Classify(io.EOF) }
	fmt.Println(pool.Check(ctx, stats, pooled, direct, nil))
	// Output:
	// degraded - all 10 connections of the pool are in use
	// <nil>
}

// A backend notes what its connections do, and so knows a pool that is busy from one whose connections were never
// given back.
func ExamplePool() {
	var pool kit.Pool
	pool.Lent()
	err := pool.Full(registry.PoolStats{Max: 10, InUse: 10})
	fmt.Println(registry.KindOf(err), "-", err)
	// Output: degraded - all 10 connections of the pool are in use
}

// One look-up is not enough to leave a server: a name server may answer with a part of the addresses.
func ExampleLookups() {
	var lookups kit.Lookups
	lookups.Ask(context.Background(), "127.0.0.1")
	fmt.Println(lookups.Left(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 7007}))
	// Output: false
}

// A check asks the server whether it takes writes, if the program cares.
func ExampleRole() {
	role, err := kit.ParseRole(config.Variables{}, "primary")
	fmt.Println(role.Judge(true), err)
	fmt.Println(role.Judge(false))
	// Output:
	// <nil> <nil>
	// the server takes no writes, and the role asks for a primary
}
