package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
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
	p.Signal(t, syscall.SIGTERM)
	p.Await(t, "msg=stopping")
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
	if strings.Contains(p.Log(), "msg=closed") {
		t.Error("a resource was closed before the last request was answered")
	}
	last := slow.finish(t)
	if err := p.Ended(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
	inOrder(t, p.Log(), "msg=stopping", "resource=packing op=close", "resource=pubsub op=close", "resource=redis op=close",
		"resource=mongo op=close", "resource=mysql op=close")

	again := serving(t, variables) // to pack what has not been packed
	awaitPacked(t, again, late)
	awaitPacked(t, again, last)
}

var restarts = flag.Int("restarts", 10, "how often the service is restarted under load")

// TestRestartsUnderLoadLoseNothingWhileBackendsFail restarts the service with SIGTERM, at random moments, while the
// embedded servers of MySQL, MongoDB and Redis go away and return. No order that was accepted is lost, and no event is
// handled again after it was acknowledged.
func TestRestartsUnderLoadLoseNothingWhileBackendsFail(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		*restarts = 3
	}
	variables, returned := failing(t)
	var placed []orders.Order
	var logs strings.Builder
	for range *restarts {
		p := serving(t, variables, "-drain", "50ms")
		found := make(chan []orders.Order)
		for range 4 {
			go func() { found <- placeUntilRefused(p.url) }()
		}
		<-time.After(rand.N(time.Second))
		p.Signal(t, syscall.SIGTERM)
		for range 4 {
			placed = append(placed, <-found...)
		}
		if err := p.Ended(t); err != nil {
			t.Errorf("it ended with %v", err)
		}
		logs.WriteString(p.Log())
	}
	returned()
	last := serving(t, variables)
	for _, order := range placed {
		awaitPacked(t, last, order)
	}
	handled := func() map[string]int {
		times := make(map[string]int)
		for _, match := range regexp.MustCompile(`msg="handled an event" event=(\S+)`).FindAllStringSubmatch(logs.String()+last.Log(), -1) {
			times[match[1]]++
		}
		return times
	}
	// On servers of others, the services of other tests handle some of the events.
	if servers(t) == nil { // an event comes again whose order was packed when the connection broke
		eventually(t, fmt.Sprintf("that %d events are handled", len(placed)), func() bool { return len(handled()) >= len(placed) })
	}
	for event, times := range handled() {
		if times > 1 {
			t.Errorf("the event %s was handled %d times", event, times)
		}
	}
	if len(placed) < *restarts {
		t.Errorf("only %d orders were accepted", len(placed))
	}
	t.Logf("%d restarts, %d orders accepted and packed, %d events, each handled once", *restarts, len(placed), len(handled()))
}

// failing is lasting with servers that go away, one after the other, and come back, until the function that it returns
// is called. Servers of others stay.
func failing(t *testing.T) (variables []string, returned func()) {
	t.Helper()
	if variables := servers(t); variables != nil {
		return variables, func() {}
	}
	backends, stop, done := stack(t), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			for _, name := range []string{"mysql", "mongo", "redis"} {
				for _, act := range []func(string) error{backends.StopServer, backends.StartServer} {
					if err := act(name); err != nil {
						t.Error(err)
					}
					<-time.After(rand.N(300 * time.Millisecond))
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	returned = sync.OnceFunc(func() { close(stop); <-done })
	t.Cleanup(returned)
	return backends.Env(), returned
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
	p.Signal(t, syscall.SIGTERM)
	p.Await(t, "msg=stopping")
	for ended := false; !ended; { // at first it is taken for the same one
		p.Signal(t, syscall.SIGTERM)
		select {
		case <-p.Done:
			ended = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	err, ok := errors.AsType[*exec.ExitError](p.Ended(t))
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
	p.Signal(t, syscall.SIGTERM)
	p.Await(t, "msg=stopping")
	began := time.Now()
	err, ok := errors.AsType[*exec.ExitError](p.Ended(t))
	if !ok || err.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	const slack = 2 * time.Second // for a busy machine
	if took := time.Since(began); took > total+slack {
		t.Errorf("it took %v of %v", took, total)
	}
	inOrder(t, p.Log(), "msg=stopping", "resource=pubsub op=close", "resource=mysql op=close",
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
