package pubsub_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"go.uber.org/goleak"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m,
		// A dependency of the driver starts this one when it is imported.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		// The driver notices up to ten seconds later that receiving has ended.
		goleak.IgnoreTopFunction("cloud.google.com/go/pubsub/v2.(*messageIterator).streamKeepAliveHandler"))
}

// onServers says whether the tests run on the server that the environment names instead of on fakes.
var onServers = os.Getenv("MOORING_TEST_SERVERS") == "env"

const project = "mooring-test"

// patience bounds what ends by itself, however busy the machine is.
const patience = 30 * time.Second

// bound is how long what fails with this kind may take: a timeout is waited for.
func bound(kind registry.Kind) time.Duration {
	if kind == registry.KindTimeout {
		return time.Second
	}
	return patience
}

// server returns where a Pub/Sub server is: a fake of this test's own, or the one that PUBSUB_* names.
func server(t *testing.T) (addr string) {
	t.Helper()
	if !onServers {
		return fake(t)
	}
	cfg, err := config.Load[pubsub.Config]("pubsub")
	if err != nil || cfg.EmulatorHost == "" {
		t.Fatalf("MOORING_TEST_SERVERS=env wants PUBSUB_EMULATOR_HOST: %v", err)
	}
	return cfg.EmulatorHost
}

// fake starts a server of the test's own.
func fake(t *testing.T, opts ...pstest.ServerReactorOption) (addr string) {
	t.Helper()
	srv := pstest.NewServerWithAddress("127.0.0.1:0", opts...)
	t.Cleanup(func() { _ = srv.Close() })
	return srv.Addr
}

// intercepted starts a fake of the test's own whose calls go by way of intercept.
func intercepted(t *testing.T, intercept grpc.UnaryServerInterceptor, opts ...grpc.ServerOption) (addr string) {
	t.Helper()
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	srv := grpc.NewServer(append(opts, grpc.UnaryInterceptor(intercept))...)
	pubsubpb.RegisterPublisherServer(srv, &fake.GServer)
	pubsubpb.RegisterSubscriberServer(srv, &fake.GServer)
	l := listen(t)
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		srv.Stop()
		_ = fake.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// proxied returns a proxy in front of the server, and the configuration of a client that goes by way of it.
func proxied(t *testing.T) (*faultproxy.Proxy, pubsub.Config) {
	t.Helper()
	return proxiedAt(t, server(t))
}

func proxiedAt(t *testing.T, addr string) (*faultproxy.Proxy, pubsub.Config) {
	t.Helper()
	proxy := faultproxy.New(t, addr)
	return proxy, at(proxy.Addr())
}

// at is a configuration whose checks ask each time.
func at(addr string) pubsub.Config {
	return pubsub.Config{EmulatorHost: addr, ProjectID: project, CheckInterval: -1}
}

// open registers and opens a resource of its own registry, and closes it after the test.
func open(t *testing.T, cfg pubsub.Config, opts ...pubsub.Option) (*registry.Registry, *pubsub.Resource) {
	t.Helper()
	r, res := register(cfg, opts...)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = r.CloseAll(ctx)
	})
	return r, res
}

func register(cfg pubsub.Config, opts ...pubsub.Option) (*registry.Registry, *pubsub.Resource) {
	r := &registry.Registry{OpenTimeout: patience, CheckTimeout: patience}
	res := pubsub.New("pubsub", append(opts, pubsub.WithConfig(cfg))...)
	r.Register(res)
	return r, res
}

// topic is a topic with one subscription, and a client that goes straight to the server.
type topic struct {
	id, subscription string
	client           *driver.Client
}

var topics atomic.Int64

// newTopic makes a topic on the server that lives as long as the test.
func newTopic(t *testing.T, addr string) topic {
	t.Helper()
	client, err := driver.NewClient(t.Context(), project, option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCConnectionPool(1), option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	id := fmt.Sprintf("test-%d-%d", time.Now().UnixNano(), topics.Add(1))
	top := topic{id, "projects/" + project + "/subscriptions/" + id, client}
	if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: top.name()}); err != nil {
		t.Fatal(err)
	}
	_, err = client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: top.subscription, Topic: top.name(), AckDeadlineSeconds: 60, EnableMessageOrdering: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.TopicAdminClient.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: top.name()})
		_ = client.SubscriptionAdminClient.DeleteSubscription(ctx,
			&pubsubpb.DeleteSubscriptionRequest{Subscription: top.subscription})
	})
	return top
}

func (top topic) name() string { return "projects/" + project + "/topics/" + top.id }

// receive returns the texts of at least n messages, in the order in which they came, and of those that come with
// them. It asks for messages instead of streaming them: what streams in the driver outlives the test.
func (top topic) receive(t *testing.T, n int) (texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(texts) < n {
		got := top.pull(ctx, t)
		texts = append(texts, got...)
	}
	return texts
}

func (top topic) pull(ctx context.Context, t *testing.T) (texts []string) {
	t.Helper()
	got, err := top.client.SubscriptionAdminClient.Pull(ctx,
		&pubsubpb.PullRequest{Subscription: top.subscription, MaxMessages: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range got.ReceivedMessages {
		texts = append(texts, string(m.Message.Data))
		ids = append(ids, m.AckId)
	}
	if len(ids) == 0 {
		return nil
	}
	if err := top.client.SubscriptionAdminClient.Acknowledge(ctx,
		&pubsubpb.AcknowledgeRequest{Subscription: top.subscription, AckIds: ids}); err != nil {
		t.Fatal(err)
	}
	return texts
}
