package pubsub_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

func TestATopicHasOnePublisher(t *testing.T) {
	_, res := open(t, at(server(t)))
	orders := res.Publisher("orders")
	if res.Publisher("orders") != orders || res.Publisher("projects/"+project+"/topics/orders") != orders {
		t.Error("it has several")
	}
	if res.Publisher("visits") == orders || res.Publisher("projects/other/topics/orders") == orders {
		t.Error("two topics share one")
	}
}

func TestPublishingFailsAtOnceAfterClose(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	r, res := open(t, at(addr))
	early := res.Publisher(top.id)
	if err := r.CloseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*pubsub.TopicPublisher{early, res.Publisher(top.id), res.Publisher("another")} {
		result := p.Publish(t.Context(), &driver.Message{Data: []byte("late"), OrderingKey: "key"})
		_, err := outcome(t, result)
		if want := "pubsub: not open: it was closed"; !errors.Is(err, registry.ErrNotOpen) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		p.ResumePublish("key")
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := outcome(t, early.Publish(t.Context(), new(driver.Message))); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("a publisher of the last opening says %v", err)
	}
	if _, err := publish(t, res.Publisher(top.id), 1)[0].Get(t.Context()); err != nil {
		t.Errorf("one of this opening says %v", err)
	}
}

// A web server recovers from the panic, and goes on to publish.
func TestAMessageThatIsNilDoesNoHarmToOthers(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	r, res := open(t, at(addr))
	if text := panicOf(func() { res.Publisher(top.id).Publish(t.Context(), nil) }); !strings.Contains(text, "nil pointer") {
		t.Errorf("it panicked with %q", text)
	}
	published := make(chan *driver.PublishResult, 1)
	go func() { published <- publish(t, res.Publisher(top.id), 1)[0] }()
	select {
	case result := <-published:
		if _, err := result.Get(t.Context()); err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Publish does not return")
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMessagesWithAnOrderingKeyArriveInOrder(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	r, res := open(t, at(addr))
	var want []string
	for i := range 300 {
		want = append(want, strconv.Itoa(i))
		res.Publisher(top.id).Publish(t.Context(), &driver.Message{Data: []byte(want[i]), OrderingKey: "key"})
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := top.receive(t, 300); !slices.Equal(got, want) {
		t.Errorf("received %v", got)
	}
}

// What was published before the failure is known fails with the message; what is published after that is sent.
func TestAnOrderingKeyResumesWhenTheFailureIsKnown(t *testing.T) {
	addr := server(t)
	_, res := open(t, at(addr))
	top := newTopic(t, addr)
	p := res.Publisher(top.id)
	ordered := func(data string) *driver.PublishResult {
		return p.Publish(t.Context(), &driver.Message{Data: []byte(data), OrderingKey: "key"})
	}
	const invalid = "\xff" // the driver refuses an attribute that is not UTF-8
	first := p.Publish(t.Context(), &driver.Message{Attributes: map[string]string{"a": invalid}, OrderingKey: "key"})
	second := ordered("1")
	for _, result := range []*driver.PublishResult{first, second} {
		if _, err := result.Get(t.Context()); err == nil {
			t.Fatal("it was confirmed")
		}
	}
	if _, err := ordered("2").Get(t.Context()); err != nil {
		t.Errorf("after the failure is known: %v", err)
	}
	if got := top.receive(t, 1); !slices.Equal(got, []string{"2"}) {
		t.Errorf("received %q", got)
	}
}

// A service that is away for less than that loses nothing.
func TestAMessageIsTriedForAMinute(t *testing.T) {
	left := make(chan time.Duration, 1)
	addr := intercepted(t, func(
		ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
	) (any, error) {
		if call.FullMethod == pubsubpb.Publisher_Publish_FullMethodName {
			deadline, _ := ctx.Deadline()
			left <- time.Until(deadline)
		}
		return next(ctx, req)
	})
	top := newTopic(t, addr)
	_, res := open(t, at(addr))
	if _, err := publish(t, res.Publisher(top.id), 1)[0].Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-left; got > time.Minute || got < time.Minute/2 {
		t.Errorf("the first try had %v", got)
	}
}

func TestPublishTimeoutBoundsEveryMessage(t *testing.T) {
	proxy, cfg := proxied(t)
	cfg.PublishTimeout = 200 * time.Millisecond
	r, res := open(t, cfg)
	for _, fault := range []func(){proxy.Blackhole, proxy.Refuse} {
		fault()
		start := time.Now()
		for _, result := range publish(t, res.Publisher("orders"), 10) {
			if _, err := result.Get(t.Context()); err == nil {
				t.Error("a message was confirmed")
			}
		}
		if took := time.Since(start); took >= patience {
			t.Errorf("it took %v with %v to publish", took, cfg.PublishTimeout)
		}
	}
	if err := r.CloseAll(t.Context()); err != nil { // the results have told
		t.Errorf("Close says %v", err)
	}
}

func TestPublishingGoesOnAfterAnOutage(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	proxy, cfg := proxiedAt(t, addr)
	_, res := open(t, cfg)
	proxy.Refuse()
	results := publish(t, res.Publisher(top.id), 10)
	time.AfterFunc(300*time.Millisecond, proxy.Pass)
	for _, result := range results {
		if _, err := result.Get(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := distinct(top.receive(t, 10)); got != 10 {
		t.Errorf("%d messages arrived", got)
	}
}

func publish(t *testing.T, p *pubsub.TopicPublisher, n int) (results []*driver.PublishResult) {
	t.Helper()
	for i := range n {
		results = append(results, p.Publish(t.Context(), &driver.Message{Data: []byte(strconv.Itoa(i))}))
	}
	return results
}

// outcome is the result, which has to be there.
func outcome(t *testing.T, result *driver.PublishResult) (id string, err error) {
	t.Helper()
	select {
	case <-result.Ready():
	default:
		t.Fatal("a result has not come")
	}
	return result.Get(t.Context())
}

func distinct(texts []string) int {
	seen := make(map[string]bool)
	for _, text := range texts {
		seen[text] = true
	}
	return len(seen)
}
