package pubsub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	admin "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/api/transport"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// WithClientOptions adds options of the driver, such as credentials, interceptors, a universe or a user agent. They
// come after those that the configuration makes, and win. Credentials go in one of the two: here or in a file. With
// option.WithGRPCConn, a message is tried once, and Close cannot cut what is under way.
func WithClientOptions(opts ...option.ClientOption) Option {
	return func(s *setup) { s.options = append(s.options, opts...) }
}

// client is a driver's client and the publishers that Close has to flush.
type client struct {
	*driver.Client
	settings *settings

	closing context.Context // ends when Close begins: nothing new is accepted; its cause is the result
	begin   context.CancelCauseFunc
	over    context.Context // ends when nothing more may be sent; its cause is the result, too
	end     context.CancelCauseFunc

	mu         sync.Mutex                 // guards what follows
	publishers map[string]*TopicPublisher // by the full name of the topic
	lost       int                        // messages that have failed since Close began
	cause      error                      // of the first of these

	lent  atomic.Bool  // the program has the driver's client, and may have publishers of that
	calls atomic.Int64 // under way that publish
	last  atomic.Int64 // when one of them has ended, in nanoseconds

	answer atomic.Pointer[answer]
	blind  sync.Once // to tell that the check cannot see
}

// answer is what the service has said to a check. It counts for a while, if the connection lasts.
type answer struct {
	err   error
	until time.Time
}

// Open makes a client and verifies that Pub/Sub can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s, publishers: make(map[string]*TopicPublisher)}
	c.closing, c.begin = context.WithCancelCause(context.Background())
	c.over, c.end = context.WithCancelCause(context.Background())
	dial := func() (*driver.Client, error) { return c.dial(ctx) }
	var err error
	if c.Client, err = kit.Within(ctx, dial, func(late *driver.Client) { _ = late.Close() }); err != nil {
		return nil, kit.Classify(err)
	}
	if err := c.Check(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Handle returns the driver's client. It is called for programs only.
func (c *client) Handle() *driver.Client {
	c.lent.Store(true)
	return c.Client
}

// dial makes the driver's client. It does not wait for a connection, but it may take long to find credentials. What the
// driver says must not be shown: it quotes paths and files.
func (c *client) dial(ctx context.Context) (*driver.Client, error) {
	s, opts := c.settings, c.options()
	project := s.ProjectID
	if project == "" {
		found, err := transport.Creds(ctx, opts...)
		if err != nil || found.ProjectID == "" {
			return nil, kit.Errorf(registry.KindConfig, "%s is not set, and the credentials name no project",
				s.vars.Name("PROJECT_ID"))
		}
		project = found.ProjectID
	}
	client, err := driver.NewClientWithConfig(ctx, project, s.clientConfig(), opts...)
	switch {
	case err == nil, errors.Is(err, ctx.Err()):
		return client, err
	case len(s.options) > 0:
		return nil, kit.Errorf(registry.KindConfig, "the driver does not take the options in code, or the credentials")
	case s.CredentialsFile != "":
		return nil, kit.Errorf(registry.KindConfig, "%s: %w", s.file, errMalformed)
	default:
		return nil, kit.Errorf(registry.KindConfig, "%s is not set, and there are no application "+
			"default credentials that can be used", s.file)
	}
}

// options returns the options of the client: those of the program come last, and win. An empty one is none.
func (c *client) options() []option.ClientOption {
	s := c.settings
	opts := []option.ClientOption{
		option.WithEndpoint(s.addr),
		option.WithAuthCredentialsFile(s.fileType, s.CredentialsFile),
		option.WithGRPCConnectionPool(s.GRPCConns),
		// Left alone, GOOGLE_SDK_GO_LOGGING_LEVEL makes the driver print requests and tokens.
		option.WithLogger(slog.New(slog.DiscardHandler)),
		option.WithGRPCDialOption(grpc.WithConnectParams(connectParams)),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepaliveParams)),
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(c.intercept)),
	}
	if s.EmulatorHost != "" {
		opts = append(opts, option.WithoutAuthentication(), option.WithTelemetryDisabled(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	return append(opts, s.setup.options...)
}

// clientConfig returns what the hook makes of the driver's configuration. Publish is tried again by intercept alone.
func (s *settings) clientConfig() *driver.ClientConfig {
	cfg := new(driver.ClientConfig)
	if s.hook != nil {
		s.hook(cfg)
	}
	calls := *cmp.Or(cfg.TopicAdminCallOptions, new(admin.TopicAdminCallOptions))
	calls.Publish = append([]gax.CallOption{noRetry}, calls.Publish...)
	cfg.TopicAdminCallOptions = &calls
	return cfg
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

// Check asks for a topic, unless the last answer still counts: Google allows 6,000 such questions a minute and project.
func (c *client) Check(ctx context.Context) error {
	conn := c.TopicAdminClient.Connection() //nolint:staticcheck // of a pool it is one after the other, which is fine here
	last := c.answer.Load()
	if last != nil && time.Now().Before(last.until) && conn.GetState() == connectivity.Ready {
		return last.err
	}
	err := c.check(ctx)
	// What passes by itself is asked for again at once, but for a quota that is used up.
	if kind := registry.KindOf(err); ctx.Err() == nil && (!kind.Retryable() || kind == registry.KindExhausted) {
		c.answer.Store(&answer{err, time.Now().Add(c.settings.CheckInterval)})
	}
	return err
}

// check asks for a topic. If the connection turns out to be gone it asks once more, on a new one.
func (c *client) check(ctx context.Context) error {
	err := c.ask(ctx)
	if status.Code(err) == codes.Unavailable {
		err = c.ask(ctx)
	}
	variable, named := c.settings.vars.Name("CHECK_TOPIC"), c.settings.CheckTopic != ""
	switch {
	case noTopic(err) && named:
		return kit.Errorf(registry.KindConfig, "%s: there is no such topic", variable)
	case mayNotLook(err) && named:
		return kit.Errorf(registry.KindPermission, "%s: the credentials may not get this topic (pubsub.topics.get)", variable)
	case mayNotLook(err):
		c.blind.Do(func() {
			slog.Warn("the check cannot see whether a topic exists: the credentials may not get topics",
				"resource", c.settings.name)
		})
	case !noTopic(err):
		return classify(err, c.settings.names)
	}
	return nil
}

// ask gets the topic without the driver's retries, which end in a deadline and hide the cause.
func (c *client) ask(ctx context.Context) error {
	topic := c.Client.Publisher(cmp.Or(c.settings.CheckTopic, probeTopic))
	_, err := c.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topic.String()}, noRetry)
	return err
}

// noRetry is not a nil Retryer: the driver's publishers call it.
var noRetry = gax.WithRetry(func() gax.Retryer { return gax.OnCodes(nil, gax.Backoff{}) })
