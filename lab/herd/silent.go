package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
	"github.com/vibework/mooring/registry/serve"
)

// serviceMark, as the first argument, makes this process a service with two backends, of which one is optional.
const serviceMark = "be-a-service-with-a-cache"

// beService never returns if this process was started to be a service. It is told the port to serve at.
func beService() {
	if len(os.Args) != 3 || os.Args[1] != serviceMark {
		return
	}
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(redis.New("redis"))
	r.Register(redis.New("redis-cache"))
	r.SetOptional("redis-cache")
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // until its parent has gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	options := serve.Options{
		Registry: r, Server: &http.Server{Addr: net.JoinHostPort("127.0.0.1", os.Args[2])}, Drain: -1,
	}
	if err := serve.Run(ctx, options, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// What the kubelet does unless a manifest says otherwise, but for its period of ten seconds.
const (
	kubeletTimeout = time.Second
	kubeletFailing = 3 // so many failures one after the other make a pod unready
	kubeletPeriod  = 2 * time.Second
)

// A watched is a service that a kubelet looks at.
type watched struct {
	*member
	url     string
	failing int
	unready bool
	slowest time.Duration // answer
	last    string        // what went wrong last
}

// silence starts so many services, lets their optional backend fall silent, and looks at their readiness so often.
func silence(ctx context.Context, services, looks int) (all []*watched, err error) {
	folder, err := os.MkdirTemp("", "herd-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p, _, err := server.Redis(folder, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Stop() }()
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	cache, err := faultproxy.Start(p.Addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = cache.Close() }()
	defer func() {
		cache.Pass() // or the services wait for the cache to close
		for _, w := range all {
			err = errors.Join(err, w.end())
		}
	}()
	for range services {
		w, err := launch(ctx, p, cache.Addr())
		if err != nil {
			return all, err
		}
		all = append(all, w)
	}
	if err := each(all, func(w *watched) error { return w.ready(ctx) }); err != nil {
		return all, err
	}
	cache.Blackhole()
	for range looks {
		next := time.After(kubeletPeriod)
		_ = each(all, func(w *watched) error { w.look(ctx); return nil })
		select {
		case <-next:
		case <-ctx.Done():
			return all, ctx.Err()
		}
	}
	return all, nil
}

func launch(ctx context.Context, p *server.Process, cache string) (*watched, error) {
	port, err := server.FreePort()
	if err != nil {
		return nil, err
	}
	_, cachePort, _ := net.SplitHostPort(cache)
	m, err := start(ctx, []string{
		"REDIS_HOST=127.0.0.1", "REDIS_PORT=" + p.Port(), "REDIS_PASSWORD=" + p.Password,
		"REDIS_CACHE_HOST=127.0.0.1", "REDIS_CACHE_PORT=" + cachePort, "REDIS_CACHE_PASSWORD=" + p.Password,
	}, serviceMark, strconv.Itoa(port))
	return &watched{member: m, url: "http://127.0.0.1:" + strconv.Itoa(port) + "/readyz"}, err
}

// ready waits until the service is.
func (w *watched) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if err := w.probe(ctx, time.Minute); err == nil {
			return nil
		} else if ctx.Err() != nil {
			return fmt.Errorf("a service is not ready: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// look is what the kubelet does once a period.
func (w *watched) look(ctx context.Context) {
	began := time.Now()
	err := w.probe(ctx, kubeletTimeout)
	w.slowest = max(w.slowest, time.Since(began))
	if err == nil {
		w.failing = 0
		return
	}
	w.failing++
	w.last = err.Error()
	w.unready = w.unready || w.failing >= kubeletFailing
}

func (w *watched) probe(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return err
	}
	req.Close = true // as the kubelet's are
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	return err
}

// silentRow says how it went.
func silentRow(all []*watched) string {
	unready, slowest := 0, time.Duration(0)
	for _, w := range all {
		slowest = max(slowest, w.slowest)
		if w.unready {
			unready++
		}
	}
	return fmt.Sprintf("\n%d services with an optional backend that is silent, asked with a patience of %v: "+
		"%d become unready; the slowest answer took %d ms\n", len(all), kubeletTimeout, unready, slowest.Milliseconds())
}
