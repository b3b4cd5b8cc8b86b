package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

const (
	soakRounds     = 5
	soakMessages   = 10_000
	soakPublishers = 8
	soakClose      = time.Second
)

// claimMessages publishes while CloseAll runs.
func (r *results) claimMessages(ctx context.Context, w *world, b *backend) error {
	admin, err := driver.NewClient(ctx, project, option.WithEndpoint(b.server.Addr), option.WithoutAuthentication(),
		option.WithTelemetryDisabled(), option.WithGRPCConnectionPool(1),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	for _, frozen := range []bool{false, true} {
		for i := range soakRounds {
			text := fmt.Sprintf("round %d, healthy", i+1)
			if frozen {
				text = fmt.Sprintf("round %d, frozen on the way", i+1)
			}
			err := r.try(messages, text, func(c *claim) error { return soak(ctx, w, b, admin, c, frozen) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// soak is one round: some publish, and at random moments the network freezes, perhaps, and CloseAll is called.
func soak(ctx context.Context, w *world, b *backend, admin *driver.Client, c *claim, frozen bool) error {
	topic := fmt.Sprintf("soak-%d", topics.Add(1))
	if err := makeTopic(ctx, admin, topic); err != nil {
		return err
	}
	proxy, err := faultproxy.Start(b.server.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = proxy.Close() }()
	res := b.connect(target{addr: proxy.Addr()}).(*pubsub.Resource)
	reg, s := lone(res), newSubject(res, w.noise)
	if err := s.must(ctx, "open", reg.OpenAll); err != nil {
		return err
	}
	closeAt := 1 + rand.Int64N(soakMessages)
	freezeAt := 1 + rand.Int64N(closeAt)
	closed := make(chan outcome, 1)
	sent := publish(ctx, res.Publisher(topic), func(n int64) {
		if frozen && n == freezeAt {
			proxy.Blackhole()
		}
		if n == closeAt {
			go func() { closed <- s.within(ctx, soakClose, reg.CloseAll) }()
		}
	})
	o := <-closed
	c.within(o, soakClose+perResource+lateness)
	l := c.tally(fatesOf(sent))
	c.account(l, o.err)
	where := search{addr: proxy.Addr()}
	left, _ := s.leftovers(ctx, where)
	c.surplus(left, where)
	proxy.Pass()
	received, err := receive(ctx, admin, topic)
	if err != nil {
		return err
	}
	c.compare(l, received)
	return nil
}

func makeTopic(ctx context.Context, admin *driver.Client, id string) error {
	name := "projects/" + project + "/topics/" + id
	if _, err := admin.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: name}); err != nil {
		return err
	}
	_, err := admin.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: "projects/" + project + "/subscriptions/" + id, Topic: name, AckDeadlineSeconds: 60,
	})
	return err
}

// publish publishes all messages, from several goroutines, and returns when all have been handed over or refused.
// It calls each before every one, with how many there have been.
func publish(ctx context.Context, p *pubsub.TopicPublisher, each func(n int64)) []sent {
	all := make([]sent, soakMessages)
	var published atomic.Int64
	var publishing sync.WaitGroup
	for range soakPublishers {
		publishing.Go(func() {
			for {
				n := published.Add(1)
				if n > soakMessages {
					return
				}
				each(n)
				result := p.Publish(ctx, &driver.Message{Data: strconv.AppendInt(nil, n-1, 10)})
				all[n-1] = sent{result, ready(result)}
			}
		})
	}
	publishing.Wait()
	return all
}

// receive returns what a subscriber gets, until nothing more comes.
func receive(ctx context.Context, admin *driver.Client, topic string) (map[int]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	received := make(map[int]bool)
	name := "projects/" + project + "/subscriptions/" + topic
	for {
		batch, err := admin.SubscriptionAdminClient.Pull(ctx,
			&pubsubpb.PullRequest{Subscription: name, MaxMessages: 1000})
		if err != nil || len(batch.GetReceivedMessages()) == 0 {
			return received, err
		}
		var ids []string
		for _, m := range batch.GetReceivedMessages() {
			n, err := strconv.Atoi(string(m.GetMessage().GetData()))
			if err != nil {
				return received, err
			}
			received[n] = true
			ids = append(ids, m.GetAckId())
		}
		err = admin.SubscriptionAdminClient.Acknowledge(ctx,
			&pubsubpb.AcknowledgeRequest{Subscription: name, AckIds: ids})
		if err != nil {
			return received, err
		}
	}
}
