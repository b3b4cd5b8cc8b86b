package main

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

// project is any name: the server takes them all.
const project = "faults"

func newPubSub(ctx context.Context, folder string) (b *backend, err error) {
	const (
		plain   = "an emulator has no TLS"
		timeout = registry.KindTimeout
	)
	b = &backend{
		name: pubsub.Name, connect: connectPubSub, work: workPubSub, greeting: 5,
		cannot: map[string]string{
			poolExhausted: "there is no pool: all calls share one connection",
			wrongPassword: "an emulator has no passwords",
			unknownCA:     plain,
			plainFound:    plain,
			serverFull:    "pstest takes any number of connections",
		},
		// What is published waits for a connection, until Close gives it up.
		closes: map[string]registry.Kind{
			refused: timeout, silent: timeout, synDropped: timeout, noSuchName: timeout, dnsSilent: timeout,
			cutHandshake: timeout, killedShort: timeout, killedLong: timeout,
		},
		slower: map[string]slower{
			dnsSilent: {6 * time.Second, "gRPC looks names up on its own and asks again after five seconds"},
		},
	}
	maps.Copy(b.cannot, cannotSay("pstest has no such state"))
	if b.server, err = server.PubSub(folder); err != nil {
		return nil, err
	}
	return b, b.begin(ctx, b.server)
}

func connectPubSub(t target) registry.Resource {
	return pubsub.New(pubsub.Name, pubsub.WithConfig(pubsub.Config{
		ProjectID: project, EmulatorHost: t.addr, CheckInterval: -1, // or else an answer counts for half a minute
	}))
}

// workPending is how many messages wait for their results when Close begins.
const workPending = 10

var topics atomic.Int64

// workPubSub publishes to a topic of its own.
func workPubSub(ctx context.Context, res registry.Resource) ([]call, error) {
	client, id := res.(*pubsub.Resource).Client(), fmt.Sprintf("work-%d", topics.Add(1))
	_, err := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: "projects/" + project + "/topics/" + id})
	if err != nil {
		return nil, err
	}
	publisher := res.(*pubsub.Resource).Publisher(id)
	return []call{func(ctx context.Context) error {
		var results []*driver.PublishResult
		for range workPending {
			results = append(results, publisher.Publish(ctx, &driver.Message{Data: []byte("work")}))
		}
		for _, result := range results {
			if _, err := result.Get(ctx); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}
