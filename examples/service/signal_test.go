package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSIGTERMLetsRequestsFinishAndLosesNothing(t *testing.T) {
	t.Parallel()
	p := serve(t, servers(t), "-drain", "2s")
	slow := begin(t, p)
	p.signal(t)
	p.await(t, "msg=draining")
	if code, text := p.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "draining") {
		t.Errorf("while draining /readyz answers %d %s", code, text)
	}
	if code, _ := p.get(t, "/livez"); code != http.StatusOK {
		t.Errorf("while draining /livez answers %d", code)
	}
	place(t, p) // it still serves
	eventually(t, "no new connection is accepted", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if strings.Contains(p.log(), "msg=closed") {
		t.Error("a resource was closed before the last request was answered")
	}
	if code := slow.finish(t); code != http.StatusCreated {
		t.Errorf("the request that was under way was answered by %d", code)
	}
	if err := p.wait(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
	inOrder(t, p.log(), "msg=draining", "resource=pubsub op=close", "resource=redis op=close",
		"resource=mongo op=close", "resource=mysql op=close")
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, servers(t), "-drain", "50m", "-budget", "1h")
	p.signal(t)
	p.await(t, "msg=draining")
	p.signal(t)
	err, ok := errors.AsType[*exec.ExitError](p.wait(t))
	if !ok || err.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", err)
	}
}

func TestStoppingKeepsItsBudget(t *testing.T) {
	t.Parallel()
	p := serve(t, nil, "-drain", "100ms", "-budget", "3s")
	begin(t, p) // and never finish it
	play(t, p, "pubsub", "frozen")
	place(t, p) // whose event cannot be flushed
	play(t, p, "mysql", "frozen")
	p.signal(t)
	p.await(t, "msg=draining")
	began := time.Now()
	err, ok := errors.AsType[*exec.ExitError](p.wait(t))
	if !ok || err.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	inOrder(t, p.log(), "msg=draining", "resource=pubsub op=close", "resource=mysql op=close",
		"requests were cut off", "1 message")
}

func TestSIGTERMWhileOpeningEndsIt(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"MYSQL_URL=mysql://root@127.0.0.1:1/none"})
	p.await(t, "resource=mysql op=open")
	p.signal(t)
	if err := p.wait(t); err == nil {
		t.Error("it ended well without having served")
	}
}

func TestAWrongConfigurationExitsWith1AndNamesTheVariables(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"MYSQL_URL=mysql://root:hunter2", "REDIS_HOST=h", "REDIS_PORT=hunter2"})
	if err, ok := errors.AsType[*exec.ExitError](p.wait(t)); !ok || err.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"MYSQL_URL: ", "REDIS_PORT: "} {
		if !strings.Contains(p.log(), want) {
			t.Errorf("%s is not named", want)
		}
	}
	if strings.Contains(p.log(), "hunter2") {
		t.Error("the password is shown")
	}
}

// order is a request to place one, of which the last byte is missing.
type order struct {
	conn net.Conn
	read *bufio.Reader
	last string
}

// begin returns when the service is reading the request.
func begin(t *testing.T, p *program) *order {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	body := `{"product": "rope", "quantity": 1}`
	_, err = fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: service\r\nContent-Length: %d\r\n"+
		"Expect: 100-continue\r\n\r\n", len(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	read := bufio.NewReader(conn)
	line, err := read.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the service answers %q, %v", line, err)
	}
	if _, err := read.ReadString('\n'); err != nil { // the empty line after it
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(body[:len(body)-1])); err != nil {
		t.Fatal(err)
	}
	return &order{conn, read, body[len(body)-1:]}
}

// finish returns the code of the answer.
func (o *order) finish(t *testing.T) int {
	t.Helper()
	if _, err := o.conn.Write([]byte(o.last)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(o.read, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func inOrder(t *testing.T, text string, wants ...string) {
	t.Helper()
	at := 0
	for _, want := range wants {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Errorf("%q is missing, or not in order", want)
			return
		}
		at += i
	}
}
