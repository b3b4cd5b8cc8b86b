package mongo_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// onServers says whether the tests run on the servers that the environment names instead of on fakes.
var onServers = os.Getenv("MOORING_TEST_SERVERS") == "env"

const password = "p@ss/w:rd?#%"

// server returns where a MongoDB server is: a fake of this test's own, or the one that MONGO_URI names.
func server(t *testing.T) (uri string) {
	t.Helper()
	if !onServers {
		return uriOf(mongotest.Start(t, mongotest.Options{User: "app", Password: password}))
	}
	cfg, err := config.Load[mongo.Config]("mongo")
	if err != nil || cfg.URI.IsZero() {
		t.Fatalf("MOORING_TEST_SERVERS=env wants MONGO_URI: %v", err)
	}
	return cfg.URI.Reveal()
}

func uriOf(s *mongotest.Server) string {
	u := url.URL{
		Scheme: "mongodb", User: url.UserPassword("app", password), Host: s.Addr(), Path: "/shop",
		RawQuery: "authSource=admin",
	}
	return u.String()
}

// patience bounds what ends by itself, however busy the machine is.
const patience = 30 * time.Second

// waited is how long a test waits for a server that does not come.
const waited = 2 * time.Second

// at is a configuration for tests whose subject is no deadline.
func at(uri string) mongo.Config {
	return mongo.Config{URI: config.NewSecret(uri), ServerSelectionTimeout: patience, ConnectTimeout: patience}
}

// open registers and opens a resource of its own registry, and closes it after the test.
func open(t *testing.T, cfg mongo.Config, opts ...mongo.Option) (*registry.Registry, *mongo.Resource) {
	t.Helper()
	r, res := register(cfg, opts...)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(context.Background()) })
	return r, res
}

func register(cfg mongo.Config, opts ...mongo.Option) (*registry.Registry, *mongo.Resource) {
	r := &registry.Registry{OpenTimeout: patience, CheckTimeout: 6 * time.Second} // a full pool is waited for half of it
	res := mongo.New("mongo", append(opts, mongo.WithConfig(cfg))...)
	r.Register(res)
	return r, res
}

// collection returns a collection of this test's own.
func collection(t *testing.T, res *mongo.Resource) *driver.Collection {
	t.Helper()
	own := res.Database().Collection(fmt.Sprintf("mooring-%d", time.Now().UnixNano()))
	t.Cleanup(func() { _ = own.Drop(context.Background()) })
	return own
}

// put inserts a document and finds it again.
func put(t *testing.T, c *driver.Collection, id int) {
	t.Helper()
	if _, err := c.InsertOne(t.Context(), bson.M{"_id": id, "item": "rope"}); err != nil {
		t.Fatal(err)
	}
	var found bson.M
	if err := c.FindOne(t.Context(), bson.M{"_id": id}).Decode(&found); err != nil || found["item"] != "rope" {
		t.Fatalf("found %v, %v", found, err)
	}
}
