package main

import (
	"context"
	"database/sql"
	"fmt"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	redigo "github.com/gomodule/redigo/redis"
	"go.mongodb.org/mongo-driver/v2/bson"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/pubsub"
)

func useMySQL(ctx context.Context, db *sql.DB) (string, error) {
	var sum int
	err := db.QueryRowContext(ctx, "SELECT 40 + ?", 2).Scan(&sum)
	return fmt.Sprintf("mysql  says that 40 + 2 is %d", sum), err
}

func useMongo(ctx context.Context, things *mongodriver.Collection) (string, error) {
	defer func() { _ = things.Drop(ctx) }()
	if _, err := things.InsertOne(ctx, bson.M{"item": "anchor"}); err != nil {
		return "", err
	}
	var got struct{ Item string }
	err := things.FindOne(ctx, bson.M{"item": "anchor"}).Decode(&got)
	return fmt.Sprintf("mongo  has kept %+v", got), err
}

func useRedis(ctx context.Context, pool *redigo.Pool, key string) (string, error) {
	conn, err := pool.GetContext(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := redigo.DoContext(conn, ctx, "SET", key, "moored", "EX", 60); err != nil {
		return "", err
	}
	value, err := redigo.String(redigo.DoContext(conn, ctx, "GET", key))
	return fmt.Sprintf("redis  has kept %q", value), err
}

// usePubSub publishes a message, receives it, and leaves nothing behind.
func usePubSub(ctx context.Context, client *driver.Client, topic *pubsub.TopicPublisher, name string) (string, error) {
	project := "projects/" + client.Project()
	t := &pubsubpb.Topic{Name: project + "/topics/" + name}
	s := &pubsubpb.Subscription{Name: project + "/subscriptions/" + name, Topic: t.Name}
	if _, err := client.TopicAdminClient.CreateTopic(ctx, t); err != nil {
		return "", err
	}
	if _, err := client.SubscriptionAdminClient.CreateSubscription(ctx, s); err != nil {
		return "", err
	}
	defer func() {
		_ = client.SubscriptionAdminClient.DeleteSubscription(ctx,
			&pubsubpb.DeleteSubscriptionRequest{Subscription: s.Name})
		_ = client.TopicAdminClient.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: t.Name})
	}()
	if _, err := topic.Publish(ctx, &driver.Message{Data: []byte("ahoy")}).Get(ctx); err != nil {
		return "", err
	}
	receiving, done := context.WithCancel(ctx)
	defer done()
	var text string
	err := client.Subscriber(name).Receive(receiving, func(_ context.Context, m *driver.Message) {
		text = string(m.Data)
		m.Ack()
		done()
	})
	return fmt.Sprintf("pubsub has delivered %q", text), err
}
