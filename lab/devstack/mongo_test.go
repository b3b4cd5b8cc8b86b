package devstack_test

import (
	"context"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/lab/devstack"
)

func TestMongoInsertsFindsAndUpdates(t *testing.T) {
	people := connectMongo(t, start(t, "mongo")).Database("app").Collection("people")
	if _, err := people.InsertOne(t.Context(), bson.M{"name": "ada", "seen": 1}); err != nil {
		t.Fatal(err)
	}
	_, err := people.UpdateOne(t.Context(), bson.M{"name": "ada"}, bson.M{"$inc": bson.M{"seen": 1}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Seen int }
	if err := people.FindOne(t.Context(), bson.M{"name": "ada"}).Decode(&got); err != nil || got.Seen != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMongoRefusesAWrongPassword(t *testing.T) {
	config := mongoOptions(t, start(t, "mongo"))
	config.Auth.Password = "wrong"
	err := connectOptions(t, config).Ping(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "AuthenticationFailed") {
		t.Errorf("got %v, want a failed authentication", err)
	}
}

func TestMongoRefusesToServeStrangers(t *testing.T) {
	config := mongoOptions(t, start(t, "mongo"))
	config.Auth = nil
	people := connectOptions(t, config).Database("app").Collection("people")
	_, err := people.InsertOne(t.Context(), bson.M{"name": "ada"})
	if err == nil || !strings.Contains(err.Error(), "Unauthorized") {
		t.Errorf("got %v, want an authorization error", err)
	}
}

func TestMongoIsBackWithItsDataAfterAnOutage(t *testing.T) {
	stack := start(t, "mongo")
	client := connectMongo(t, stack)
	kept := client.Database("app").Collection("kept")
	if _, err := kept.InsertOne(t.Context(), bson.M{"n": 1}); err != nil {
		t.Fatal(err)
	}
	playOutage(t, stack, "mongo", func(ctx context.Context) error { return client.Ping(ctx, nil) })
	if n, err := kept.CountDocuments(t.Context(), bson.M{}); n != 1 || err != nil {
		t.Errorf("%d documents kept, %v", n, err)
	}
}

func connectMongo(t *testing.T, stack *devstack.Stack) *driver.Client {
	t.Helper()
	return connectOptions(t, mongoOptions(t, stack))
}

func mongoOptions(t *testing.T, stack *devstack.Stack) *options.ClientOptions {
	t.Helper()
	return options.Client().ApplyURI(variable(t, stack, "MONGO_URI"))
}

func connectOptions(t *testing.T, config *options.ClientOptions) *driver.Client {
	t.Helper()
	client, err := driver.Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	// The test's context is done when this runs.
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}
