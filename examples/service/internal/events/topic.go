// Package events tells that orders were placed, by way of Pub/Sub, and does the work that follows.
package events

import (
	"context"
	"errors"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The topic of placed orders, and the subscription of the one who packs them.
const (
	Topic        = "orders-placed"
	Subscription = "orders-packing"
)

// Ensure creates the topic and the subscription where they are missing. A service account that may not is no
// failure: then somebody else has created them, or publishing will tell.
func Ensure(ctx context.Context, client *driver.Client) error {
	project := "projects/" + client.Project()
	topic := project + "/topics/" + Topic
	_, topicErr := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topic})
	_, subscriptionErr := client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: project + "/subscriptions/" + Subscription, Topic: topic,
	})
	return errors.Join(unlessThere(topicErr), unlessThere(subscriptionErr))
}

func unlessThere(err error) error {
	switch status.Code(err) {
	case codes.AlreadyExists, codes.PermissionDenied:
		return nil
	}
	return err
}
