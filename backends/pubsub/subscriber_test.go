package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

// receive registers a subscriber of the topic after the client, and opens both.
func receive(t *testing.T, top topic, cfg pubsub.Config, handle func(context.Context, *driver.Message)) *registry.Registry {
	t.Helper()
	r, res := register(cfg)
	r.Register(res.Subscriber("orders", top.id, handle))
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = r.CloseAll(ctx)
	})
	return r
}

// send publishes n messages past the resources under test.
func send(t *testing.T, top topic, n int) {
	t.Helper()
	p := top.client.Publisher(top.id)
	defer p.Stop()
	for i := range n {
		p.Publish(t.Context(), &driver.Message{Data: fmt.Append(nil, i)})
	}
}

func TestHandlersFinishBeforeWhatTheyUseIsClosed(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	begun, finish := make(chan struct{}, 100), make(chan struct{})
	var handled, cancelled atomic.Int32
	r := receive(t, top, at(addr), func(ctx context.Context, m *driver.Message) {
		begun <- struct{}{}
		<-finish
		if ctx.Err() != nil {
			cancelled.Add(1)
		}
		handled.Add(1)
		m.Ack()
	})
	send(t, top, 5)
	for range 5 {
		<-begun
	}
	time.AfterFunc(200*time.Millisecond, func() { close(finish) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Error(err)
	}
	if handled.Load() != 5 || cancelled.Load() != 0 {
		t.Errorf("%d handlers finished, %d saw the end of their context", handled.Load(), cancelled.Load())
	}
	if left := top.pull(t.Context(), t); len(left) != 0 {
		t.Errorf("acknowledged, and delivered again: %v", left)
	}
}

// The context of a handler is not Receive's: that ends when Close begins.
func TestTheContextOfAHandlerEndsWithMostOfTheShare(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	begun, ended := make(chan struct{}), make(chan time.Time, 1)
	res := pubsub.New("pubsub", pubsub.WithConfig(at(addr)))
	orders := res.Subscriber("orders", top.id, func(ctx context.Context, m *driver.Message) {
		close(begun)
		<-ctx.Done()
		ended <- time.Now()
		m.Ack()
	})
	for _, r := range []registry.Resource{res, orders} {
		if err := r.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close(context.Background()) }()
	}
	send(t, top, 1)
	<-begun
	const share = 4 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), share)
	defer cancel()
	start := time.Now()
	if err := orders.Close(ctx); err != nil {
		t.Error(err)
	}
	if after := (<-ended).Sub(start); after < share*9/10 || after > share {
		t.Errorf("it ended after %v of %v", after, share)
	}
	if left := top.pull(t.Context(), t); len(left) != 0 {
		t.Errorf("acknowledged, and delivered again: %v", left)
	}
}

func TestHandlersThatDoNotReturnAreCounted(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	begun, stuck := make(chan struct{}, 3), make(chan struct{})
	r := receive(t, top, at(addr), func(context.Context, *driver.Message) {
		begun <- struct{}{}
		<-stuck
	})
	defer close(stuck)
	send(t, top, 3)
	for range 3 {
		<-begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := r.CloseAll(ctx)
	want := "close orders: timeout: 3 handlers have not returned: their messages will be delivered again"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The driver's own way to shut down would give the messages back at once, or let nobody finish.
func TestAHookDoesNotKeepCloseFromWaitingForHandlers(t *testing.T) {
	for _, shutdown := range []driver.ShutdownOptions{{}, {Timeout: time.Minute, Behavior: driver.ShutdownBehaviorNackImmediately}} {
		addr := server(t)
		top := newTopic(t, addr)
		begun, finish := make(chan struct{}, 10), make(chan struct{})
		r, res := register(at(addr))
		r.Register(res.Subscriber("orders", top.id, func(_ context.Context, m *driver.Message) {
			begun <- struct{}{}
			<-finish
			m.Ack()
		}, func(s *driver.ReceiveSettings) { s.ShutdownOptions = &shutdown }))
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		send(t, top, 1)
		<-begun
		time.AfterFunc(200*time.Millisecond, func() { close(finish) })
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := r.CloseAll(ctx); err != nil {
			t.Errorf("%+v: %v", shutdown, err)
		}
		cancel()
		if left := top.pull(t.Context(), t); len(left) != 0 {
			t.Errorf("%+v: acknowledged, and delivered again: %v", shutdown, left)
		}
	}
}

func TestAMessageWithoutAnAnswerIsDeliveredAgain(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	var deliveries atomic.Int32
	again := make(chan struct{})
	r := receive(t, top, at(addr), func(_ context.Context, m *driver.Message) {
		if deliveries.Add(1) == 2 {
			m.Ack()
			close(again)
		}
	})
	send(t, top, 1)
	<-again
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil { // and Close does not wait for the answer
		t.Error(err)
	}
}

func TestAHandlerThatPanicsCostsNothingButItsCall(t *testing.T) {
	log := captureLog(t)
	addr := server(t)
	top := newTopic(t, addr)
	var deliveries atomic.Int32
	again := make(chan struct{})
	r := receive(t, top, at(addr), func(_ context.Context, m *driver.Message) {
		if deliveries.Add(1) == 1 {
			panic("no such order")
		}
		m.Ack()
		close(again)
	})
	send(t, top, 1)
	<-again
	if err := r.Check(t.Context(), "orders").Err; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Error(err)
	}
	const want = `level=ERROR msg="a handler panicked: its message will be delivered again" resource=orders ` +
		`panic="no such order" stack=`
	if got := log(); !strings.HasPrefix(got, want) || !strings.Contains(got, "subscriber_test.go:") {
		t.Errorf("got %s", got)
	}
}

// At most ten handlers are at work, and Close lets none begin: each that has begun is done, and the rest is given back.
func TestNothingIsHandledTwiceWhenCloseCutsIn(t *testing.T) {
	const messages = 60
	addr := server(t)
	top := newTopic(t, addr)
	var mu sync.Mutex
	handled := make(map[string]int)
	enough := make(chan struct{})
	work := func(_ context.Context, m *driver.Message) {
		wait := time.NewTimer(20 * time.Millisecond)
		defer wait.Stop()
		<-wait.C
		mu.Lock()
		defer mu.Unlock()
		handled[string(m.Data)]++
		if len(handled) == messages/2 {
			close(enough)
		}
		m.Ack()
	}
	r, res := register(at(addr))
	r.Register(res.Subscriber("orders", top.id, work, func(s *driver.ReceiveSettings) { s.MaxOutstandingMessages = 10 }))
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, top, messages)
	<-enough
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Fatal(err)
	}
	if len(handled) == messages {
		t.Error("Close has let all handlers begin")
	}
	for _, text := range top.pull(t.Context(), t) {
		handled[text]++
	}
	for text, times := range handled {
		if times != 1 {
			t.Errorf("message %s was handled %d times", text, times)
		}
	}
}

