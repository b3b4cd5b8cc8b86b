// Package grpchealth answers grpc.health.v1 for a registry, as registry/health does for HTTP: the answers are the
// same, made by the same rules.
//
//	healthpb.RegisterHealthServer(server, grpchealth.New(registry.Default(), health.Options{}))
//
// The service of a request says what is asked for:
//
//	""                      all resources, as /readyz does
//	"mysql"                 the resource of that name, as /readyz/mysql does
//	"deepz"                 the group "/deepz" of health.Options
//	"livez", "startupz"     the process alone, for the probes of Kubernetes
//
// A group comes before a resource of the same name. While the registry is not open, or is draining, nothing but
// "livez" serves.
package grpchealth

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// interval is how often Watch looks for a change.
const interval = time.Second

// Server is a health server. It is safe for concurrent use.
type Server struct {
	healthpb.UnimplementedHealthServer

	registry *registry.Registry
	paths    map[string]string // of the services that are no resource, by name
	handler  http.Handler
}

// New returns the health server of r, or of registry.Default() if r is nil. Of the options MaxAge and Groups play a
// part. It panics where health.Handler does.
func New(r *registry.Registry, o health.Options) *Server {
	if r == nil {
		r = registry.Default()
	}
	paths := map[string]string{"": "/readyz", "livez": "/livez", "startupz": "/startupz"}
	for path := range o.Groups {
		paths[path[1:]] = path
	}
	return &Server{registry: r, paths: paths, handler: health.Handler(r, o)}
}

// Check answers for one service. It waits for the checks of resources where health.Handler would: never with the
// registry's Every, and no longer than ctx. An unknown service is the error NotFound.
func (s *Server) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	answer := s.answer(ctx, req.GetService())
	if answer.Status == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return answer, nil
}

// List answers for all services, "" for all resources together among them. Those that Check knows are there.
func (s *Server) List(ctx context.Context, _ *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	answers := make(map[string]*healthpb.HealthCheckResponse)
	for service := range s.paths {
		answers[service] = s.answer(ctx, service)
	}
	for _, name := range s.registry.Names() {
		answers[name] = s.answer(ctx, name)
	}
	return &healthpb.HealthListResponse{Statuses: answers}, nil
}

// Watch sends what Check would answer, at once and whenever that has changed, until the client goes. It looks once a
// second. Set the registry's Every, so that it reads what is known: without it the watching itself runs the checks.
func (s *Server) Watch(
	req *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse],
) error {
	ctx := stream.Context()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last := healthpb.HealthCheckResponse_ServingStatus(-1)
	for {
		answer := s.answer(ctx, req.GetService())
		if ctx.Err() != nil {
			return status.FromContextError(ctx.Err()).Err()
		}
		if answer.Status != last {
			last = answer.Status
			if err := stream.Send(answer); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

// answer asks the handler, so that there is one set of rules.
func (s *Server) answer(ctx context.Context, service string) *healthpb.HealthCheckResponse {
	path, ok := s.paths[service]
	if !ok {
		path = "/readyz/" + url.PathEscape(service)
	}
	code := codeOf(http.StatusNotFound) // also of what is no path
	if req, err := http.NewRequestWithContext(ctx, http.MethodHead, path, nil); err == nil {
		code = http.StatusOK
		s.handler.ServeHTTP(&code, req)
	}
	switch code {
	case http.StatusOK:
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}
	case http.StatusServiceUnavailable:
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_NOT_SERVING}
	default:
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVICE_UNKNOWN}
	}
}

// codeOf is an http.ResponseWriter that keeps the code alone.
type codeOf int

func (*codeOf) Header() http.Header            { return http.Header{} }
func (*codeOf) Write(text []byte) (int, error) { return len(text), nil }
func (c *codeOf) WriteHeader(code int)         { *c = codeOf(code) }
