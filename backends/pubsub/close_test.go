package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func TestCloseDeliversWhatWasPublished(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	r, res := open(t, at(addr))
	results := publish(t, res.Publisher(top.id), 500)
	if err := r.CloseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, result := range results {
		if _, err := outcome(t, result); err != nil {
			t.Fatal(err)
		}
	}
	if got := distinct(top.receive(t, 500)); got != 500 {
		t.Errorf("%d messages arrived, want 500", got)
	}
}

func TestCloseCountsWhatHasNotBeenConfirmed(t *testing.T) {
	for name, fault := range map[string]func(*faultproxy.Proxy){
		"frozen":    (*faultproxy.Proxy).Blackhole,
		"refusing":  (*faultproxy.Proxy).Refuse,
		"resetting": (*faultproxy.Proxy).Reset,
	} {
		t.Run(name, func(t *testing.T) {
			proxy, cfg := proxied(t)
			r, res := open(t, cfg)
			fault(proxy)
			results := publish(t, res.Publisher("orders"), 250)
			results = append(results, publish(t, res.Publisher("visits"), 250)...)
			const bound = 2 * time.Second
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			start := time.Now()
			err := r.CloseAll(ctx)
			want := "close pubsub: timeout: 500 messages were not confirmed and may be lost"
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if kind := registry.KindOf(err); kind != registry.KindTimeout {
				t.Errorf("the kind is %q", kind)
			}
			if took := time.Since(start); took > 3*bound {
				t.Errorf("it took %v of %v", took, bound)
			}
			for _, result := range results {
				if _, err := outcome(t, result); err == nil || err.Error() != cutOff {
					t.Fatalf("a result is %v", err)
				}
			}
			eventually(t, "no connection is left", func() bool { return proxy.Conns() == 0 })
		})
	}
}

// cutOff is what the result of a message says that Close has counted.
const cutOff = "closed before the message was confirmed: it may be lost"

func TestCloseSaysWhyTheServiceRefusedWhatWasLeft(t *testing.T) {
	proxy, cfg := proxied(t)
	r, res := open(t, cfg)
	proxy.Latency(100 * time.Millisecond) // no result comes before Close begins
	publish(t, res.Publisher("not-there"), 3)
	err := r.CloseAll(t.Context())
	want := "close pubsub: config: 3 messages were not confirmed and may be lost: there is no such topic, subscription or project (NotFound)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCloseDoesNotCountWhatFailedBefore(t *testing.T) {
	r, res := open(t, at(server(t)))
	for _, result := range publish(t, res.Publisher("not-there"), 300) {
		if _, err := result.Get(t.Context()); err == nil {
			t.Error("a message to a topic that is not there was confirmed")
		}
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutADeadlineEndsWithThePublishTimeout(t *testing.T) {
	proxy, cfg := proxied(t)
	cfg.PublishTimeout = 300 * time.Millisecond
	res := pubsub.New("pubsub", pubsub.WithConfig(cfg))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole()
	publish(t, res.Publisher("orders"), 10_000) // more than are sent at a time
	start := time.Now()
	if err := res.Close(context.Background()); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v with %v to publish", took, cfg.PublishTimeout)
	}
}

func TestCloseIsShortWhenItsContextHasEnded(t *testing.T) {
	proxy, cfg := proxied(t)
	res := pubsub.New("pubsub", pubsub.WithConfig(cfg))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole()
	publish(t, res.Publisher("orders"), 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	err := res.Close(ctx)
	if want := "10 messages were not confirmed and may be lost"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
}

// Each message is confirmed, or counted by Close, or refused by its result, at whatever moment Close comes.
func TestNoMessageIsLostOrCountedTwiceWhileCloseRuns(t *testing.T) {
	const messages, workers = 10_000, 10
	for round := range 4 {
		frozen := round%2 == 1
		t.Run(fmt.Sprintf("%d frozen %v", round, frozen), func(t *testing.T) {
			addr := server(t)
			tops := []topic{newTopic(t, addr), newTopic(t, addr)}
			proxy, cfg := proxiedAt(t, addr)
			_, res := open(t, cfg)

			var published atomic.Int64
			moment, reached := rand.Int64N(messages), make(chan struct{})
			results := make([]*driver.PublishResult, messages)
			refused := make([]bool, messages) // by Publish itself
			var working sync.WaitGroup
			for worker := range workers {
				working.Go(func() {
					for i := worker; i < messages; i += workers {
						if published.Add(1) == moment+1 {
							close(reached)
						}
						m := &driver.Message{Data: []byte(strconv.Itoa(i))}
						results[i] = res.Publisher(tops[i%2].id).Publish(t.Context(), m)
						refused[i] = isReady(results[i])
					}
				})
			}
			<-reached
			bound := 20 * time.Second
			if frozen {
				proxy.Blackhole()
				bound = 2 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			err := res.Close(ctx) // the registry would call it hung if a busy machine took 100ms to count
			working.Wait()
			account(t, results, refused, tops, counted(t, err))
		})
	}
}

func isReady(result *driver.PublishResult) bool {
	select {
	case <-result.Ready():
		return true
	default:
		return false
	}
}

// account checks that each message has one outcome, that only what Publish did not take was refused, and that what
// was confirmed arrives.
func account(t *testing.T, results []*driver.PublishResult, atOnce []bool, tops []topic, counted int) {
	t.Helper()
	confirmed := make([]int, len(tops))
	var refused, cut int
	for i, result := range results {
		switch _, err := outcome(t, result); {
		case err == nil:
			confirmed[i%len(tops)]++
		case errors.Is(err, registry.ErrNotOpen) && atOnce[i]:
			refused++
		case err.Error() == cutOff:
			cut++
		default:
			t.Fatalf("message %d: %v", i, err)
		}
	}
	t.Logf("%d confirmed, %d refused, %d counted", confirmed, refused, counted)
	if cut != counted {
		t.Errorf("Close counted %d messages, but %d results say that they were cut off", counted, cut)
	}
	for i, top := range tops {
		if got := distinct(top.receive(t, confirmed[i])); got < confirmed[i] || cut == 0 && got != confirmed[i] {
			t.Errorf("%d messages arrived, %d were confirmed", got, confirmed[i])
		}
	}
}

// counted is the number in the error of Close.
func counted(t *testing.T, err error) (n int) {
	t.Helper()
	if err == nil {
		return 0
	}
	const format = "%d messages were not confirmed and may be lost"
	if _, scan := fmt.Sscanf(err.Error(), format, &n); scan != nil || err.Error() != fmt.Sprintf(format, n) {
		t.Fatal(err)
	}
	return n
}
