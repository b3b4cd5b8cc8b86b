package main

import (
	"context"
	"fmt"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	redigo "github.com/gomodule/redigo/redis"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
)

// operation is a small write or read by one of the workers. Worker 0 makes what the others need.
type operation func(ctx context.Context, worker int) error

func useMySQL(r *mysql.Resource) operation {
	return func(ctx context.Context, worker int) error {
		if worker > 0 {
			var n int
			return r.DB().QueryRowContext(ctx, "SELECT COUNT(*) FROM soak WHERE id = ?", worker).Scan(&n)
		}
		_, err := r.DB().ExecContext(ctx, "CREATE TABLE IF NOT EXISTS soak (id BIGINT PRIMARY KEY, n BIGINT)")
		if err == nil {
			_, err = r.DB().ExecContext(ctx, "REPLACE INTO soak VALUES (0, 1)")
		}
		return err
	}
}

func useMongo(r *mongo.Resource) operation {
	return func(ctx context.Context, worker int) error {
		soak := r.Database().Collection("soak")
		if worker > 0 {
			_, err := soak.CountDocuments(ctx, bson.D{{Key: "_id", Value: worker}})
			return err
		}
		one := bson.D{{Key: "_id", Value: 0}, {Key: "n", Value: 1}}
		_, err := soak.ReplaceOne(ctx, bson.D{{Key: "_id", Value: 0}}, one, options.Replace().SetUpsert(true))
		return err
	}
}

func useRedis(r *redis.Resource) operation {
	return func(ctx context.Context, worker int) error {
		conn, err := r.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		key := fmt.Sprintf("soak-%d", worker)
		if _, err := redigo.DoContext(conn, ctx, "SET", key, 1); err != nil {
			return err
		}
		_, err = redigo.DoContext(conn, ctx, "GET", key)
		return err
	}
}

func usePubSub(r *pubsub.Resource) operation {
	const topic = "soak"
	return func(ctx context.Context, worker int) error {
		full := "projects/" + r.Client().Project() + "/topics/" + topic
		switch worker {
		case 0:
			_, err := r.Client().TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: full})
			if status.Code(err) == codes.AlreadyExists {
				return nil
			}
			return err
		case 1:
			_, err := r.Publisher(topic).Publish(ctx, &driver.Message{Data: []byte("ahoy")}).Get(ctx)
			return err
		default:
			_, err := r.Client().TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: full})
			return err
		}
	}
}
