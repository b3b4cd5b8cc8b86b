package kit_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestTheServerIsAskedDirectlyWhenThePoolCannotTell(t *testing.T) {
	failure := func(k registry.Kind) error { return registry.Classify(k, errors.New(string(k))) }
	stale, full, denied, down := failure(registry.KindUnreachable), failure(registry.KindDegraded),
		failure(registry.KindAuth), failure(registry.KindTimeout)
	demoted := failure(registry.KindReadOnly)
	refused, stuck := failure(registry.KindExhausted), stuckPool(t)
	broken, canceled := failure(registry.KindTLS), failure(registry.KindCanceled)
	for _, test := range []struct{ pooled, direct, want error }{
		{nil, down, nil},
		{denied, nil, nil}, // the files have changed
		{denied, denied, denied},
		{broken, nil, nil},
		{broken, down, down},
		{stale, nil, nil},
		{stale, down, down},
		{canceled, nil, nil}, // by the driver, and by nobody else
		{canceled, down, down},
		{full, nil, full},
		{full, down, down},
		{full, refused, full}, // the server answers, and what is ours moves
		{stuck, nil, stuck},
		{stuck, down, down},
		{refused, refused, refused},
		{refused, nil, nil},
		{down, nil, nil},
		{demoted, nil, nil},
		{demoted, demoted, demoted},
	} {
		dropped := false
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		got := kit.Probe(ctx,
			func(context.Context) error { return test.pooled },
			func(context.Context) error { return test.direct },
			func() { dropped = true })
		cancel()
		if got != test.want {
			t.Errorf("pool: %v, server: %v: got %v, want %v", test.pooled, test.direct, got, test.want)
		}
		forgotten := slices.Contains([]error{denied, broken, down, stale, canceled}, test.pooled)
		if dropped != (forgotten && got == nil) {
			t.Errorf("pool: %v, server: %v: the idle connections are dropped: %t", test.pooled, test.direct, dropped)
		}
	}
}

func TestThePoolGetsHalfOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wait := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		direct := func(ctx context.Context) error {
			if took := time.Since(start); took != 500*time.Millisecond {
				t.Errorf("the pool had %v", took)
			}
			return wait(ctx)
		}
		if err := kit.Probe(ctx, wait, direct, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
