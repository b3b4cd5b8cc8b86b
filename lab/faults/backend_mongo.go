package main

import (
	"context"
	"net/url"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

func newMongo(ctx context.Context, folder string) (b *backend, err error) {
	b = &backend{
		name: mongo.Name, connect: connectMongo, hold: holdMongo, work: workMongo, greeting: 20,
		cannot: cannotSay("FerretDB is one server, which takes writes as long as it is there"),
		wants: map[string]wants{
			// FerretDB hangs up on a handshake, as a server does that is not there.
			plainFound: {Open: registry.KindUnreachable, Check: registry.KindUnreachable},
		},
		looks: []string{
			"topology.(*Server).", "topology.(*rttMonitor).", "topology.(*contextDoneListener).", // of what it reads
		},
		// The driver lets a call wait for a server until its context or SERVER_SELECTION_TIMEOUT ends.
		outlive: []string{"topology.(*Topology).selectServer"},
	}
	b.cannot[serverFull] = "FerretDB takes any number of connections"
	if b.server, err = server.FerretDB(folder); err != nil {
		return nil, err
	}
	if err = b.begin(ctx, b.server); err != nil {
		return b, err
	}
	trusted, unknown, err := certificates(folder)
	if err != nil {
		return b, err
	}
	p, err := server.FerretDB(folder)
	if err != nil {
		return b, err
	}
	if err = b.begin(ctx, p); err != nil {
		return b, err
	}
	front, err := wire.Listen("127.0.0.1:0", p.Addr) // FerretDB has no TLS
	if err != nil {
		return b, err
	}
	b.stops = append(b.stops, front.Close)
	front.Certify(trusted.TLS)
	b.secure = &secure{
		addr: front.Addr(), plain: p.Addr, password: p.Password, trusted: trusted, unknown: unknown,
		present: func(_ context.Context, cert *wire.Certificate) error {
			front.Certify(cert.TLS)
			return nil
		},
	}
	return b, nil
}

func connectMongo(t target) registry.Resource {
	u := url.URL{
		Scheme: "mongodb", Host: t.addr, Path: "/" + server.Database,
		User:     url.UserPassword(server.User, t.password),
		RawQuery: url.Values{"authSource": {server.AuthSource}}.Encode(),
	}
	return mongo.New(mongo.Name, mongo.WithConfig(mongo.Config{
		URI: config.NewSecret(u.String()), TLS: t.tls(), MaxPoolSize: t.pool,
	}))
}

// holdMongo gives each connection something to do that takes for ever.
func holdMongo(ctx context.Context, res registry.Resource, size int) (func(), error) {
	db := res.(*mongo.Resource).Database()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	command := bson.D{{Key: "ping", Value: 1}, {Key: "comment", Value: endless}}
	for range size {
		working.Go(func() { _ = db.RunCommand(ctx, command).Err() })
	}
	pause(ctx, 200*time.Millisecond) // until they are at it
	return func() {
		cancel()
		working.Wait()
	}, nil
}

func workMongo(_ context.Context, res registry.Resource) ([]call, error) {
	db := res.(*mongo.Resource).Database()
	ping := func(ctx context.Context) error { return db.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err() }
	return []call{ping, ping}, nil
}
