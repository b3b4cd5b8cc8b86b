package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/examples/service/internal/orders"
)

func TestARequestThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	if code, text := begin(t, serving(t, servers(t))).answer(t); code != http.StatusBadRequest {
		t.Errorf("it is answered by %d %s", code, text)
	}
}

// slowOrder is a request to place one, of which the last byte is missing.
type slowOrder struct {
	conn net.Conn
	read *bufio.Reader
	last string
}

// begin returns when the service is reading the request.
func begin(t *testing.T, p *program) *slowOrder {
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
	return &slowOrder{conn, read, body[len(body)-1:]}
}

// finish returns the order that was placed.
func (o *slowOrder) finish(t *testing.T) orders.Order {
	t.Helper()
	if _, err := o.conn.Write([]byte(o.last)); err != nil {
		t.Fatal(err)
	}
	code, text := o.answer(t)
	if code != http.StatusCreated {
		t.Fatalf("the request that was under way was answered by %d %s", code, text)
	}
	return decode[orders.Order](t, text)
}

// answer waits for the answer.
func (o *slowOrder) answer(t *testing.T) (int, string) {
	t.Helper()
	res, err := http.ReadResponse(o.read, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
