package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/examples/service/internal/orders"
)

func TestSIGTERMLetsRequestsFinishAndLosesNothing(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	variables := lasting(t)
	p := serving(t, variables, "-drain", delay.String())
	slow := begin(t, p)
	signaled := time.Now()
	p.signal(t)
	p.await(t, "msg=stopping")
	if code, text := p.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "draining") {
		t.Errorf("while draining /readyz answers %d %s", code, text)
	}
	if code, _ := p.get(t, "/livez"); code != http.StatusOK {
		t.Errorf("while draining /livez answers %d", code)
	}
	late := place(t, p) // it still serves
	eventually(t, "no new connection is accepted", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if accepted := time.Since(signaled); accepted < delay {
		t.Errorf("connections were accepted for %v, not for %v", accepted, delay)
	}
	if strings.Contains(p.log(), "msg=closed") {
		t.Error("a resource was closed before the last request was answered")
	}
	last := slow.finish(t)
	if err := p.wait(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
	inOrder(t, p.log(), "msg=stopping", "resource=packing op=close", "resource=pubsub op=close", "resource=redis op=close",
		"resource=mongo op=close", "resource=mysql op=close")

	again := serving(t, variables) // to pack what has not been packed
	awaitPacked(t, again, late)
	awaitPacked(t, again, last)
}

func TestTenRestartsUnderLoadLoseNoOrder(t *testing.T) {
	t.Parallel()
	variables := lasting(t)
	var placed []orders.Order
	for range 10 {
		p := serving(t, variables, "-drain", "50ms")
		found := make(chan []orders.Order)
		for range 4 {
			go func() { found <- placeUntilRefused(p.url) }()
		}
		<-time.After(rand.N(300 * time.Millisecond))
		p.signal(t)
		for range 4 {
			placed = append(placed, <-found...)
		}
		if err := p.wait(t); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	if len(placed) < 10 {
		t.Errorf("only %d orders were accepted", len(placed))
	}
	last := serving(t, variables)
	for _, order := range placed {
		awaitPacked(t, last, order)
	}
}

// placeUntilRefused returns the orders that were accepted.
func placeUntilRefused(url string) (accepted []orders.Order) {
	client := &http.Client{Transport: new(http.Transport), Timeout: patience}
	defer client.CloseIdleConnections()
	for {
		res, err := client.Post(url+"/orders", "application/json", strings.NewReader(`{"product": "rope", "quantity": 2}`))
		if err != nil {
			return accepted
		}
		var order orders.Order
		err = json.NewDecoder(res.Body).Decode(&order)
		res.Body.Close()
		if err == nil && res.StatusCode == http.StatusCreated {
			accepted = append(accepted, order)
		}
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	p := serving(t, servers(t), "-drain", "50m", "-budget", "1h")
	p.signal(t)
	p.await(t, "msg=stopping")
	p.signal(t)
	err, ok := errors.AsType[*exec.ExitError](p.wait(t))
	if !ok || err.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", err)
	}
}

func TestStoppingKeepsItsBudget(t *testing.T) {
	t.Parallel()
	const total = 3 * time.Second
	p := serving(t, nil, "-drain", "100ms", "-budget", total.String())
	begin(t, p) // and never finish it
	play(t, p, "pubsub", "frozen")
	place(t, p) // whose event cannot be flushed
	play(t, p, "mysql", "frozen")
	p.signal(t)
	p.await(t, "msg=stopping")
	began := time.Now()
	err, ok := errors.AsType[*exec.ExitError](p.wait(t))
	if !ok || err.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	const slack = 2 * time.Second // for a busy machine
	if took := time.Since(began); took > total+slack {
		t.Errorf("it took %v of %v", took, total)
	}
	inOrder(t, p.log(), "msg=stopping", "resource=pubsub op=close", "resource=mysql op=close",
		"requests were cut off", "1 message")
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
