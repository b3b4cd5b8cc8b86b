package observability_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	pubsubdriver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	driver "github.com/gomodule/redigo/redis"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/examples/observability"
	"github.com/vibework/mooring/lab/devstack"
	"github.com/vibework/mooring/registry"
)

func TestEveryBackendIsTracedThroughItsHook(t *testing.T) {
	stack, err := devstack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stack.Stop() }()
	for _, variable := range stack.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	otel.SetTracerProvider(provider) // the client of Pub/Sub takes no other
	tracer := provider.Tracer("test")

	sql := mysql.New("mysql", observability.TraceMySQL(provider))
	documents := mongo.New("mongo", observability.TraceMongo(tracer))
	cache := redis.New("redis", observability.TraceRedis(tracer))
	messages := pubsub.New("pubsub", observability.TracePubSub())
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	for _, res := range []registry.Resource{sql, documents, cache, messages} {
		r.Register(res)
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.CloseAll(context.Background()); err != nil {
			t.Error(err)
		}
	}()

	ctx, parent := tracer.Start(t.Context(), "request")
	use(ctx, t, sql, documents, cache, messages)
	parent.End()

	const value = "hunter2"
	systems := make(map[string]bool)
	for _, span := range spans.Ended() {
		for _, a := range span.Attributes() {
			if strings.Contains(a.Value.String(), value) {
				t.Errorf("%s shows a value in %s", span.Name(), a.Key)
			}
			inRequest := span.SpanContext().TraceID() == parent.SpanContext().TraceID()
			if inRequest && slices.Contains([]attribute.Key{"db.system.name", "messaging.system"}, a.Key) {
				systems[a.Value.AsString()] = true
			}
		}
	}
	for _, want := range []string{"mysql", "mongodb", "redis", "gcp_pubsub"} {
		if !systems[want] {
			t.Errorf("there is no span of %s in the request", want)
		}
	}
	if report := r.CheckAll(t.Context()); !report.OK() {
		t.Error(report.Err())
	}
}

// use asks something of each backend.
func use(
	ctx context.Context, t *testing.T, sql *mysql.Resource, documents *mongo.Resource, cache *redis.Resource,
	messages *pubsub.Resource,
) {
	t.Helper()
	const value = "hunter2"
	var text string
	if err := sql.DB().QueryRowContext(ctx, "SELECT ?", value).Scan(&text); err != nil || text != value {
		t.Errorf("mysql: %q, %v", text, err)
	}
	if _, err := documents.Database().Collection("traced").InsertOne(ctx, bson.M{"a": value}); err != nil {
		t.Errorf("mongo: %v", err)
	}
	conn, err := cache.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := driver.DoContext(conn, ctx, "SET", "traced", value); err != nil {
		t.Errorf("redis: %v", err)
	}
	topic := "projects/" + messages.Client().Project() + "/topics/traced"
	if _, err := messages.Client().TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	if _, err := messages.Publisher(topic).Publish(ctx, &pubsubdriver.Message{Data: []byte(value)}).Get(ctx); err != nil {
		t.Errorf("pubsub: %v", err)
	}
}
