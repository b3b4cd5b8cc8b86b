package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/vibework/mooring/registry/health"
)

// server serves the health endpoints.
type server struct {
	http *http.Server
	url  string
	done chan error
}

// serve listens on addr, or on any free port if that one is taken.
func serve(addr string) (*server, error) {
	listen := new(net.ListenConfig)
	listener, err := listen.Listen(context.Background(), "tcp", addr)
	if err != nil {
		if listener, err = listen.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	s := &server{
		http: &http.Server{Handler: health.Handler(nil, health.Options{}), ReadHeaderTimeout: 5 * time.Second},
		url:  "http://" + listener.Addr().String(),
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(listener) }()
	fmt.Printf("\nserving %s/livez and %s/readyz\n", s.url, s.url)
	return s, nil
}

// show asks /readyz as a probe would and prints the answer.
func (s *server) show() error {
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fmt.Printf("GET /readyz: %s\n%s", res.Status, body)
	return err
}

// stop serves for as long as drain, and then until the requests under way are answered, for at most 5s.
func (s *server) stop(drain time.Duration) error {
	s.http.SetKeepAlivesEnabled(false)
	select {
	case <-time.After(drain):
	case err := <-s.done:
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
