package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/serve"
)

// TestMain lets the tests run this test binary as a service.
func TestMain(m *testing.M) {
	if text := os.Getenv("SERVE_TEST_SCRIPT"); text != "" {
		var s script
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			panic(err)
		}
		os.Exit(s.play())
	}
	// The goroutine that waits for signals must not be made in a bubble.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	signal.Stop(signals)
	goleak.VerifyTestMain(m)
}

func goexit() { runtime.Goexit() }

// script is what the service of a process test does.
type script struct {
	Addr           string
	Drain, Timeout time.Duration
	Open, Work     time.Duration // how long it takes to open, and to answer a request
	Start          string        // the error of start
	HangInClose    bool
	NotifyContext  bool // the context of Run ends with a signal, too
}

// account is what the service writes in the end.
type account struct {
	Begun, Done int64 // handlers
	Late        int64 // handlers that met a store that was closed
	Err         string
}

// play runs the service and returns its exit code.
func (s script) play() int {
	var begun, done, late atomic.Int64
	var opened atomic.Bool
	store := &fake{log: new(journal)}
	store.open = func(ctx context.Context) error {
		select {
		case <-time.After(s.Open):
			opened.Store(true)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	store.close = func(context.Context) error {
		opened.Store(false)
		if s.HangInClose {
			select {}
		}
		return nil
	}
	registry.Default().Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	registry.Default().OpenTimeout = time.Hour
	registry.Register(store)

	work := func(w http.ResponseWriter, req *http.Request) {
		begun.Add(1)
		_, _ = io.Copy(io.Discard, req.Body)
		time.Sleep(s.Work)
		if !opened.Load() {
			late.Add(1)
		}
		done.Add(1)
		_, _ = io.WriteString(w, "done")
	}
	ctx := context.Background()
	if s.NotifyContext {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
	}
	err := serve.Run(ctx, serve.Options{
		Server: &http.Server{Addr: s.Addr}, Drain: s.Drain, Timeout: s.Timeout,
	}, func(context.Context) (http.Handler, error) {
		if s.Start != "" {
			return nil, fmt.Errorf("%s", s.Start)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/work", work)
		mux.HandleFunc("/stream", stream)
		mux.HandleFunc("/hijack", hijack)
		return mux, nil
	})
	a := account{Begun: begun.Load(), Done: done.Load(), Late: late.Load()}
	if err != nil {
		a.Err = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(a)
	if err != nil {
		return 1
	}
	return 0
}

// stream answers until the client, or the server, has enough of it.
func stream(w http.ResponseWriter, req *http.Request) {
	_, _ = io.WriteString(w, "and so on\n")
	_ = http.NewResponseController(w).Flush()
	<-req.Context().Done()
}

// hijack speaks another protocol, until the connection is closed.
func hijack(w http.ResponseWriter, _ *http.Request) {
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_, _ = in.ReadByte()
}
