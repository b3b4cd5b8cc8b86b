package all_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/internal/tcptest"
)

// ear collects what a server has sent back.
type ear struct {
	mu   sync.Mutex
	text strings.Builder
}

func (e *ear) hear(sent string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.text.WriteString(sent + "\n")
}

func (e *ear) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.String()
}

// servers collects the servers of one backend.
type servers struct {
	t     *testing.T
	addrs map[string]string // by how they behave
	ears  map[string]*ear
}

func (s servers) listen(how, addr string) { s.addrs[how] = addr }

// ear returns what a server is to call with everything that it sends back.
func (s servers) ear(how string) func(string) {
	s.ears[how] = new(ear)
	return s.ears[how].hear
}

// startCanaryServers starts servers of every bad kind and notes where they are. It returns what those hear that send
// back what they get.
func startCanaryServers(t *testing.T, at map[string]map[string]string) (ears map[string]map[string]*ear) {
	t.Helper()
	silent := tcptest.Start(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }).Addr()
	plain := tcptest.Start(t, func(c net.Conn) { _, _ = io.Copy(c, c) }).Addr() // without any protocol
	closed := tcptest.Start(t, nil)
	closed.Stop()
	ears = make(map[string]map[string]*ear)
	for backend, w := range worlds {
		at[backend], ears[backend] = make(map[string]string), make(map[string]*ear)
		s := servers{t, at[backend], ears[backend]}
		s.listen("refuses", closed.Addr())
		s.listen("is silent", silent)
		s.listen("mirrors", plain)
		w.start(s)
	}
	return ears
}

func startMySQL(s servers) {
	certificate := httptest.NewTLSServer(nil)
	s.t.Cleanup(certificate.Close)
	offered := &tls.Config{Certificates: certificate.TLS.Certificates}
	for how, e := range map[string]mysqltest.Echo{
		"echoes": {}, "echoes in a plugin's name": {InPlugin: true}, "echoes after a ping": {AfterPing: true},
	} {
		e.TLS, e.Heard = offered, s.ear(how)
		s.listen(how, mysqltest.StartEcho(s.t, e).Addr())
	}
	rejecting := mysqltest.Options{User: "app", Password: "another", TLS: offered}
	s.listen("rejects", mysqltest.Start(s.t, rejecting).Addr())
}

func startMongo(s servers) {
	s.listen("echoes", mongotest.StartEcho(s.t, false, s.ear("echoes")).Addr())
	s.listen("echoes after a ping", mongotest.StartEcho(s.t, true, s.ear("echoes after a ping")).Addr())
	s.listen("rejects", mongotest.Start(s.t, mongotest.Options{User: "app", Password: "another"}).Addr())
}

func startRedis(s servers) {
	for how, reply := range map[string]string{
		"echoes":                  "-ERR unknown command 'AUTH', with args beginning with: %s",
		"echoes and nothing else": "-%s",
		"rejects":                 "-WRONGPASS %s",
		"says no permission":      "-NOPERM %s",
	} {
		s.listen(how, echoRedis(s.t, 0, reply, s.ear(how)))
	}
	s.listen("echoes after a ping", echoRedis(s.t, 1, "-%s", s.ear("echoes after a ping")))
}

func startPubSub(s servers) {
	for _, code := range []codes.Code{codes.Unauthenticated, codes.Unavailable, codes.Internal, codes.InvalidArgument, 77} {
		how := "echoes with " + code.String()
		s.listen(how, echoGRPC(s.t, 0, code, s.ear(how)))
	}
	s.listen("echoes", echoGRPC(s.t, 0, codes.Unknown, s.ear("echoes")))
	s.listen("echoes after a call", echoGRPC(s.t, 1, codes.Unknown, s.ear("echoes after a call")))
}

// echoRedis starts a server that answers each connection's first so many PINGs, and with reply from then on, with
// all arguments so far for %s. Without any PING to answer, it begins with the first command.
func echoRedis(t *testing.T, pings int, reply string, heard func(string)) string {
	t.Helper()
	return tcptest.Start(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		var args []string
		for left := pings; ; {
			command, err := readCommand(in)
			if err != nil {
				return
			}
			answer := "+OK"
			switch {
			case left == 0:
				args = append(args, command[1:]...)
				all := strings.NewReplacer("\r", " ", "\n", " ").Replace(strings.Join(args, " "))
				heard(all)
				answer = fmt.Sprintf(reply, all)
			case command[0] == "PING":
				left--
				answer = "+PONG"
			default:
				args = append(args, command[1:]...)
			}
			if _, err := io.WriteString(c, answer+"\r\n"); err != nil {
				return
			}
		}
	}).Addr()
}

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	number := func() (int, error) {
		line, err := in.ReadString('\n')
		if err != nil || len(line) < 4 {
			return 0, io.ErrUnexpectedEOF
		}
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	n, err := number()
	if err != nil || n < 1 || n > 100 {
		return nil, io.ErrUnexpectedEOF
	}
	command := make([]string, n)
	for i := range command {
		size, err := number()
		if err != nil || size < 0 || size > 1<<20 {
			return nil, io.ErrUnexpectedEOF
		}
		word := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		command[i] = string(word[:size])
	}
	return command, nil
}

// echoGRPC starts a server that knows no topic on the first so many calls of a project, and fails with what it was
// sent from then on.
func echoGRPC(t *testing.T, calls int, code codes.Code, heard func(string)) string {
	t.Helper()
	var mu sync.Mutex
	seen := make(map[string]int)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		headers, _ := metadata.FromIncomingContext(stream.Context())
		var request raw
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		sent := fmt.Sprintf("%q %v", request, headers)
		mu.Lock()
		seen[string(request)]++
		n := seen[string(request)]
		mu.Unlock()
		if n <= calls {
			return status.Error(codes.NotFound, "no such topic: "+sent)
		}
		heard(sent)
		return status.Error(code, sent)
	}), grpc.ForceServerCodec(rawCodec{}))
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return l.Addr().String()
}

// raw is a message as it came.
type raw []byte

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*raw), nil }

func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*raw) = append(raw(nil), data...)
	return nil
}

func (rawCodec) Name() string { return "raw" }
