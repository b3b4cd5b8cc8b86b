package pubsub_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/registry"
)

// foreignPublish publishes with a publisher that is made from the client, with the driver's settings.
func foreignPublish(t *testing.T, client *driver.Client, topic string, n int) (results []*driver.PublishResult) {
	t.Helper()
	p := client.Publisher(topic)
	for i := range n {
		results = append(results, p.Publish(t.Context(), &driver.Message{Data: []byte(strconv.Itoa(i))}))
	}
	return results
}

func TestCloseWaitsForPublishersThatAreMadeFromTheClient(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	proxy, cfg := proxiedAt(t, addr)
	r, res := open(t, cfg)
	client := res.Client()
	proxy.Latency(50 * time.Millisecond)
	foreignPublish(t, client, top.id, 1010)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Error(err)
	}
	if got := distinct(top.receive(t, 1010)); got != 1010 {
		t.Errorf("%d messages arrived, want 1010", got)
	}
}

func TestCloseCountsWhatPublishersOfTheClientCannotSend(t *testing.T) {
	proxy, cfg := proxied(t)
	r, res := open(t, cfg)
	client := res.Client()
	proxy.Blackhole()
	foreignPublish(t, client, "orders", 245)
	publish(t, res.Publisher("a/b"), 5) // the driver makes a name of it that is as wrong, and nobody counts it twice
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := r.CloseAll(ctx)
	want := "close pubsub: timeout: 250 messages were not confirmed and may be lost"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// 600 MB are offered while the service is frozen.
func TestMemoryStaysBoundedWhileTheServiceIsFrozen(t *testing.T) {
	proxy, cfg := proxied(t)
	r, res := open(t, cfg)
	proxy.Blackhole()
	p := res.Publisher("orders")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	refused := 0
	for range 60_000 {
		if result := p.Publish(ctx, &driver.Message{Data: make([]byte, 10_000)}); isReady(result) {
			refused++
		}
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	if memory.HeapAlloc > 200<<20 || refused < 50_000 {
		t.Errorf("%d MB are in use, %d messages were refused", memory.HeapAlloc>>20, refused)
	}
	closing, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.CloseAll(closing); err == nil {
		t.Error("Close says nothing of what is lost")
	}
}

func TestCloseEndsTheWaitOfAPublisherForRoom(t *testing.T) {
	proxy, cfg := proxied(t)
	r, res := open(t, cfg)
	proxy.Blackhole()
	p := res.Publisher("orders", func(s *driver.PublishSettings) { s.FlowControlSettings.MaxOutstandingMessages = 1 })
	p.Publish(t.Context(), &driver.Message{Data: []byte("0")})
	waiting := make(chan error)
	go func() {
		_, err := p.Publish(t.Context(), &driver.Message{Data: []byte("1")}).Get(t.Context())
		waiting <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := r.CloseAll(ctx)
	if want := "close pubsub: timeout: 1 messages were not confirmed and may be lost"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := <-waiting; registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("what waited says %v", err)
	}
}

func TestTheHookOfAPublisherSetsWhatTheDriverOffers(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	_, res := open(t, at(addr))
	hooked := 0
	hook := func(s *driver.PublishSettings) {
		s.EnableCompression = true
		hooked++
	}
	for range 2 {
		if _, err := publish(t, res.Publisher(top.id, hook), 1)[0].Get(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if hooked != 1 {
		t.Errorf("hooked %d times", hooked)
	}
}
