package serve_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
	"github.com/vibework/mooring/registry/serve"
)

// pipes is a listener whose connections live in this process, so that a fake clock can run.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return new(net.TCPAddr) }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}

// bubble is a Run inside of a bubble of synctest.
type bubble struct {
	*pipes
	client http.Client
	store  *fake
	log    *journal
	told   time.Time // when stop was called
	stop   context.CancelFunc
	ended  chan error
}

type startFunc = func(context.Context) (http.Handler, error)

// serving is a start that returns this handler.
func serving(handler http.HandlerFunc) startFunc {
	return func(context.Context) (http.Handler, error) { return handler, nil }
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// begin runs a service with one resource, and returns when it has begun as far as it can.
func begin(t *testing.T, o serve.Options, start startFunc) *bubble {
	t.Helper()
	b := &bubble{pipes: newPipes(), log: new(journal), ended: make(chan error, 1), store: &fake{}}
	b.store.log = b.log
	o.Registry = registry.New()
	o.Registry.Logger = slog.New(slog.NewTextHandler(b.log, nil))
	o.Registry.Register(b.store)
	b.client.Transport = &http.Transport{DialContext: b.dial}
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = func() { b.told = time.Now(); cancel() }
	go func() { b.ended <- serve.RunOn(ctx, b.pipes, o, start) }()
	t.Cleanup(func() { cancel(); b.client.CloseIdleConnections() })
	synctest.Wait()
	return b
}

// wait returns what Run returned, and how long after stop.
func (b *bubble) wait() (time.Duration, error) {
	err := <-b.ended
	b.client.CloseIdleConnections()
	return time.Since(b.told), err
}

func (b *bubble) get(t *testing.T, path string) (code int, text string, header http.Header, last bool) {
	t.Helper()
	res, err := b.client.Get("http://service" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header, res.Close
}

func (b *bubble) answers(t *testing.T, path string, code int, part string) {
	t.Helper()
	if got, text, _, _ := b.get(t, path); got != code || !strings.Contains(text, part) {
		t.Errorf("%s answers %d %s, want %d %s", path, got, text, code, part)
	}
}

// fake is a resource that works until it is told otherwise.
type fake struct {
	log   *journal
	open  func(context.Context) error
	close func(context.Context) error
}

func (f *fake) Name() string                { return "store" }
func (f *fake) Check(context.Context) error { return nil }

func (f *fake) Open(ctx context.Context) error {
	if f.open != nil {
		return f.open(ctx)
	}
	return nil
}

func (f *fake) Close(ctx context.Context) error {
	_, _ = io.WriteString(f.log, "Close\n")
	if f.close != nil {
		return f.close(ctx)
	}
	return nil
}

// journal is a log that can be read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(text []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(text)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func within(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got < want || got > want+600*time.Millisecond { // Shutdown looks twice a second whether it is done
		t.Errorf("it took %v, want %v", got, want)
	}
}

func contains(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil && len(parts) > 0 {
		t.Errorf("there is no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, without %q", err, part)
		}
	}
	if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("the error is not one line: %q", err)
	}
}

// inOrder wants these lines of the log, or parts of them, one after the other.
func inOrder(t *testing.T, log string, wants ...string) {
	t.Helper()
	rest := log
	for _, want := range wants {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Errorf("%q is missing, or not in order, in\n%s", want, log)
			return
		}
		rest = after
	}
}

func TestReadinessIsRedUntilTheHandlerServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan struct{})
		b := begin(t, serve.Options{}, func(context.Context) (http.Handler, error) {
			<-started
			return answer("hello"), nil
		})
		for range 2 { // also of a client that keeps its connection
			b.answers(t, "/livez", 200, `"pass"`)
			for _, path := range []string{"/readyz", "/readyz/store", "/startupz", "/readyz?verbose"} {
				b.answers(t, path, 503, `{"status":"fail","notes":["starting"]}`)
			}
			b.answers(t, "/readyz/nobody", 404, "")
			b.answers(t, "/orders", 503, "starting")
		}
		if _, _, header, _ := b.get(t, "/"); header.Get("Retry-After") == "" {
			t.Error("nobody is told when to come again")
		}
		close(started)
		synctest.Wait()
		for _, path := range []string{"/readyz", "/readyz/store", "/startupz", "/livez"} {
			b.answers(t, path, 200, `"pass"`)
		}
		b.answers(t, "/orders", 200, "hello")
		b.stop()
		_, err := b.wait()
		contains(t, err)
	})
}

func TestProbesAreAnsweredWhileTheResourcesOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(journal)
		r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
		release := make(chan struct{})
		r.Register(&fake{log: log, open: func(context.Context) error { <-release; return nil }})
		b := &bubble{pipes: newPipes()}
		b.client.Transport = &http.Transport{DialContext: b.dial}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- serve.RunOn(ctx, b.pipes, serve.Options{Registry: r}, nil) }()
		synctest.Wait()
		b.answers(t, "/livez", 200, `"pass"`)
		b.answers(t, "/readyz", 503, "not open")
		b.answers(t, "/startupz", 503, "not open")
		close(release)
		synctest.Wait()
		b.answers(t, "/readyz", 200, `"pass"`) // and nothing that was remembered meanwhile
		b.answers(t, "/orders", 404, "")
		cancel()
		contains(t, <-ended)
		b.client.CloseIdleConnections()
	})
}

func TestThePathsOfGroupsAreProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan struct{})
		groups := map[string][]string{"/deepz": nil}
		b := begin(t, serve.Options{Health: health.Options{Groups: groups}}, func(context.Context) (http.Handler, error) {
			<-started
			return answer("hello"), nil
		})
		b.answers(t, "/deepz", 503, "starting")
		close(started)
		synctest.Wait()
		b.answers(t, "/deepz", 200, `"pass"`)
		b.stop()
		_, err := b.wait()
		contains(t, err)
	})
}

// writer is called with each record.
type writer func(record string)

func (w writer) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }

func TestReadinessIsRedBeforeTheStopIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r registry.Registry
		stops := 0
		r.Logger = slog.New(slog.NewTextHandler(writer(func(record string) {
			if strings.Contains(record, "msg=stopping") {
				if stops++; !r.Draining() {
					t.Error("it is logged before the registry drains")
				}
			}
		}), nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := serve.RunOn(ctx, newPipes(), serve.Options{Registry: &r}, nil); err == nil || stops != 1 {
			t.Errorf("it has ended with %v, and %d records of stopping", err, stops)
		}
	})
}

func TestStoppingDrainsThenShutsDownThenCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var work context.Context
		b := begin(t, serve.Options{}, func(ctx context.Context) (http.Handler, error) {
			work = ctx
			return answer("hello"), nil
		})
		b.store.close = func(context.Context) error {
			if work.Err() == nil {
				t.Error("the context of start goes on")
			}
			return nil
		}
		b.stop()
		<-time.After(4 * time.Second)
		b.answers(t, "/readyz", 503, "draining")
		b.answers(t, "/livez", 200, "pass")
		b.answers(t, "/orders", 200, "hello")
		if _, _, _, last := b.get(t, "/orders"); !last {
			t.Error("the client is not asked to connect anew")
		}
		if work.Err() != nil {
			t.Error("the context of start has ended while requests are served")
		}
		took, err := b.wait()
		contains(t, err)
		within(t, took, 5*time.Second)
		if _, err := b.dial(t.Context(), "", ""); err == nil {
			t.Error("connections are accepted in the end")
		}
		inOrder(t, b.log.String(), "msg=listening", "msg=serving", "msg=stopping", "Close", "msg=stopped open=0s start=0s drain=5s")
	})
}

func TestARequestUnderWayHasItsHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, serving(func(w http.ResponseWriter, _ *http.Request) {
			<-time.After(14 * time.Second)
			_, _ = io.WriteString(w, "late")
		}))
		go b.answers(t, "/", 200, "late")
		synctest.Wait()
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 14*time.Second)
	})
}

func TestWhatGoesOnIsCutOffAfterItsHalf(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a stream": func(w http.ResponseWriter, req *http.Request) {
			w.(http.Flusher).Flush()
			<-req.Context().Done()
		},
		"a hijacked connection": func(w http.ResponseWriter, _ *http.Request) {
			conn, buffer, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = buffer.ReadByte() // until it is closed
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := begin(t, serve.Options{}, serving(handler))
				var closeHas time.Duration
				b.store.close = func(ctx context.Context) error {
					end, _ := ctx.Deadline()
					closeHas = time.Until(end)
					return nil
				}
				res, err := b.client.Get("http://service/")
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				b.stop()
				took, err := b.wait()
				contains(t, err, "shutdown: timeout: requests were cut off after 10s: 1")
				within(t, took, 15*time.Second)
				within(t, closeHas, 9*time.Second)
			})
		})
	}
}

func TestOnlyHandlersHoldShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, serving(answer("hello")))
		b.answers(t, "/", 200, "hello") // and the client keeps its connection
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 5*time.Second)
	})
}

func TestAStreamMayEndWhenTheServerShutsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, over := new(http.Server), make(chan struct{})
		server.RegisterOnShutdown(func() { close(over) })
		b := begin(t, serve.Options{Server: server}, serving(func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			<-over
		}))
		go b.answers(t, "/", 200, "")
		synctest.Wait()
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 5*time.Second)
	})
}

func TestABackendThatHangsInCloseIsNamedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, nil)
		release := make(chan struct{})
		defer close(release)
		b.store.close = func(context.Context) error { <-release; return nil }
		b.stop()
		took, err := b.wait()
		contains(t, err, "close store: hung")
		if took > 25*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestARegistryThatCannotBeClosedInTimeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
		release := make(chan struct{})
		defer close(release)
		for i := range 40 {
			r.Register(numbered{&fake{log: new(journal), close: func(context.Context) error { <-release; return nil }}, i})
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended, began := make(chan error, 1), time.Now()
		go func() {
			ended <- serve.RunOn(ctx, newPipes(), serve.Options{Registry: r, Drain: -1, Timeout: 4 * time.Second}, nil)
		}()
		synctest.Wait()
		cancel()
		contains(t, <-ended, "close all: hung")
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// numbered is a fake with a name of its own.
type numbered struct {
	*fake

	i int
}

func (n numbered) Name() string { return "store-" + strings.Repeat("i", n.i+1) }

func TestAFailedStartClosesAllWithoutADrain(t *testing.T) {
	for name, test := range map[string]struct {
		start startFunc
		want  string
	}{
		"an error": {
			func(context.Context) (http.Handler, error) {
				return nil, errors.Join(errors.New("no table"), errors.New("no rows"))
			},
			"start: no table; no rows",
		},
		"a panic":  {func(context.Context) (http.Handler, error) { panic("no table") }, "start: panic: no table"},
		"a Goexit": {func(context.Context) (http.Handler, error) { goexit(); return nil, nil }, "start: panic: runtime.Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				b := begin(t, serve.Options{}, test.start)
				err := <-b.ended
				contains(t, err, test.want)
				within(t, time.Since(began), 0)
				inOrder(t, b.log.String(), "msg=stopping", "Close", "msg=stopped")
			})
		})
	}
}