func TestASubscriberWantsASubscriptionAndAnOpenClient(t *testing.T) {
	_, res := open(t, at(server(t)))
	nothing := func(context.Context, *driver.Message) {}
	err := res.Subscriber("orders", "not-there", nothing).Open(t.Context())
	if want := "there is no such topic, subscription or project (NotFound)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	closed := pubsub.New("pubsub").Subscriber("orders", "orders", nothing)
	if err := closed.Open(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("without a client: %v", err)
	}
}

func TestASubscriberSaysWhyItReceivesNothingAndGoesOn(t *testing.T) {
	fake := newStreams(t)
	top := newTopic(t, fake.addr)
	var got atomic.Int32
	r := receive(t, top, at(fake.addr), func(_ context.Context, m *driver.Message) {
		m.Ack()
		got.Add(1)
	})
	send(t, top, 1)
	eventually(t, "a message came", func() bool { return got.Load() == 1 })
	fake.refuse.Store(true)
	send(t, top, 1)
	eventually(t, "the check says why", func() bool {
		err := r.Check(t.Context(), "orders").Err
		return err != nil && strings.HasPrefix(err.Error(), "check orders: permission: nothing is received: ")
	})
	fake.refuse.Store(false)
	send(t, top, 1)
	eventually(t, "another message came", func() bool { return got.Load() == 2 })
	eventually(t, "the check is well", func() bool { return r.Check(t.Context(), "orders").Err == nil })
}

// The contract's tests cannot be run: a goroutine of the driver's lives up to ten seconds longer than Receive.
func TestASubscriberOpensClosesAndOpensAgain(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	_, res := open(t, at(addr))
	got := make(chan struct{})
	orders := res.Subscriber("orders", top.id, func(_ context.Context, m *driver.Message) {
		m.Ack()
		got <- struct{}{}
	})
	if err := orders.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("a check before Open says %v", err)
	}
	for range 2 {
		for range 2 {
			if err := orders.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := orders.Check(t.Context()); err != nil {
			t.Error(err)
		}
		send(t, top, 1)
		<-got
		for range 2 {
			if err := orders.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := orders.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("a check after Close says %v", err)
		}
	}
}

// streams is a fake whose streams of messages can be refused.
type streams struct {
	addr   string
	refuse atomic.Bool
}

func newStreams(t *testing.T) *streams {
	t.Helper()
	s := new(streams)
	pass := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		return next(ctx, req)
	}
	s.addr = intercepted(t, pass, grpc.StreamInterceptor(
		func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return next(srv, &refusing{stream, s})
		}))
	return s
}

// refusing is a stream that ends with the next message when it is refused.
type refusing struct {
	grpc.ServerStream
	fake *streams
}

func (r *refusing) SendMsg(m any) error {
	if r.fake.refuse.Load() {
		return status.Error(codes.PermissionDenied, "SECRET")
	}
	return r.ServerStream.SendMsg(m)
}
