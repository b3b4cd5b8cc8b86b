package grpchealth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/contrib/grpchealth"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
	"github.com/vibework/mooring/registry/registrytest"
)

func Example() {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(registrytest.Fake("mysql"))
	r.Every = 10 * time.Second // what Watch reads

	server := grpc.NewServer()
	health := grpchealth.New(r, health.Options{})
	healthpb.RegisterHealthServer(server, health)

	ctx := context.Background()
	if err := r.OpenAll(ctx); err != nil {
		fmt.Println(err)
	}
	defer func() { _ = r.CloseAll(ctx) }()
	fmt.Println(health.Check(ctx, &healthpb.HealthCheckRequest{Service: "mysql"}))
	// Output: status:SERVING <nil>
}

var groups = health.Options{Groups: map[string][]string{"/deepz": nil, "/readyz": {"mysql"}}, MaxAge: -1}

// open returns a registry that is open, its two fakes and its server.
func open(t *testing.T) (r *registry.Registry, mysql, redis *registrytest.FakeResource, s *grpchealth.Server) {
	t.Helper()
	r = registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	mysql, redis = registrytest.Fake("mysql"), registrytest.Fake("redis")
	r.Register(mysql)
	r.Register(redis)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(context.Background()) })
	return r, mysql, redis, grpchealth.New(r, groups)
}

func serving(t *testing.T, s *grpchealth.Server, service string) bool {
	t.Helper()
	answer, err := s.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatalf("%q: %v", service, err)
	}
	return answer.Status == healthpb.HealthCheckResponse_SERVING
}

func TestAServiceIsAllAGroupOrAResource(t *testing.T) {
	r, _, redis, s := open(t)
	redis.Down(registry.KindUnreachable)
	for service, want := range map[string]bool{
		"": true, "mysql": true, "redis": false, "deepz": false, "livez": true, "startupz": true,
	} {
		if got := serving(t, s, service); got != want {
			t.Errorf("%q serves: %v, want %v", service, got, want)
		}
	}
	all, err := s.List(t.Context(), &healthpb.HealthListRequest{})
	if err != nil || len(all.Statuses) != 7 || all.Statuses["redis"].Status != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("the list is %v, %v", all, err)
	}
	r.Drain()
	for _, service := range []string{"", "deepz"} {
		if serving(t, s, service) {
			t.Errorf("%q serves while draining", service)
		}
	}
	if !serving(t, s, "livez") {
		t.Error("it is not alive while draining")
	}
}

func TestAStrangerIsNotFound(t *testing.T) {
	_, _, _, s := open(t)
	for _, service := range []string{"kafka", "a/b", "../livez", "%zz", "mysql?exclude=mysql", " "} {
		_, err := s.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if status.Code(err) != codes.NotFound {
			t.Errorf("%q: %v", service, err)
		}
	}
}

// stream is the server's end of a Watch.
type stream struct {
	grpc.ServerStreamingServer[healthpb.HealthCheckResponse]
	ctx  context.Context
	sent []healthpb.HealthCheckResponse_ServingStatus
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) Send(answer *healthpb.HealthCheckResponse) error {
	s.sent = append(s.sent, answer.Status)
	return nil
}

func TestWatchSendsEveryChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, mysql, _, s := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		known, stranger := &stream{ctx: ctx}, &stream{ctx: ctx}
		ended := make(chan error, 2)
		go func() { ended <- s.Watch(&healthpb.HealthCheckRequest{Service: "mysql"}, known) }()
		go func() { ended <- s.Watch(&healthpb.HealthCheckRequest{Service: "kafka"}, stranger) }()
		wait := func() { <-time.After(5 * time.Second); synctest.Wait() }
		wait()
		mysql.Down(registry.KindTimeout)
		wait()
		mysql.Up()
		wait()
		cancel()
		for range 2 {
			if err := <-ended; status.Code(err) != codes.Canceled {
				t.Errorf("it ends with %v", err)
			}
		}
		if got, want := fmt.Sprint(known.sent), "[SERVING NOT_SERVING SERVING]"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		if got, want := fmt.Sprint(stranger.sent), "[SERVICE_UNKNOWN]"; got != want {
			t.Errorf("a stranger is sent %s, want %s", got, want)
		}
	})
}

func TestAClientIsAnsweredOverTheNetwork(t *testing.T) {
	_, _, _, s := open(t)
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, s)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	watch, err := healthpb.NewHealthClient(conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := watch.Recv()
	if err != nil || answer.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("got %v, %v", answer, err)
	}
}
