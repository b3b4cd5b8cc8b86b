package main

import (
	"context"
	"time"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"

	"github.com/vibework/mooring/examples/faults/internal/server"
)

// project is any name: the server takes them all.
const project = "faults"

func newPubSub(ctx context.Context, folder string) (b *backend, err error) {
	const plain = "an emulator has no TLS"
	b = &backend{
		name: pubsub.Name, connect: connectPubSub, greeting: 5,
		cannot: map[string]string{
			poolExhausted: "there is no pool: all calls share one connection",
			wrongPassword: "an emulator has no passwords",
			unknownCA:     plain,
			plainFound:    plain,
			serverFull:    "pstest takes any number of connections",
		},
		slower: map[string]slower{
			dnsSilent: {6 * time.Second, "gRPC looks names up on its own and asks again after five seconds"},
		},
	}
	if b.server, err = server.PubSub(folder); err != nil {
		return nil, err
	}
	return b, b.begin(ctx, b.server)
}

func connectPubSub(t target) registry.Resource {
	return pubsub.New(pubsub.Name, pubsub.WithConfig(pubsub.Config{ProjectID: project, EmulatorHost: t.addr}))
}
