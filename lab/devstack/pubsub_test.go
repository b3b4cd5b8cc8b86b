package devstack_test

import (
	"context"
	"errors"
	"testing"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vibework/mooring/lab/devstack"
)

const (
	topic        = "projects/devstack/topics/greetings"
	subscription = "projects/devstack/subscriptions/greetings"
)

func TestPubSubDeliversWhatIsPublished(t *testing.T) {
	client := newPubSub(t, start(t, "pubsub"))
	subscribe(t, client)
	publish(t, client, "hello")
	if got := receive(t, client); got != "hello" {
		t.Errorf("received %q", got)
	}
}

func TestPubSubIsBackWithItsMessagesAfterAnOutage(t *testing.T) {
	stack := start(t, "pubsub")
	client := newPubSub(t, stack)
	subscribe(t, client)
	publish(t, client, "kept")
	playOutage(t, stack, "pubsub", func(ctx context.Context) error { return listTopics(ctx, client) })
	if got := receive(t, client); got != "kept" {
		t.Errorf("received %q", got)
	}
}

func newPubSub(t *testing.T, stack *devstack.Stack) *driver.Client {
	t.Helper()
	client, err := driver.NewClient(t.Context(), variable(t, stack, "PUBSUB_PROJECT_ID"),
		option.WithEndpoint(variable(t, stack, "PUBSUB_EMULATOR_HOST")),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func subscribe(t *testing.T, client *driver.Client) {
	t.Helper()
	_, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SubscriptionAdminClient.CreateSubscription(t.Context(),
		&pubsubpb.Subscription{Name: subscription, Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, client *driver.Client, text string) {
	t.Helper()
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	result := publisher.Publish(t.Context(), &driver.Message{Data: []byte(text)})
	if _, err := result.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// receive takes one message and acknowledges it.
func receive(t *testing.T, client *driver.Client) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	texts := make(chan string, 1)
	err := client.Subscriber(subscription).Receive(ctx, func(_ context.Context, m *driver.Message) {
		m.Ack()
		select {
		case texts <- string(m.Data):
			cancel()
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-texts:
		return text
	default:
		t.Fatal("no message came")
		return ""
	}
}

func listTopics(ctx context.Context, client *driver.Client) error {
	topics := client.TopicAdminClient.ListTopics(ctx, &pubsubpb.ListTopicsRequest{Project: "projects/devstack"})
	if _, err := topics.Next(); err != nil && !errors.Is(err, iterator.Done) {
		return err
	}
	return nil
}
