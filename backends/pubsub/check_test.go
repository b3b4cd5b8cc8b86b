package pubsub_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

// asked is a fake that counts the questions of checks and answers them with a code.
type asked struct {
	addr  string
	times atomic.Int32
	code  atomic.Uint32
}

func newAsked(t *testing.T) *asked {
	t.Helper()
	a := new(asked)
	a.addr = intercepted(t, func(
		ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
	) (any, error) {
		if call.FullMethod != pubsubpb.Publisher_GetTopic_FullMethodName {
			return next(ctx, req)
		}
		a.times.Add(1)
		return new(pubsubpb.Topic), status.Error(codes.Code(a.code.Load()), "")
	})
	return a
}

func TestChecksAskTheServiceOnceInAnInterval(t *testing.T) {
	fake := newAsked(t)
	for name, test := range map[string]struct {
		interval time.Duration
		want     int32
	}{
		"half a minute unless set": {0, 1},
		"each time":                {-1, 11},
	} {
		cfg := at(fake.addr)
		cfg.CheckInterval = test.interval
		_, res := open(t, cfg)
		before := fake.times.Load() - 1 // Open has asked
		for range 10 {
			if err := res.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := fake.times.Load() - before; got != test.want {
			t.Errorf("%s: %d questions, want %d", name, got, test.want)
		}
	}
}

func TestACheckAsksAgainWhenTheIntervalIsOver(t *testing.T) {
	fake := newAsked(t)
	cfg := at(fake.addr)
	cfg.CheckInterval = 50 * time.Millisecond
	_, res := open(t, cfg)
	eventually(t, "it asks again", func() bool {
		return res.Check(t.Context()) == nil && fake.times.Load() > 1
	})
}

func TestACheckAsksAtOnceWhenTheConnectionHasEnded(t *testing.T) {
	proxy, cfg := proxied(t)
	cfg.CheckInterval = time.Hour
	_, res := open(t, cfg)
	if err := res.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the check fails", func() bool {
		return registry.KindOf(res.Check(t.Context())) == registry.KindUnreachable
	})
	proxy.Pass()
	eventually(t, "the check is well", func() bool { return res.Check(t.Context()) == nil })
}

// A quota that is used up is not helped by more questions; what passes by itself is looked at each time.
func TestARefusalCountsAsAnAnswerAndAFailureDoesNot(t *testing.T) {
	for code, want := range map[codes.Code]int32{
		codes.ResourceExhausted: 1, codes.Unauthenticated: 1, codes.Internal: 3, codes.Unavailable: 6,
	} {
		fake := newAsked(t)
		cfg := at(fake.addr)
		cfg.CheckInterval = time.Hour
		_, res := open(t, cfg)
		fake.code.Store(uint32(code))
		pubsub.ForgetAnswer(res)
		before := fake.times.Load()
		for range 3 {
			if err := res.Check(t.Context()); err == nil {
				t.Errorf("%v: the check is well", code)
			}
		}
		if got := fake.times.Load() - before; got != want {
			t.Errorf("%v: %d questions, want %d", code, got, want)
		}
	}
}
