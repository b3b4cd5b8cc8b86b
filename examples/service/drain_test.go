package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/examples/service/budget"
)

const (
	total = 25 * time.Second
	delay = 5 * time.Second
)

func TestDrainingWaitsForTheDelayAndForTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const busy = 2 * time.Second
		took, err := drain(t, func(end <-chan struct{}) {
			<-end
			<-time.After(busy)
		})
		if took != delay+busy || err != nil {
			t.Errorf("it took %v: %v", took, err)
		}
	})
}

func TestAWorkerThatDoesNotEndLeavesCloseAllItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		defer close(ended)
		took, err := drain(t, func(<-chan struct{}) { <-ended })
		if want := total - budget.Share(total, delay).Closing; took != want {
			t.Errorf("it took %v, not %v", took, want)
		}
		if err == nil || !strings.Contains(err.Error(), "the worker was cut off") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestRequestsThatDoNotEndAreCutOffAfterTheirShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			<-req.Context().Done()
		})}
		client, conn := net.Pipe()
		defer client.Close()
		listener := make(pipes, 1)
		listener <- conn
		go server.Serve(listener)
		if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: service\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		took, err := drainServer(t, server, func(end <-chan struct{}) { <-end })
		share := budget.Share(total, delay)
		if want := share.Draining + share.Requests; took != want {
			t.Errorf("it took %v, not %v", took, want)
		}
		if err == nil || !strings.Contains(err.Error(), "requests were cut off") {
			t.Errorf("the error is %v", err)
		}
	})
}

// drain drains a service that does this work, and returns how long that took.
func drain(t *testing.T, work func(end <-chan struct{})) (time.Duration, error) {
	t.Helper()
	return drainServer(t, new(http.Server), work)
}

func drainServer(t *testing.T, server *http.Server, work func(end <-chan struct{})) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), total)
	defer cancel()
	working, endWork := context.WithCancel(t.Context())
	s := &service{server: server, endWork: endWork}
	s.working.Go(func() { work(working.Done()) })
	began := time.Now()
	err := s.drain(ctx, delay)
	return time.Since(began), err
}

// pipes is a listener whose connections live in this process.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return new(net.TCPAddr) }
