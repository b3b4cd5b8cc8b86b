package pubsub

import (
	"context"
	"log/slog"
	"sync"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	admin "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// client is a driver's client and the publishers that Close has to flush.
type client struct {
	*driver.Client
	settings *settings

	over context.Context // done when nothing more may be sent; see cut
	end  context.CancelFunc

	mu         sync.Mutex
	closed     bool
	publishers map[string]*TopicPublisher // by the full name of the topic

	blind sync.Once // to tell that the check cannot see
}

// connect makes a client and verifies that Pub/Sub can be used.
func connect(ctx context.Context, s *settings, hook func(*driver.ClientConfig)) (*client, error) {
	c := &client{settings: s, publishers: make(map[string]*TopicPublisher)}
	c.over, c.end = context.WithCancel(context.Background())
	cfg := c.config(hook)
	dial := func() (*driver.Client, error) { return c.dial(ctx, cfg) }
	var err error
	if c.Client, err = within(ctx, dial, func(late *driver.Client) { _ = late.Close() }); err != nil {
		c.end()
		return nil, Classify(err)
	}
	if err := c.check(ctx); err != nil {
		_ = c.release(ctx)
		return nil, err
	}
	return c, nil
}

// config returns what hook makes of the driver's configuration, and our way to retry unless hook has another.
func (c *client) config(hook func(*driver.ClientConfig)) *driver.ClientConfig {
	cfg := new(driver.ClientConfig)
	if hook != nil {
		hook(cfg)
	}
	var calls admin.TopicAdminCallOptions
	if cfg.TopicAdminCallOptions != nil {
		calls = *cfg.TopicAdminCallOptions
	}
	calls.Publish = append([]gax.CallOption{gax.WithRetry(c.newRetryer)}, calls.Publish...)
	cfg.TopicAdminCallOptions = &calls
	return cfg
}

// dial makes the driver's client. It does not wait for a connection, but it may take long to find credentials.
func (c *client) dial(ctx context.Context, cfg *driver.ClientConfig) (*driver.Client, error) {
	s := c.settings
	opts := []option.ClientOption{
		option.WithEndpoint(s.addr),
		option.WithGRPCConnectionPool(s.GRPCConns),
		// If PUBSUB_EMULATOR_HOST is set for the process, the driver turns its own TLS and its own tokens off,
		// for every client. Those that are among the options of gRPC, further down, it leaves alone.
		option.WithoutAuthentication(),
		// Left alone, GOOGLE_SDK_GO_LOGGING_LEVEL makes the driver print requests, with the messages in them.
		option.WithLogger(slog.New(slog.DiscardHandler)),
		option.WithGRPCDialOption(grpc.WithConnectParams(connectParams)),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepaliveParams)),
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(c.cut)),
	}
	if s.tls == nil {
		opts = append(opts, option.WithTelemetryDisabled(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
		return driver.NewClientWithConfig(ctx, s.ProjectID, cfg, opts...)
	}
	creds := s.creds
	if creds == nil {
		var err error
		if creds, err = s.findCredentials(); err != nil {
			return nil, err
		}
	}
	quota, err := creds.QuotaProjectID(ctx)
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		option.WithGRPCDialOption(grpc.WithTransportCredentials(credentials.NewTLS(s.tls))),
		option.WithGRPCDialOption(grpc.WithPerRPCCredentials(&tokens{creds, quota})))
	return driver.NewClientWithConfig(ctx, s.ProjectID, cfg, opts...)
}

// connectParams bring a client back soon after the service: gRPC's own would let it wait up to two minutes.
var connectParams = grpc.ConnectParams{
	Backoff: backoff.Config{
		BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 1500 * time.Millisecond,
	},
	MinConnectTimeout: 5 * time.Second,
}

// keepaliveParams find a connection dead when it has been silent for five minutes, the shortest time that gRPC
// servers allow, and ten seconds more. On Linux they also make the system give up a connection whose packets
// nobody has acknowledged for ten seconds. Calls have deadlines of their own.
var keepaliveParams = keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 10 * time.Second}

// check asks for a topic. If the connection turns out to be gone it asks once more, on a new one.
func (c *client) check(ctx context.Context) error {
	err := c.ask(ctx)
	if status.Code(err) == codes.Unavailable {
		err = c.ask(ctx)
	}
	variable, named := config.Prefix(c.settings.name)+"CHECK_TOPIC", c.settings.CheckTopic != ""
	switch {
	case noTopic(err) && named:
		return fault.New(registry.KindConfig, "%s: there is no such topic", variable)
	case mayNotLook(err) && named:
		return fault.New(registry.KindPermission, "%s: the credentials may not get this topic (pubsub.topics.get)", variable)
	case noTopic(err):
		return nil
	case mayNotLook(err):
		c.blind.Do(func() {
			slog.Warn("the check cannot see whether a topic exists: the credentials may not get topics",
				"resource", c.settings.name)
		})
		return nil
	}
	return Classify(err)
}

// ask gets the topic without the driver's retries, which end in a deadline and hide the cause.
func (c *client) ask(ctx context.Context) error {
	_, err := c.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: c.settings.topic},
		gax.WithRetry(func() gax.Retryer { return nil }))
	if status.Code(err) == codes.Canceled && ctx.Err() == nil {
		return status.Error(codes.Canceled, "by the service")
	}
	return err
}

// within calls f, which knows no context, and waits for it until ctx ends. What f returns after that goes to
// late, if it is not nil.
func within[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	go func() {
		value, err := f()
		select {
		case done <- result{value, err}:
		case <-ctx.Done():
			if err == nil && late != nil {
				late(value)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
