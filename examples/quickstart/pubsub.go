package main

import (
	"context"
	"errors"
	"fmt"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/vibework/mooring/backends/pubsub"
)

// usePubSub makes a topic and a subscription, publishes a message, receives it and acknowledges it.
func usePubSub(ctx context.Context, client *driver.Client, publisher *pubsub.TopicPublisher, name string) (
	_ string, err error,
) {
	topic := &pubsubpb.Topic{Name: "projects/" + client.Project() + "/topics/" + name}
	subscription := &pubsubpb.Subscription{
		Name:  "projects/" + client.Project() + "/subscriptions/" + name,
		Topic: topic.GetName(),
	}
	if _, err := client.TopicAdminClient.CreateTopic(ctx, topic); err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, client.TopicAdminClient.DeleteTopic(ctx,
			&pubsubpb.DeleteTopicRequest{Topic: topic.GetName()}))
	}()
	if _, err := client.SubscriptionAdminClient.CreateSubscription(ctx, subscription); err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, client.SubscriptionAdminClient.DeleteSubscription(ctx,
			&pubsubpb.DeleteSubscriptionRequest{Subscription: subscription.GetName()}))
	}()

	id, err := publisher.Publish(ctx, &driver.Message{Data: []byte("ahoy")}).Get(ctx)
	if err != nil {
		return "", err
	}
	text, err := receiveOne(ctx, client.Subscriber(name))
	return fmt.Sprintf("pubsub: published message %s, received %q and acknowledged it", id, text), err
}

// receiveOne returns the first message and acknowledges it.
func receiveOne(ctx context.Context, subscriber *driver.Subscriber) (text string, err error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	subscriber.ReceiveSettings.NumGoroutines = 1
	subscriber.ReceiveSettings.MaxOutstandingMessages = 1
	err = subscriber.Receive(ctx, func(_ context.Context, m *driver.Message) {
		text = string(m.Data)
		m.Ack()
		done()
	})
	return text, err
}