func TestAFailedOpenAllStopsTheServiceWithoutADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
		denied := registry.Classify(registry.KindAuth, errors.New("access denied"))
		r.Register(&fake{open: func(context.Context) error { return denied }})
		began := time.Now()
		err := serve.RunOn(t.Context(), newPipes(), serve.Options{Registry: r}, func(context.Context) (http.Handler, error) {
			t.Error("start is called")
			return nil, nil
		})
		contains(t, err, "open store: auth: access denied")
		if !errors.Is(err, denied) || registry.KindOf(err) != registry.KindAuth {
			t.Errorf("the cause is not found in %v", err)
		}
		within(t, time.Since(began), 0)
	})
}

func TestAStopDuringStartEndsItsContextAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, func(ctx context.Context) (http.Handler, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		b.stop()
		took, err := b.wait()
		contains(t, err, "start: context canceled")
		within(t, took, 0)
		inOrder(t, b.log.String(), "msg=stopping", "Close", "msg=stopped")
		if strings.Contains(b.log.String(), "msg=serving") {
			t.Error("it serves")
		}
	})
}

func TestStartIsNotCalledAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
		closed := false
		r.Register(&fake{
			log:   new(journal),
			open:  func(ctx context.Context) error { <-ctx.Done(); return nil }, // it has come to something after all
			close: func(context.Context) error { closed = true; return nil },
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = serve.RunOn(ctx, newPipes(), serve.Options{Registry: r}, func(context.Context) (http.Handler, error) {
			t.Error("it is called")
			return nil, nil
		})
		if !closed {
			t.Error("the resource is not closed")
		}
	})
}

func TestAStartThatSucceedsTooLateServesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, func(ctx context.Context) (http.Handler, error) {
			<-ctx.Done()
			return answer("hello"), nil
		})
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 0)
		if strings.Contains(b.log.String(), "msg=serving") {
			t.Error("it serves")
		}
	})
}

func TestAStartThatHangsIsGivenUpAndAllIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		b := begin(t, serve.Options{}, func(context.Context) (http.Handler, error) { <-release; return nil, nil })
		b.stop()
		took, err := b.wait()
		contains(t, err, "start: hung")
		if took > 25*time.Second {
			t.Errorf("it took %v", took)
		}
		inOrder(t, b.log.String(), "msg=stopping", "Close", "msg=stopped")
	})
}

func TestAServerThatFailsEndsTheServiceWithoutADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{}, serving(answer("hello")))
		b.told = time.Now()
		_ = b.Close()
		took, err := b.wait()
		contains(t, err, "serve: use of closed network connection")
		within(t, took, 0)
		inOrder(t, b.log.String(), "msg=serving", "msg=stopping", "Close", "msg=stopped")
	})
}

func TestAServerThatPanicsLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{ConnContext: func(context.Context, net.Conn) context.Context { panic("no context") }}
		b := begin(t, serve.Options{Server: server}, nil)
		conn, err := b.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		contains(t, <-b.ended, "serve: panic: no context (bubble_test.go:")
		inOrder(t, b.log.String(), "msg=serving", "msg=stopping", "Close", "msg=stopped")
	})
}

func TestNoDrainWhereNoneIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{Drain: -1}, serving(answer("hello")))
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 0)
	})
}

func TestADrainThatLeavesNoTimeIsRefused(t *testing.T) {
	o := serve.Options{Registry: registry.New(), Drain: time.Minute}
	contains(t, serve.Run(t.Context(), o, nil), "serve: config: Drain (1m0s) must be shorter than Timeout (25s)")
	synctest.Test(t, func(t *testing.T) { // and the standard one gives way
		b := begin(t, serve.Options{Timeout: 4 * time.Second}, nil)
		b.stop()
		took, err := b.wait()
		contains(t, err)
		within(t, took, 2*time.Second)
	})
}

func TestTheServerKeepsWhatItHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		server := &http.Server{
			ReadTimeout: time.Minute, IdleTimeout: time.Hour,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				_, _ = io.WriteString(w, req.Context().Value(key{}).(string))
			}),
			ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, key{}, "mine") },
		}
		b := begin(t, serve.Options{Server: server}, nil)
		b.answers(t, "/", 200, "mine")
		times := []time.Duration{server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout}
		if want := []time.Duration{5 * time.Second, time.Minute, 0, time.Hour}; !slices.Equal(times, want) {
			t.Errorf("the timeouts are %v, want %v", times, want)
		}
		b.stop()
		_, err := b.wait()
		contains(t, err)
	})
}

func TestTLSWithoutACertificateIsRefusedBeforeAnythingOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{Server: &http.Server{TLSConfig: new(tls.Config)}}, nil)
		_, err := b.wait()
		contains(t, err, "serve: config: TLSConfig has no certificate")
		if b.log.String() != "" {
			t.Errorf("it has begun:\n%s", b.log)
		}
	})
}

func TestThePortIsFreeAfterAServerThatCannotServe(t *testing.T) {
	secure := httptest.NewTLSServer(nil) // for its certificate
	defer secure.Close()
	config := &tls.Config{
		Certificates: secure.TLS.Certificates,
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}, // not the one that HTTP/2 requires
	}
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{Server: &http.Server{TLSConfig: config}}, nil)
		_, err := b.wait()
		contains(t, err, "serve: http2: ")
		select {
		case <-b.closed:
		default:
			t.Error("the listener is open")
		}
	})
}

func TestThePortIsFreeAfterAGroupThatCannotBe(t *testing.T) {
	listener := newPipes()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("there was no panic")
			}
		}()
		o := serve.Options{Registry: registry.New(), Health: health.Options{Groups: map[string][]string{"/livez": nil}}}
		_ = serve.RunOn(t.Context(), listener, o, nil)
	}()
	select {
	case <-listener.closed:
	default:
		t.Error("the listener is open")
	}
}

func TestTLSIsServedIfItIsConfigured(t *testing.T) {
	secure := httptest.NewTLSServer(nil) // for its certificate
	defer secure.Close()
	server := &http.Server{TLSConfig: &tls.Config{Certificates: secure.TLS.Certificates}}
	transport := secure.Client().Transport.(*http.Transport)
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, serve.Options{Server: server}, serving(answer("hello")))
		transport.DialContext = b.dial
		client := http.Client{Transport: transport}
		for path, want := range map[string]string{"/livez": "pass", "/": "hello"} {
			res, err := client.Get("https://example.com" + path)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if !strings.Contains(string(text), want) {
				t.Errorf("%s answers %s", path, text)
			}
		}
		b.stop()
		_, err := b.wait()
		contains(t, err)
		client.CloseIdleConnections()
	})
}

// broken is the handler of a log that panics, or ends its goroutine, at one message.
type broken struct {
	message string
	end     func()
}

func (b broken) Enabled(context.Context, slog.Level) bool { return true }
func (b broken) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b broken) WithGroup(string) slog.Handler            { return b }

func (b broken) Handle(_ context.Context, record slog.Record) error {
	if record.Message == b.message {
		b.end()
	}
	return nil
}

func TestALoggerThatPanicsKeepsNothingFromBeingClosed(t *testing.T) {
	for _, message := range []string{"listening", "serving", "stopping", "stopped"} {
		for _, end := range []func(){func() { panic("disk full") }, goexit} {
			synctest.Test(t, func(t *testing.T) {
				r := registry.New()
				r.Register(&fake{log: new(journal)})
				r.Logger = slog.New(broken{message, end})
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan any, 1)
				go func() {
					defer func() { ended <- recover() }()
					start := serving(answer("it serves"))
					if err := serve.RunOn(ctx, newPipes(), serve.Options{Registry: r, Drain: -1}, start); err != nil {
						ended <- err
					}
				}()
				synctest.Wait()
				cancel()
				if got := <-ended; got != nil || r.Opened() {
					t.Errorf("at %q: Run ended with %v; open: %v", message, got, r.Opened())
				}
			})
		}
	}
}
